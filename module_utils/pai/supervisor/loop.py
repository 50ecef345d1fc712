# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that waits for file descriptors, signals, ended children and the clock."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import FrameType

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Child:
    """A process that we started: its number, and how it ended once it has."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None  # as waitpid reports it
        self.on_stopped: Callable[[], None] = lambda: None  # by a signal such as ^Z's
        self.on_ended: Callable[[], None] = lambda: None

    @property
    def ended(self) -> bool:
        """Whether the process is gone and reaped."""
        return self.status is not None

    @property
    def signum(self) -> int | None:
        """The signal that ended it, if one did."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return None
        return os.WTERMSIG(self.status)

    @property
    def code(self) -> int:
        """Its exit code as a shell would say it: 128+n after signal n, 137 when it never ended."""
        if self.status is None:
            return 128 + signal.SIGKILL
        return 128 + self.signum if self.signum else os.WEXITSTATUS(self.status)


class EventLoop:
    """Calls back what happens; everything runs in the caller's thread inside ``run_until``."""

    def __init__(self, signals: Iterable[int], on_signal: Callable[[int], None]) -> None:
        self.on_signal = on_signal
        self._selector = selectors.DefaultSelector()
        self._caught: deque[int] = deque()
        self._children: dict[int, Child] = {}
        self._timers: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        # The handlers only take note; the byte in this pipe is what ends a wait at once.
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.watch(self._wake_read, READ, self._woken)
        for signum in (*signals, signal.SIGCHLD):
            signal.signal(signum, self._note)

    def watch(self, fd: int, events: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor is ready."""
        self._selector.register(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching; harmless for a descriptor that is not watched."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def set_timer(self, key: object, seconds: float, callback: Callable[[], None]) -> None:
        """Call back once after so many seconds; a key has one timer at a time."""
        self._timers[key] = (time.monotonic() + seconds, callback)

    def cancel_timer(self, key: object) -> None:
        """Forget the timer of this key, if there is one."""
        self._timers.pop(key, None)

    def adopt(self, pid: int) -> Child:
        """Return the child whose end the loop will notice."""
        child = self._children[pid] = Child(pid)
        return child

    def run_until(
        self,
        done: Callable[[], bool],
        deadline: Callable[[], float | None] = lambda: None,
        every: float | None = None,
    ) -> bool:
        """Serve events until ``done`` (True) or until ``deadline`` (False).

        The deadline is a moment of the monotonic clock and may move while we wait. Where nothing
        wakes us when ``done`` becomes true, ``every`` says how often to look, in seconds.
        """
        while not done():
            until = deadline()
            now = time.monotonic()
            if until is not None and now >= until:
                return False
            self._serve(until, None if every is None else now + every)
        return True

    def _serve(self, *moments: float | None) -> None:
        waits = [moment for moment in moments if moment is not None]
        waits += [moment for moment, _callback in self._timers.values()]
        # An hour at most: epoll takes no wait of weeks.
        timeout = min(3600.0, max(0.0, min(waits) - time.monotonic())) if waits else None
        for key, _events in self._selector.select(timeout):
            # An earlier callback of this round may have stopped watching this one.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        now = time.monotonic()
        for timer, (moment, callback) in list(self._timers.items()):
            if moment <= now and self._timers.get(timer) == (moment, callback):
                del self._timers[timer]
                callback()

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if signum != signal.SIGCHLD:
            self._caught.append(signum)

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 65536)
        self._reap()
        while self._caught:
            self.on_signal(self._caught.popleft())

    def _reap(self) -> None:
        """Reap every ended child: ours, and the orphans that the kernel gave us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.get(pid)
            if child is None:
                continue
            if os.WIFSTOPPED(status):
                child.on_stopped()
            else:
                self._children.pop(pid).status = status
                child.on_ended()
