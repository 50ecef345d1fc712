# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task ended, as pai-runtime wrote it down before it asked for an explanation."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .model import integer

STAGES = ("start", "command", "exit")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What ``outcome.json`` says; whatever it lacks has its harmless default.

    ``stage`` tells what ended the task: a failing ``start`` (the command never ran), the
    ``command``, or a failing ``exit``. ``plugin`` is the one whose failure decided.
    ``refused``: the start failed because the job or a setting is wrong. ``facts`` is all that the
    file holds, for conditions of the catalogue.
    """

    exit_code: int = 255
    signal: int | None = None
    stopped: bool = False
    stage: str = "command"
    plugin: str | None = None
    message: str | None = None
    refused: bool = False
    started_at: str | None = None
    ended_at: str | None = None
    phases: dict[str, Any] = dataclasses.field(default_factory=dict)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def succeeded(self) -> bool:
        """Whether the task ended as it should."""
        return self.exit_code == 0

    @property
    def user_exit_code(self) -> int | None:
        """The code of the user's command: unknown before it ran, 0 where only the exit failed."""
        return {"start": None, "exit": 0}.get(self.stage, self.exit_code)

    @property
    def signalled(self) -> bool:
        """Whether the code says 128 + signal: from the kernel, or from a shell about its child."""
        return self.signal is not None or self.exit_code - 128 in set(signal.Signals)


def read_json(path: Path, problems: list[str]) -> dict[str, Any]:
    """Return the object in a JSON file of ours; a file that has none is a problem, not an error."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        problems.append(f"{path}: not a JSON object")
        return {}
    return value


def read_outcome(path: Path, problems: list[str]) -> Outcome:
    """Read ``outcome.json``; without it the task counts as failed with code 255."""
    row = read_json(path, problems)
    code = integer(row.get("exitCode"))
    stage = row.get("stage")
    phases = row.get("phases")
    if row and code is None:
        problems.append(f"{path}: exitCode {row.get('exitCode')!r} is not a number; 255 is taken")
    return Outcome(
        exit_code=255 if code is None else code,
        signal=integer(row.get("signal")),
        stopped=row.get("stopped") is True,
        stage=stage if stage in STAGES else "command",
        plugin=_text(row.get("plugin")),
        message=_text(row.get("message")),
        refused=row.get("refused") is True,
        started_at=_text(row.get("startedAt")),
        ended_at=_text(row.get("endedAt")),
        phases=phases if isinstance(phases, dict) else {},
        facts=row,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def with_failures(outcome: Outcome, failures: Sequence[Mapping[str, Any]]) -> Outcome:
    """Return the outcome after plugins failed at the end.

    ``failures`` holds ``plugin``, ``exit_code``, ``msg``, ``ignore`` each. The first that
    is not ignored fails a task that had succeeded; one that had failed keeps its own reason.
    """
    counted = [failure for failure in failures if not failure["ignore"]]
    if not counted or not outcome.succeeded:
        return outcome
    first = counted[0]
    return dataclasses.replace(
        outcome,
        exit_code=first["exit_code"] if 1 <= first["exit_code"] <= 255 else 1,
        stage="exit",
        plugin=first["plugin"],
        message=first["msg"],
    )
