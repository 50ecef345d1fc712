# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task finds what it needs to leave word of its end, and how long that may take."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ... import process_env
from ...errors import RuntimeConfigError
from ...supervisor.stopping import EXIT_SECONDS

#: For the own record and those of the others together.
SECONDS = 2.0
_GRACE = 30.0


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a task finds its own files, and the job's records if there is such a directory."""

    work_dir: Path
    outcome: Path
    records: Path | None
    environment: Mapping[str, str]

    @property
    def attempt(self) -> str:
        """The UID of the job's attempt, empty where attempts have none."""
        return self.environment.get("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", "")


def records_dir(given: str | None, work_dir: Path) -> tuple[Path | None, list[str]]:
    """Return where records are shared, and what is wrong with that.

    It is the given directory, else what the job's variables say.
    """
    if not given:
        with contextlib.suppress(RuntimeConfigError, OSError):
            given = process_env.read(work_dir / "process_env.nul").get("PAI_EXIT_RECORDS")
    if given and not given.startswith("/"):
        return None, [f"exit records not shared: {given} is not an absolute path"]
    return Path(given) if given else None, []


def seconds_for(stopped: bool, environment: Mapping[str, str]) -> float:
    """Return how long all may take: of a stopped task a quarter of what is kept for the end.

    The runtime keeps EXIT_SECONDS or a third of the grace period, whichever is less.
    """
    if not stopped:
        return SECONDS
    try:
        grace = float(environment.get("PAI_TERMINATION_GRACE_SECONDS") or _GRACE)
    except ValueError:
        grace = _GRACE
    return max(0.0, min(SECONDS, EXIT_SECONDS / 4, grace / 12))
