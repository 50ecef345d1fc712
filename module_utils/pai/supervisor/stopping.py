# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What remains of the grace period once we were told to stop."""

from __future__ import annotations

import signal
import time

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FORWARDED = (
    *STOP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGQUIT,
    signal.SIGCONT,
    signal.SIGWINCH,
)
EXIT_SECONDS = 10.0  # kept for the exit playbook, but never more than a third of the grace
AGAIN_SECONDS = 0.5
CLOSING_SECONDS = 2.0  # the very end: last processes, last messages


def signals_to_catch() -> list[int]:
    """Return what we catch and pass on: under nohup a process lives on when the terminal goes."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in FORWARDED if not (ignored and number == signal.SIGHUP)]


class Stopping:
    """The first signal starts the grace period, a later one shortens it."""

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.exit_reserve = min(EXIT_SECONDS, grace / 3)
        self.signum: int | None = None
        self._since = 0.0
        self.kill_at: float | None = None  # when what still runs is killed
        self._ends_at = 0.0
        self._again = False

    @property
    def requested(self) -> bool:
        """Whether we were told to stop."""
        return self.signum is not None

    def request(self, signum: int) -> bool:
        """Note that a signal told us to stop; True when this changed anything.

        ``timeout`` and some supervisors send the same signal to the process and to its group: a
        repetition within half a second is no second wish.
        """
        now = time.monotonic()
        if self.kill_at is None:
            self.signum, self._since = signum, now
            self.kill_at = now + self.grace - self.exit_reserve
            self._ends_at = now + self.grace
            return True
        if now - self._since < AGAIN_SECONDS or self._again:
            return False
        self.kill_at = now
        self._ends_at = min(self._ends_at, now + self.exit_reserve)
        self._again = True
        return True

    @property
    def overdue(self) -> bool:
        """Whether nothing of the grace period is left for being polite."""
        deadline = self.exit_deadline()
        return deadline is not None and time.monotonic() >= deadline

    def exit_deadline(self) -> float | None:
        """When the exit playbook must have ended (monotonic clock); None when it has its time."""
        if self.kill_at is None:
            return None
        closing = min(CLOSING_SECONDS, self.exit_reserve / 3)
        return self._ends_at - closing

    def told(self) -> str:
        """Describe the wish in one line."""
        name = signal.Signals(self.signum or signal.SIGTERM).name
        if self._again:
            return f"told to stop again: KILL now, {self.exit_reserve:.0f} s are kept for exit"
        rest = self.grace - self.exit_reserve
        return (
            f"{name}: stopping; {rest:.0f} s to end by itself, then KILL,"
            f" {self.exit_reserve:.0f} s of the grace period of {self.grace:g} s are kept for exit"
        )
