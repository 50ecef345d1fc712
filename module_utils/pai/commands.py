# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin cmd: which of the job's commands run at which event, and running them once."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import RuntimeConfigError
from .files import PRIVATE, replace
from .plugin_entry import NotWrittenYetError, PluginEntry, read_json, texts
from .shell import EXIT_NO_SHELL, RuntimeLogWriter, Shell

START = "taskStarts"
SUCCEEDS = "taskSucceeds"
FAILS = "taskFails"
STOPPED = "taskStopped"
COMPLETES = "taskCompletes"


class CommandsFailedError(RuntimeConfigError):
    """Commands of the user's ended with an error: the message and their exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


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
class Outcome:
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

    :raises RuntimeConfigError: a command is not a text, or a timeout is not above 0.
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


def due(callbacks: Iterable[Callback], outcome: Outcome | None) -> list[Callback]:
    """Return what runs now: at the start (no outcome), or at the end, ``taskCompletes`` last."""
    events = [outcome.event, COMPLETES] if outcome else [START]
    known = list(callbacks)
    return [callback for event in events for callback in known if callback.event == event]


def read_outcome(log_dir: Path, work_dir: Path) -> Outcome:
    """Return how the task ended: as analysed, or plainly when the analysis has failed.

    :raises NotWrittenYetError: neither file is there.
    """
    for path in (log_dir / "exit.json", work_dir / "outcome.json"):
        found = read_json(path)
        if found is not None:
            code = int(found["exitCode"])
            phrase = found.get("phrase") or found.get("message") or f"exit code {code}"
            return Outcome(code, bool(found["stopped"]), phrase)
    raise NotWrittenYetError(log_dir / "exit.json")


@dataclasses.dataclass(frozen=True)
class Marks:
    """What one use of the plugin has already done in this attempt, as files in ``state/``."""

    state: Path
    position: int

    def path(self, callback: Callback, kind: str) -> Path:
        """Return the file that says ``started`` or ``done``, or is the ``script``."""
        return self.state / f"cmd-{self.position}-{callback.key}.{kind}"

    def pending(self, callbacks: Iterable[Callback]) -> list[Callback]:
        """Return the callbacks that have not yet come to a good end."""
        return [one for one in callbacks if not self.path(one, "done").exists()]

    def write(self, callback: Callback, kind: str) -> Path:
        """Write one of the files, at once and readable by its owner only."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.path(callback, kind)
        replace(target, os.fsencode(callback.script) if kind == "script" else b"", PRIVATE)
        return target


def find_shell(label: str, environment: Mapping[str, str]) -> Shell:
    """Return the image's shell.

    :raises CommandsFailedError: there is none; the code is 127, as for a command not found.
    """
    shell = Shell.find(environment)
    if shell is None:
        raise CommandsFailedError(
            f"{label}: neither bash nor sh is on the PATH of the image; install one in it",
            EXIT_NO_SHELL,
        )
    return shell


@dataclasses.dataclass(frozen=True)
class Runner:
    """Runs callbacks one after the other, each in a shell of its own.

    :param label: how messages name the plugin.
    """

    label: str
    marks: Marks
    shell: Shell
    environment: Mapping[str, str]
    directory: Path
    log: RuntimeLogWriter

    def run_all(self, callbacks: Iterable[Callback]) -> None:
        """Run the callbacks; after a failure only those of ``taskCompletes``, which run always.

        :raises CommandsFailedError: the first failure, after all that was to run has run.
        """
        if not self.shell.is_bash:
            self.log.line(f"{self.label}: no bash in the image, so {self.shell.path} runs this")
        failure: CommandsFailedError | None = None
        for callback in callbacks:
            if failure and callback.event != COMPLETES:
                continue
            try:
                self.run(callback)
            except CommandsFailedError as error:
                failure = failure or error
        if failure:
            raise failure

    def run(self, callback: Callback) -> None:
        """Run one callback and mark it; an interrupted one is seen by its mark, and runs again."""
        place = f"{self.label}, event {callback.event}"
        if self.marks.path(callback, "started").exists():
            self.log.line(f"{place}: the commands were begun before and not ended well; again")
        script = self.marks.write(callback, "script")
        self.marks.write(callback, "started")
        ended = self.shell.run(
            script,
            environment=self.environment,
            directory=self.directory,
            log=self.log,
            timeout=callback.timeout,
        )
        if ended.timed_out:
            how = f"the commands did not end within their timeout of {callback.timeout:g} seconds"
        else:
            how = f"the commands ended with exit code {ended.code}"
        if ended.code:
            message = f"{place}: {how}; their output is in runtime.log"
            raise CommandsFailedError(message, ended.code)
        self.marks.write(callback, "done")
