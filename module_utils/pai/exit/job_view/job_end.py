# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as one of its job's: leave word of its end, and learn which task failed first."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import process_env
from ...errors import RuntimeConfigError
from ...job.model import Job
from ...masking import Masker
from ...ssh.barrier_marks import Marks
from ...ssh.mesh import Mesh
from ...supervisor.stopping import EXIT_SECONDS
from ...work_dir import read_job
from . import exit_record, job_view
from .exit_record import ExitRecord
from .job_look import Quest, Waiting
from .job_records import SharedRecords

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


@dataclasses.dataclass(frozen=True)
class Member:
    """A task of a job of several, its exit record, and the ways to the others' records."""

    own: ExitRecord
    job: Job
    mesh: Mesh | None
    shared: SharedRecords | None
    seconds: float

    def tell_all(self, report: Mapping[str, Any]) -> list[str]:
        """Leave word everywhere, once this task's own files are written; return what went wrong.

        Who has asked the others has told them before.
        """
        self.tell_peers()
        return [] if job_view.asks(report, self.job) else self.tell()

    def tell(self) -> list[str]:
        """Leave the own record in the shared directory; return what went wrong."""
        problem = self.shared.write(self.own, self.seconds) if self.shared else None
        return [problem] if problem else []

    def tell_peers(self) -> None:
        """Push the record of a cause, as early as can be."""
        if self.mesh and self.own.role == "root":  # the end of the plugin pushes the others'
            self._keep(self.mesh)
            with contextlib.suppress(OSError):
                self.mesh.push(self.own)

    def _keep(self, mesh: Mesh | None) -> None:
        with contextlib.suppress(OSError):  # then nobody who asks here hears of it
            if mesh:
                mesh.keep(self.own)

    def first_failure(
        self, report: Mapping[str, Any], masker: Masker, again: bool, seconds: float
    ) -> tuple[dict[str, object] | None, list[str]]:
        """Return what exit.json says of the task that failed first, and what went wrong.

        ``again``: the exit is repeated later, so nobody is asked or waited for.
        """
        mesh = None if again else self.mesh
        if not mesh and not self.shared:
            return None, []
        known = frozenset(f"{role.name}-{task.index}" for role, task in self.job.tasks())
        since = f"{str(report.get('startedAt') or '')[:19]}.000Z"
        once = again or self.own.stopped
        quest = Quest(self.own, known, since, mesh, self.shared, once)
        self._keep(mesh)
        waiting = Waiting(quest, seconds)
        first = job_view.choose(self.own, waiting.records())
        return job_view.describe(first, masker) if first else None, waiting.problems


def find_member(report: Mapping[str, Any], places: Places) -> Member | None:
    """Return the task as one of its job's; None where there is no other, or none needs to know."""
    if not report["exitCode"] and not places.records:
        return None
    try:
        job = read_job(places.work_dir, missing_ok=True)
    except RuntimeConfigError:  # the analysis tells it
        return None
    if job is None or sum(len(role.tasks) for role in job.task_roles) < 2:
        return None
    own = exit_record.of_report(
        report,
        failed_at=exit_record.moment(places.outcome, report.get("endedAt")),
        ready=Marks(places.work_dir, places.attempt).passed.exists(),
        attempt=places.attempt,
    )
    failed = bool(report["exitCode"])
    return Member(
        own,
        job,
        Mesh.find(places.work_dir, job, places.attempt, places.environment) if failed else None,
        SharedRecords(places.records, job.name, places.attempt) if places.records else None,
        _seconds(own.stopped, places.environment),
    )


def records_dir(given: str | None, work_dir: Path) -> Path | None:
    """Return where records are shared: the given directory, else what the job's variables say."""
    if not given:
        with contextlib.suppress(RuntimeConfigError, OSError):
            given = process_env.read(work_dir / "process_env.nul").get("PAI_EXIT_RECORDS")
    return Path(given) if given and given.startswith("/") else None


def _seconds(stopped: bool, environment: Mapping[str, str]) -> float:
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


def completed(
    report: Mapping[str, Any],
    member: Member,
    known: Mapping[str, Any],
    masker: Masker,
    check: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Return exit.json's content with what the other tasks' ends explain, and what went wrong.

    ``known`` is the exit.json so far: what it says of this very end stays. With ``check`` nothing
    is written, nobody is asked or waited for.
    """
    if not job_view.asks(report, member.job):
        return dict(report), []
    same = bool(report.get("startedAt")) and known.get("startedAt") == report["startedAt"]
    again = check or same
    first = known.get("firstFailure") if same else None
    if isinstance(first, dict):
        return job_view.with_first(report, first), []
    until = time.monotonic() + member.seconds
    problems = [] if again else member.tell()
    rest = max(0.0, until - time.monotonic())
    found, others = member.first_failure(report, masker, again, rest)
    return job_view.with_first(report, found), [*problems, *others]
