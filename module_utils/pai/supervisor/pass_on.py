# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passing bytes on to one of our own outputs without ever waiting for whoever reads it."""

from __future__ import annotations

import os
import select
import socket
import stat
from collections.abc import Callable

from .loop import WRITE, EventLoop
from .rotation import Bytes

PATIENCE = 10.0  # seconds without any progress after which we stop waiting for a reader
BACKLOG_BYTES = 4 * 1024 * 1024
PIPE_BUF = 4096  # a ready pipe takes at least this much without blocking (Linux)


class PassOn:
    """One of our outputs: a file, a terminal, a pipe or a socket; possibly slow, full or closed."""

    def __init__(self, fd: int, name: str, loop: EventLoop, report: Callable[[str], None]) -> None:
        self._name = name
        self._loop = loop
        self._report = report
        self._backlog = bytearray()
        self._lost = 0  # bytes not passed on since the reader stalled
        self._dead = False
        self.on_drained: Callable[[], None] = lambda: None
        self._fd, self._write_now = _writer(fd)

    @property
    def backlog(self) -> bool:
        """Whether bytes wait for the reader: whoever produces more should wait, too."""
        return bool(self._backlog)

    def write(self, data: Bytes) -> None:
        """Pass on now what the reader takes now, and the rest as it takes it."""
        if self._dead:
            return
        rest = memoryview(data)
        if not self._backlog:
            rest = rest[self._try(rest) :]
        if rest:
            self._keep(rest)
        elif self._lost:
            lost, self._lost = self._lost, 0
            self._report(f"our {self._name} is read again; {lost} bytes were not passed on")

    def give_up(self) -> None:
        """Drop what waits: its reader had its time."""
        if self._backlog:
            self._stalled()

    def _keep(self, rest: memoryview) -> None:
        if self._dead:
            return
        if self._lost or len(self._backlog) + len(rest) > BACKLOG_BYTES:
            self._lost += len(rest)
            return
        if not self._backlog:
            self._loop.watch(self._fd, WRITE, self._writable)
            self._loop.set_timer(self, PATIENCE, self._stalled)
        self._backlog += rest

    def _try(self, data: memoryview) -> int:
        """Write what can be written now; return how many bytes that was."""
        done = 0
        try:
            while done < len(data):
                done += self._write_now(data[done:])
        except BlockingIOError:
            pass
        except OSError as error:  # EPIPE, ENOSPC, EIO of a terminal that is gone
            self._dead = True
            self._forget()
            self._report(f"our {self._name} is not written any more: {error.strerror}")
        return done

    def _writable(self) -> None:
        with memoryview(self._backlog) as waiting:
            done = self._try(waiting)
        if self._dead:
            self._backlog = bytearray()
            self.on_drained()
            return
        del self._backlog[:done]
        if not self._backlog:
            self._forget()
            self.on_drained()
        elif done:
            self._loop.set_timer(self, PATIENCE, self._stalled)

    def _stalled(self) -> None:
        self._forget()
        self._lost += len(self._backlog)
        self._backlog = bytearray()
        self._report(f"our {self._name} is not read: it is left out until it is read again")
        self.on_drained()

    def _forget(self) -> None:
        self._loop.unwatch(self._fd)
        self._loop.cancel_timer(self)


def _writer(fd: int) -> tuple[int, Callable[[memoryview], int]]:
    """Return a descriptor for this output and a function that writes to it without blocking.

    O_NONBLOCK on the descriptor that we were given would change it for everybody who shares it
    (the caller's shell, other commands of a pipeline). So a pipe or terminal is opened once more.
    """
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind) or not os.get_blocking(fd):
        return fd, lambda data: os.write(fd, data)
    if stat.S_ISSOCK(kind):
        connection = socket.socket(fileno=os.dup(fd))
        return fd, lambda data: connection.send(data, socket.MSG_DONTWAIT)
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # another user's pipe, or no /proc
        return fd, lambda data: _write_ready(fd, data)
    return own, lambda data: os.write(own, data)


def _write_ready(fd: int, data: memoryview) -> int:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError
    return os.write(fd, data[:PIPE_BUF])
