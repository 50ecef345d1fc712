# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures the command's two outputs: a file for each, one for both, and on to our own."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from .limits import LogLimits
from .log_search import LogSearch
from .loop import READ, EventLoop
from .pass_on import PassOn
from .rotation import RotatingFile

PIPE_BYTES = 1024 * 1024
F_SETPIPE_SZ, F_GETPIPE_SZ = 1031, 1032  # fcntl has the names from Python 3.10 on
TAIL_BYTES = 64 * 1024
TAIL_SECONDS = 0.2


class Combined:
    """The file of both outputs together, in whole lines.

    The unfinished line at the end of what was read waits for its rest, at most 64 KiB or 0.2 s
    long. Lines of the two outputs come in the order in which we read them.
    """

    def __init__(self, log: RotatingFile, loop: EventLoop) -> None:
        self._log = log
        self._loop = loop
        self._tails: dict[str, bytearray] = {}

    def write(self, name: str, data: memoryview, line_end: int) -> None:
        """Take what one output gave; ``line_end`` is where its last whole line ends."""
        tail = self._tails.setdefault(name, bytearray())
        if line_end:
            if tail:
                self._log.write(bytes(tail))
                tail.clear()
            self._log.write(data[:line_end])
            self._loop.cancel_timer((self, name))
        if line_end < len(data):
            if not tail:
                self._loop.set_timer((self, name), TAIL_SECONDS, lambda: self.flush(name))
            tail += data[line_end:]
            if len(tail) > TAIL_BYTES:
                self.flush(name)

    def flush(self, name: str) -> None:
        """Write the unfinished line of one output as it is."""
        self._loop.cancel_timer((self, name))
        tail = self._tails.get(name)
        if tail:
            self._log.write(bytes(tail))
            tail.clear()

    def close(self) -> None:
        """Close the file."""
        self._log.close()


class Stream:
    """One output of the command, from its pipe into everything that wants it."""

    def __init__(
        self, name: str, log: RotatingFile, onward: PassOn, combined: Combined, loop: EventLoop
    ) -> None:
        self.name = name
        self._log = log
        self._onward = onward
        self._combined = combined
        self._loop = loop
        self._read, self.write_end = os.pipe()
        os.set_blocking(self._read, False)
        # An ordinary user has a limit for all his pipes: then it is slower, not wrong.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._read, F_SETPIPE_SZ, PIPE_BYTES)
        self._open = True
        loop.watch(self._read, READ, self._readable)
        onward.on_drained = self._resume

    def take(self, data: memoryview, line_end: int | None = None) -> None:
        """Write these bytes everywhere, as if the command had written them."""
        self._log.write(data)
        self._onward.write(data)
        self._combined.write(self.name, data, len(data) if line_end is None else line_end)
        if self._onward.backlog:  # the command waits for our reader, as it would without us
            self._loop.unwatch(self._read)

    def drain(self, buffer: bytearray) -> None:
        """Read what is in the pipe now, but not what a leftover process writes meanwhile."""
        rest = fcntl.fcntl(self._read, F_GETPIPE_SZ) if self._open else 0
        while rest > 0:
            got = self._read_once(buffer)
            if not got:
                break
            rest -= got
        self._combined.flush(self.name)

    def close(self) -> None:
        """Stop reading; whoever still writes gets SIGPIPE."""
        if self._open:
            self._open = False
            self._loop.unwatch(self._read)
            os.close(self._read)
        self._log.close()

    def _resume(self) -> None:
        if self._open:
            self._loop.unwatch(self._read)  # lines of ours may have been what waited
            self._loop.watch(self._read, READ, self._readable)

    def _readable(self) -> None:
        self._read_once(SHARED_BUFFER)

    def _read_once(self, buffer: bytearray) -> int:
        try:
            got = os.readv(self._read, [buffer])
        except BlockingIOError:
            return 0
        if got == 0:  # nobody can write any more
            self._open = False
            self._loop.unwatch(self._read)
            os.close(self._read)
            self._combined.flush(self.name)
            return 0
        with memoryview(buffer) as view:
            self.take(view[:got], buffer.rfind(b"\n", 0, got) + 1)
        return got


# One for all streams: it is empty again whenever a callback returns.
SHARED_BUFFER = bytearray(PIPE_BYTES)


class Capture:
    """Both outputs of the user's command."""

    def __init__(
        self,
        log_dir: Path,
        limits: LogLimits,
        outputs: tuple[PassOn, PassOn],
        loop: EventLoop,
        report: Callable[[str], None],
        search: LogSearch | None = None,
    ) -> None:
        """Open the logs; ``search`` gets the finished files of the one in which both are."""

        def log(name: str, search: LogSearch | None = None) -> RotatingFile:
            return RotatingFile(log_dir / name, limits, report, search)

        self._loop = loop
        self._outputs = outputs
        self._combined = Combined(log("user-all", search), loop)
        self.stdout = Stream("stdout", log("user-stdout"), outputs[0], self._combined, loop)
        self.stderr = Stream("stderr", log("user-stderr"), outputs[1], self._combined, loop)
        self._streams = (self.stdout, self.stderr)

    def close_write_ends(self) -> None:
        """Leave the pipes' other ends to the command alone, so that their end can be seen."""
        for stream in self._streams:
            os.close(stream.write_end)

    def say(self, text: str) -> None:
        """Put a line of ours where the command's own error message would stand."""
        self.stderr.take(memoryview(text.encode(errors="replace") + b"\n"))

    def drain(self, deadline: Callable[[], float | None]) -> None:
        """Write everything that was written so far, and let our readers take it."""
        for stream in self._streams:
            stream.drain(SHARED_BUFFER)
        self._loop.run_until(lambda: not any(out.backlog for out in self._outputs), deadline)
        for out in self._outputs:
            out.give_up()

    def close(self) -> None:
        """End capturing for good."""
        for stream in self._streams:
            stream.drain(SHARED_BUFFER)
            stream.close()
        self._combined.close()
