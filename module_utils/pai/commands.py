# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin cmd: which of the job's commands run at which event."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import RuntimeConfigError
from .exit.model import integer
from .exit.outcome import read_json
from .plugin_entry import NotWrittenYetError, PluginEntry, texts

START = "taskStarts"
SUCCEEDS = "taskSucceeds"
FAILS = "taskFails"
STOPPED = "taskStopped"
COMPLETES = "taskCompletes"


@dataclasses.dataclass(frozen=True)
class Callback:
    """Commands for one event; ``number`` is the place among the plugin's callbacks, from 1."""

    number: int
    event: str
    script: str
    timeout: float | None

    @property
    def key(self) -> str:
        """Return a file name that stands for exactly these commands at this place."""
        digest = hashlib.sha256(os.fsencode(self.script)).hexdigest()
        return f"{self.event}-{self.number}-{digest[:16]}"


@dataclasses.dataclass(frozen=True)
class TaskEnd:
    """How the task ended."""

    exit_code: int
    stopped: bool
    phrase: str

    @property
    def event(self) -> str:
        """Return the one event that tells this end."""
        if self.stopped:
            return STOPPED
        return SUCCEEDS if self.exit_code == 0 else FAILS

    @property
    def variables(self) -> dict[str, str]:
        """Return what the commands of the end get to know, as environment variables."""
        known = {"PAI_TASK_EXIT_CODE": str(self.exit_code)}
        if self.exit_code:
            known["PAI_TASK_FAILURE_PHRASE"] = self.phrase
        return known


def read_callbacks(entry: PluginEntry) -> tuple[Callback, ...]:
    """Return the callbacks that the parameters of a plugin cmd ask for, in their order.

    Raises:
        RuntimeConfigError: a command is not a text, or a timeout is not above 0.
    """
    wanted = [
        {"event": event, "commands": entry.parameters.get(name), "place": name}
        for name, event in (("preCommands", START), ("postCommands", SUCCEEDS))
    ]
    for number, given in enumerate(entry.parameters.get("callbacks") or [], 1):
        wanted.append({**given, "place": f"callbacks, entry {number}"})
    found = [_callback(number, item, entry.label) for number, item in enumerate(wanted, 1)]
    return tuple(callback for callback in found if callback.script.strip())


def _callback(number: int, given: Mapping[str, Any], label: str) -> Callback:
    place = f"{label}, {given['place']}"
    timeout = given.get("timeout")
    if timeout is not None and not timeout > 0:
        raise RuntimeConfigError(
            f"{place}: timeout {timeout} is not above 0 seconds; leave it out to wait without end"
        )
    script = "".join(f"{command}\n" for command in texts(given.get("commands"), place))
    return Callback(number, given["event"], script, timeout)


def due(callbacks: Iterable[Callback], end: TaskEnd | None) -> list[Callback]:
    """Return what runs now: at the start (no end yet), or at the end, ``taskCompletes`` last."""
    events = [end.event, COMPLETES] if end else [START]
    known = list(callbacks)
    return [callback for event in events for callback in known if callback.event == event]


def read_end(log_dir: Path, work_dir: Path) -> TaskEnd:
    """Return how the task ended: as analysed, or plainly where the analysis left nothing usable.

    Raises:
        NotWrittenYetError: neither file is there.
        RuntimeConfigError: no file says with which code the task ended.
    """
    paths = (log_dir / "exit.json", work_dir / "outcome.json")
    for path in paths:
        found = read_json(path, [])
        code = integer(found.get("exitCode"))
        if code is not None:
            phrase = found.get("phrase") or found.get("message") or f"exit code {code}"
            return TaskEnd(code, found.get("stopped") is True, str(phrase))
    there = [str(path) for path in paths if path.exists()]
    if not there:
        raise NotWrittenYetError(paths[0])
    raise RuntimeConfigError(
        f"{' and '.join(there)}: no exitCode is in there; run the task with pai-runtime again"
    )
