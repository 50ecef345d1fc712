# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the other tasks of a job answer, each first with its banner and then with a login.

All tasks probing all would be N² logins. So the job's first task probes all others, and they wait
for its release: a file that they ask it for over ssh. When it is gone they probe by themselves.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence

from ..exit.job_view.exit_record import ExitRecord
from .barrier_limits import BarrierError, Limits
from .barrier_marks import PASSED, QUESTION, Marks
from .barrier_peers import Peer, Peers
from .barrier_progress import Progress, by_cause
from .probe import Attempt, BannerAttempt, Outcome, is_address
from .probe_login import Client
from .probe_pool import Pool

NOT_TRIED = "not tried yet"
NOT_RELEASED = "waits itself"
#: Seconds between two looks at the marks that others left here.
_SECONDS_MARKS = 0.5


@dataclasses.dataclass
class _Waiting:
    """What is known of a peer that is waited for."""

    peer: Peer
    needs_banner: bool
    due: float = 0.0
    failures: int = 0
    seen: bool = False
    cause: str = NOT_TRIED


class Barrier:
    """One task's barrier: it waits for peers, and tells how far it is."""

    def __init__(
        self, own: str, client: Client, marks: Marks, limits: Limits, say: Callable[[str], None]
    ) -> None:
        self._own = own
        self._client = client
        self._marks = marks
        self._limits = limits
        self._say = say
        self._began = time.monotonic()
        self._waiting: dict[str, _Waiting] = {}
        self._ended: set[str] = set()
        self._of_job: set[str] = set()
        self._next_look = 0.0
        self._poll_every: float | None = None

    def wait(self, peers: Peers) -> None:
        """Return when all other tasks of the job that can be reached are ready.

        Raises:
            BarrierError: the time is over, or a task has failed before it was ready.
        """
        self._of_job.update(peer.alias for peer in peers.left_out + peers.others)
        alone = peers.is_first or bool(peers.first.missing)
        if alone or not self.wait_for_release(peers.first, len(peers.others)):
            self.wait_for_all(peers.others)

    def wait_for_all(self, peers: Sequence[Peer]) -> None:
        """Return when every peer has answered.

        Raises:
            BarrierError: the time is over, or a peer has failed before it was ready.
        """
        self._poll_every = None
        self._run(peers, lambda: False)
        seconds = time.monotonic() - self._began
        self._say(f"all {len(peers)} other tasks are ready after {seconds:.1f} s")

    def wait_for_release(self, first: Peer, tasks: int) -> bool:
        """Return True when the first task says that all are ready, False when it is gone.

        ``tasks`` is how many tasks ask it: together they are about 50 logins a second.

        Raises:
            BarrierError: the time is over, or a task has failed before it was ready.
        """
        self._poll_every = min(30.0, max(0.5, tasks / 50))
        if self._run([first], lambda: self._is_gone(first.alias)):
            self._say(f"{first.alias} says that all tasks are ready")
            return True
        self._say(f"{first.alias} does not answer any more; asking every task here")
        return False

    def _is_gone(self, alias: str) -> bool:
        first = self._waiting.get(alias)
        if first is None:
            return alias in self._ended
        if first.seen:
            return first.failures >= self._limits.failures_gone
        return time.monotonic() - self._began > self._limits.never_seen

    def _run(self, peers: Sequence[Peer], is_hopeless: Callable[[], bool]) -> bool:
        """Return True when no peer is waited for any more, False when there is no hope."""
        self._of_job.update(peer.alias for peer in peers)
        known = [peer for peer in peers if peer.alias not in self._ended]
        self._waiting = {peer.alias: _Waiting(peer, is_address(peer.host)) for peer in known}
        progress, deadline = Progress(self._say), self._began + self._limits.total
        with Pool() as pool:
            while not is_hopeless():
                self._look_at_marks()
                if not self._waiting:
                    return not is_hopeless()
                if time.monotonic() >= deadline:
                    raise BarrierError(self._too_late())
                self._start(pool)
                for alias, outcome in pool.wait(self._pause(deadline)):
                    self._judge(alias, outcome)
                if self._waiting:
                    progress.update(len(peers) - len(self._waiting), len(peers), self._causes())
        return False

    def _causes(self) -> dict[str, str]:
        return {alias: one.cause for alias, one in self._waiting.items()}

    def _pause(self, deadline: float) -> float:
        """Return the seconds until something is due; what is late waits for a free place."""
        now = time.monotonic()
        moments = [one.due for one in self._waiting.values()] + [self._next_look, deadline]
        return min((moment - now for moment in moments if moment > now), default=0.0)

    def _start(self, pool: Pool) -> None:
        """Begin the attempts that are due, as many as may run at once."""
        now, limits = time.monotonic(), self._limits
        running = [self._waiting[alias] for alias in self._waiting if alias in pool]
        banners = sum(one.needs_banner for one in running)
        free = {True: limits.banners - banners, False: limits.logins - len(running) + banners}
        for alias, one in self._waiting.items():
            if one.due <= now and alias not in pool and free[one.needs_banner] > 0:
                free[one.needs_banner] -= 1
                pool.add(alias, self._attempt(one))

    def _attempt(self, one: _Waiting) -> Attempt:
        if one.needs_banner:
            return BannerAttempt(one.peer.host, one.peer.port, self._limits.connect)
        return self._client.login(
            one.peer.alias,
            QUESTION,
            connect=self._limits.connect,
            total=self._limits.login,
        )

    def _judge(self, alias: str, outcome: Outcome) -> None:
        one = self._waiting.get(alias)
        if one is None:  # a mark has come in between
            return
        now = time.monotonic()
        if not outcome.ready:
            one.failures += 1
            one.cause, one.due = str(outcome), now + self._limits.delay(one.failures)
            one.needs_banner = is_address(one.peer.host)
            return
        if one.needs_banner:
            one.needs_banner = False
            return
        one.seen, one.failures = True, 0
        if self._poll_every is None or PASSED in outcome.output:
            del self._waiting[alias]
        else:
            one.cause = NOT_RELEASED
            one.due = now + self._poll_every * random.uniform(0.5, 1.5)
        self._learn(self._marks.passed_on(outcome.output))

    def _look_at_marks(self) -> None:
        if time.monotonic() >= self._next_look:
            self._learn(self._marks.received())
            self._next_look = time.monotonic() + _SECONDS_MARKS

    def _learn(self, marks: Iterable[ExitRecord]) -> None:
        """Take note of tasks that have ended.

        Raises:
            BarrierError: one of them has failed before it was ready.
        """
        for mark in marks:
            if mark.alias == self._own or mark.alias not in self._of_job:
                continue  # an earlier container of this very task, or none of the job's
            if mark.is_failure:
                raise BarrierError(
                    f"ssh barrier: {mark} before it was ready, so not all tasks can be; its own log"
                    " says why it failed"
                )
            if mark.alias not in self._ended:
                self._ended.add(mark.alias)
                self._say(f"{mark}; it counts as ready")
            self._waiting.pop(mark.alias, None)

    def _too_late(self) -> str:
        return (
            f"ssh barrier: not all tasks are ready after {self._limits.total / 60:g} minutes; "
            f"waited in vain for {by_cause(self._causes())}; look into the logs of these tasks, or "
            "give them more time with sshbarrierTimeout"
        )
