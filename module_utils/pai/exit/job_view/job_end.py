# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as one of its job's: leave word of its end, and learn which task failed first."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import RuntimeConfigError
from ...job.model import Job
from ...masking import Masker
from ...ssh.barrier_marks import Marks
from ...ssh.mesh import Mesh
from ...work_dir import read_job
from ..facts.gather import seconds as moment_in_seconds
from . import exit_record, job_view
from .exit_record import ExitRecord
from .job_look import Quest, Waiting
from .job_places import Places, seconds_for
from .job_records import SharedRecords

#: Seconds that are left in any case, to write a small file where all goes well.
_LEAST = 0.2


@dataclasses.dataclass(frozen=True)
class Member:
    """A task of a job of several, its exit record, and the ways to the others' records.

    ``until`` is when all of it must be over, a time.monotonic() value.
    """

    own: ExitRecord
    job: Job
    mesh: Mesh | None
    shared: SharedRecords | None
    until: float

    @property
    def aliases(self) -> frozenset[str]:
        """Return the aliases of all tasks of the job."""
        return frozenset(f"{role.name}-{task.index}" for role, task in self.job.tasks())

    @property
    def rest(self) -> float:
        """Return the seconds that are left."""
        return max(_LEAST, self.until - time.monotonic())

    def tell_all(self, report: Mapping[str, Any]) -> list[str]:
        """Leave word everywhere, once this task's own files are written; return what went wrong.

        Who has asked the others has told them before.
        """
        if job_view.asks(report, self.job):
            return []
        with self.telling() as problems:
            self.tell_peers()
        return problems

    @contextlib.contextmanager
    def telling(self) -> Iterator[list[str]]:
        """Leave the own record in the shared directory meanwhile; yield what will go wrong."""
        problems: list[str] = []
        if not self.shared:
            yield problems
            return
        thread = threading.Thread(target=self._tell, args=(self.shared, problems))
        try:
            thread.start()
        except RuntimeError as error:  # no thread can be had
            problems.append(f"exit records not written to {self.shared.directory}: {error}")
        yield problems
        if thread.ident:
            thread.join()

    def _tell(self, shared: SharedRecords, problems: list[str]) -> None:
        problem = shared.write(self.own, self.rest)
        problems += [problem] if problem else []

    def tell_peers(self) -> None:
        """Push the record of a cause, as early as can be."""
        if self.mesh and self.own.role == "root":  # the end of the plugin pushes the others'
            self._keep(self.mesh)
            with contextlib.suppress(OSError):
                self.mesh.push(self.own, self.rest)

    def _keep(self, mesh: Mesh | None) -> None:
        with contextlib.suppress(OSError):  # then nobody who asks here hears of it
            if mesh:
                mesh.keep(self.own)

    def first_failure(
        self, report: Mapping[str, Any], masker: Masker, again: bool
    ) -> tuple[dict[str, object] | None, list[str]]:
        """Return what exit.json says of the task that failed first, and what went wrong.

        ``again``: the exit is repeated later, so nobody is asked or waited for.
        """
        mesh = None if again else self.mesh
        if not mesh and not self.shared:
            return None, []
        started = moment_in_seconds(str(report.get("startedAt")))
        since = "" if started is None else exit_record.in_milliseconds(started)
        once = again or self.own.stopped
        quest = Quest(self.own, self.aliases, since, mesh, self.shared, once)
        self._keep(mesh)
        waiting = Waiting(quest, max(0.0, self.until - time.monotonic()))
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
        time.monotonic() + seconds_for(own.stopped, places.environment),
    )


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
    first = job_view.known(known.get("firstFailure")) if same else None
    if first and first.failed and first.alias in member.aliases - {member.own.alias}:
        return job_view.with_first(report, job_view.describe(first, masker)), []
    if check or same:
        found, problems = member.first_failure(report, masker, again=True)
        return job_view.with_first(report, found), problems
    with member.telling() as untold:
        found, problems = member.first_failure(report, masker, again=False)
    return job_view.with_first(report, found), [*untold, *problems]
