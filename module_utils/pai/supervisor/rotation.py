# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log file that starts anew when it is full and keeps a few of the full ones."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Union

from .limits import LogLimits
from .log_search import LogSearch

TAI_ORIGIN = 2**62 + 10  # TAI64 label of 1970-01-01 00:00:00 UTC
Bytes = Union[bytes, memoryview]


class RotatingFile:
    """``current`` in a directory, renamed to ``@<TAI64N>.s`` when full, as s6-log does it.

    An error of the disk never stops the caller: what could not be written is counted and told
    once, and again when writing works again. ``search`` is told of every file that is full, and
    of every one before it is deleted.
    """

    def __init__(
        self,
        directory: Path,
        limits: LogLimits,
        report: Callable[[str], None],
        search: LogSearch | None = None,
    ) -> None:
        self._directory = directory
        self._limits = limits
        self._report = report
        self._search = search
        self._lost = 0  # bytes since the disk refused
        self._stuck = False  # since the last try to turn to a new file failed
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size

    def write(self, data: Bytes) -> None:
        """Append all of it, turning to a new file at a line's end where the old one is full."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._write_some(rest) :]
        except OSError as error:
            if not self._lost:
                self._report(f"{self._directory}/current: cannot write: {error.strerror}")
            self._lost += len(rest)
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._report(f"{self._directory}/current: writes again, {lost} bytes are missing")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(self._directory / "current", flags, 0o644)

    def _write_some(self, data: memoryview) -> int:
        room = max(0, self._limits.file_bytes - self._size)
        if len(data) > room:
            cut = bytes(data[:room]).rfind(b"\n") + 1
            if cut == 0 and self._size > 0 and self._rotate():
                return 0
            # Where turning fails the old file grows on: nothing is lost, and we try again.
            data = data[: cut or room or len(data)]
        written = os.write(self._fd, data)
        self._size += written
        return written

    def _rotate(self) -> bool:
        """Turn to a new file; False where that is impossible now."""
        current = self._directory / "current"
        full = self._directory / self._name()
        try:
            with contextlib.suppress(FileNotFoundError):  # somebody, or our last try, moved it
                os.rename(current, full)
            fresh = self._open()
        except OSError as error:
            if not self._stuck:
                self._report(f"{current}: cannot start a new file: {error.strerror}")
            self._stuck = True
            return False
        os.close(self._fd)
        self._fd, self._size, self._stuck = fresh, 0, False
        if self._search:
            self._search.add(full)
        self._remove_oldest()
        return True

    def _remove_oldest(self) -> None:
        full = sorted(self._directory.glob("@*.s"))
        for old in full[: max(0, len(full) - self._limits.kept)]:
            if self._search:
                self._search.forget(old)
            try:
                old.unlink(missing_ok=True)  # a log shipper may have been faster
            except OSError as error:
                self._report(f"{old}: cannot be removed: {error.strerror}")

    def _name(self) -> str:
        now = time.time_ns()
        while True:
            seconds, nanoseconds = divmod(now, 10**9)
            name = f"@{TAI_ORIGIN + seconds:016x}{nanoseconds:08x}.s"
            if not (self._directory / name).exists():
                return name
            now += 1
