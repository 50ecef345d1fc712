# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""runtime.log: what the runtime itself does, stamped, masked, and shown on stderr as well."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..errors import RuntimeConfigError
from ..masking import Masker, secret_files
from .loop import READ, EventLoop
from .pass_on import PassOn

LINE_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
_GET_PIPE_SIZE = 1032  # F_GETPIPE_SZ, which the module fcntl names from Python 3.10 on


class RuntimeLog:
    """Writes lines to runtime.log and to stderr; knows the secrets as soon as they exist.

    A log of ``limit`` bytes makes way for a new one and is kept as ``runtime.log.1``: what a step
    starts in the background may write for ever.
    """

    def __init__(self, path: Path, stderr: PassOn, secrets: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size
        self._stderr = stderr
        self._secrets = secrets
        self._secrets_seen: list[tuple[int, int, int]] = []
        self._masker = Masker(())

    def line(self, text: str, shown: bool = True) -> None:
        """Write one line (or several, each with its own stamp); ``shown``: on stderr as well."""
        masked = self.mask(text)
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
        lines = "".join(f"[{stamp}] [openpai-runtime] {line}\n" for line in masked.split("\n"))
        data = lines.encode(errors="replace")
        with contextlib.suppress(OSError):  # a full disk: the people at stderr still see it
            if self._size > self._limit:
                self._turn()
            self._size += os.write(self._fd, data)
        if shown:
            self._stderr.write(data)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _turn(self) -> None:
        os.replace(self._path, f"{self._path}.1")
        fresh = self._open()
        os.close(self._fd)
        self._fd, self._size = fresh, 0

    def mask(self, text: str) -> str:
        """Return the text without the secrets that are known now."""
        seen = [stamp for stamp in map(_stamp, secret_files(self._secrets)) if stamp]
        if seen and seen != self._secrets_seen:
            try:
                self._masker = Masker.from_file(self._secrets)
            except RuntimeConfigError as error:  # without the secrets nothing can be shown
                return f"(not shown: {error})"
            self._secrets_seen = seen
        return self._masker.text(text)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """Return what tells this content of a file from an earlier one; None without the file."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class LineSource:
    """A pipe or FIFO whose lines go into the runtime log."""

    def __init__(self, fd: int, log: RuntimeLog, loop: EventLoop) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._log = log
        self._loop = loop
        self._tail = b""
        self.last: deque[str] = deque(maxlen=20)
        loop.watch(fd, READ, self._readable)

    def catch_up(self) -> None:
        """Write the lines that are there now: as much as a pipe holds, for more may always come."""
        left = fcntl.fcntl(self._fd, _GET_PIPE_SIZE) if self._fd >= 0 else 0
        while left > 0 and (read := self._read_once()):
            left -= read

    def close(self) -> None:
        """Write what is there now, also a last line without an end, and stop reading."""
        self.catch_up()
        if self._tail:
            self._line(self._tail)
            self._tail = b""
        if self._fd >= 0:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _readable(self) -> None:
        self._read_once()

    def _read_once(self) -> int:
        """Return how many bytes were read: 0 where there are none now, or never again."""
        try:
            data = os.read(self._fd, READ_BYTES) if self._fd >= 0 else b""
        except BlockingIOError:
            return 0
        if not data:
            self._loop.unwatch(self._fd)
            return 0
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._tail) > LINE_BYTES:
            self._line(self._tail)
            self._tail = b""
        return len(data)

    def _line(self, data: bytes) -> None:
        text = data.decode(errors="replace").rstrip("\r")
        self.last.append(text)
        self._log.line(text)


def make_fifo(path: Path, say: Callable[[str], None]) -> int | None:
    """Make the FIFO that steps write their lines to; None where the file system has none."""
    try:
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        # Open for both ends: so it never ends when the last writer closes it.
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        say(f"cannot make the FIFO {path} ({error.strerror}): steps write to runtime.log directly")
        return None
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    return fd
