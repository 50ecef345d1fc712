# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a moment for the exit records of the other tasks, from wherever they may come.

A task that another one's end has pulled down often ends before that one has said why.
"""

from __future__ import annotations

import dataclasses
import math
import random
import threading
import time
from collections.abc import Iterable

from ...ssh.mesh import Mesh
from ...ssh.probe_login import LoginAttempt
from ...ssh.probe_pool import Pool
from .exit_record import ExitRecord
from .job_records import SharedRecords

#: Between two looks at what was pushed here, and into the shared directory.
_SECONDS_LOOK, _SECONDS_READ = 0.05, 0.3


@dataclasses.dataclass(frozen=True)
class Quest:
    """Whose end is to be explained: ``own``'s, as the task among ``known`` aliases of the job's.

    ``since`` is when the own task started, as records tell moments: where attempts have no UID,
    what is older is of an earlier run, and where it is not known (empty) nothing counts.
    Only ``once`` is asked where nobody will end any more.
    """

    own: ExitRecord
    known: frozenset[str]
    since: str
    mesh: Mesh | None
    shared: SharedRecords | None
    once: bool = False


class Waiting:
    """One wait; ``problems`` tell what could not be read."""

    def __init__(self, quest: Quest, seconds: float) -> None:
        self._quest = quest
        began = time.monotonic()
        self._until = began + seconds
        # in a large job some ask now, some later, and some not at all
        interval = quest.mesh.interval if quest.mesh else 0.0
        self._next_question = began + random.uniform(0.0, max(0.0, interval - 1.0))
        self._asked: set[str] = set()
        self._found: dict[str, ExitRecord] = {}
        self._lock = threading.Lock()
        self._read, self._over = threading.Event(), threading.Event()
        self.problems: list[str] = []

    def records(self) -> list[ExitRecord]:
        """Return the records of the others: at the latest when the time is over.

        It is as soon as one of them knows a cause, or all have ended.
        """
        if self._quest.shared:
            reader = threading.Thread(target=self._read_shared, args=(self._quest.shared,))
            reader.daemon = True  # not waited for at the end of the process
            try:
                reader.start()
            except RuntimeError as error:  # no thread can be had
                self._tell(f"exit records not read: {error}")
                self._read.set()
        try:
            with Pool() as pool:
                self._push(pool)
                while not self._finished():
                    self._step(pool)
        except OSError as error:  # too many open files, say
            self._tell(f"other tasks not waited for: {error.strerror or error}")
        finally:
            self._over.set()
        with self._lock:
            return list(self._found.values())

    def _finished(self) -> bool:
        if self._enough() or time.monotonic() >= self._until:
            return True
        pending = self._quest.mesh is not None and self._next_question <= self._until
        reading = self._quest.shared is not None and not self._read.is_set()
        return self._quest.once and not (pending or reading or self._asked)

    def _enough(self) -> bool:
        with self._lock:
            found = list(self._found.values())
        everybody = len(found) >= len(self._quest.known) - 1
        return everybody or any(record.failed and record.role == "root" for record in found)

    def _step(self, pool: Pool) -> None:
        now, mesh = time.monotonic(), self._quest.mesh
        if mesh:
            self._learn(mesh.received())
            if now >= self._next_question and not self._asked:
                self._next_question = math.inf if self._quest.once else now + mesh.interval
                self._asked |= self._begin(pool, "", mesh.questions(max(0.1, self._until - now)))
        pause = max(0.0, min(_SECONDS_LOOK, self._until - now))
        if not len(pool):
            self._over.wait(pause)
        for alias, outcome in pool.wait(pause) if len(pool) else ():
            self._asked.discard(alias)
            if mesh and outcome.ready:
                self._learn(mesh.answered(outcome.output))

    def _push(self, pool: Pool) -> None:
        """Tell some others meanwhile: this may be the first failure that they look for."""
        own, mesh = self._quest.own, self._quest.mesh
        if mesh and own.failed and own.role != "cascade":
            rest = max(0.1, self._until - time.monotonic())
            self._begin(pool, "to ", mesh.pushes(own, rest))

    def _begin(
        self, pool: Pool, before: str, logins: Iterable[tuple[str, LoginAttempt]]
    ) -> set[str]:
        """Start logins, as many as can be; return their names in the pool."""
        names: set[str] = set()
        try:
            for alias, login in logins:
                pool.add(before + alias, login)
                names.add(before + alias)
        except OSError as error:  # no process can be had
            self._tell(f"other tasks not reached over ssh: {error.strerror or error}")
        return names

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _read_shared(self, shared: SharedRecords) -> None:
        """Read the directory again and again; the larger it is, the less often."""
        others = self._quest.known - {self._quest.own.alias}
        while not self._over.is_set():
            began = time.monotonic()
            records, problem = shared.read(others, max(0.1, self._until - began))
            self._learn(records)
            if problem and not self._over.is_set():
                self._tell(problem)
            self._read.set()
            self._over.wait(max(_SECONDS_READ, 3 * (time.monotonic() - began)))

    def _learn(self, records: Iterable[ExitRecord]) -> None:
        """Take note of records of other tasks of this job and this run of it."""
        own, since = self._quest.own, self._quest.since
        for record in records:
            ours = record.alias in self._quest.known and record.alias != own.alias
            fresh = record.attempt or (since and record.failed_at >= since)
            if ours and fresh and _same_job(own.job, record.job):
                with self._lock:
                    self._found[record.alias] = record


def _same_job(own: str, other: str) -> bool:
    """Tell whether a record names the own job: whole, or halved until the record was short enough.

    >>> _same_job("alice~train", "alice"), _same_job("alice~train", "alice~trai")
    (True, False)
    """
    cut = own
    while cut and cut != other:
        cut = cut[: len(cut) // 2]
    return not own or cut == other
