# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor tells the exit playbook about the run."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from .playbook_report import PlaybookResult


class Outcome(NamedTuple):
    """How the run ended before the exit playbook looked at it; phases in seconds."""

    exit_code: int
    signum: int | None
    stopped: bool
    stage: str  # "start", "command" or "exit"
    plugin: str | None
    message: str | None
    started_at: str
    ended_at: str
    phases: dict[str, float]
    refused: bool = False  # a failed start: the job or a setting is wrong

    def document(self) -> dict[str, Any]:
        """Return the content of outcome.json."""
        return {
            "exitCode": self.exit_code,
            "signal": self.signum,
            "stopped": self.stopped,
            "stage": self.stage,
            "plugin": self.plugin,
            "message": self.message,
            "refused": self.refused,
            "startedAt": self.started_at,
            "endedAt": self.ended_at,
            "phases": self.phases,
        }


def timestamp() -> str:
    """Return the present moment (UTC) as the documents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def phases_of(name: str, result: PlaybookResult) -> dict[str, float]:
    """Return a playbook's seconds: its own, and those of every part as ``name/part``."""
    parts = {f"{name}/{part}": round(took, 3) for part, took in result.phases.items()}
    return {name: round(result.seconds, 3), **parts}
