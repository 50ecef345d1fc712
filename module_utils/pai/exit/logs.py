# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log as it is searched: at most 10 MiB, valid UTF-8, with line numbers."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

#: How much of the end of a log is searched, in bytes.
SEARCHED = 10 * 1024 * 1024
#: How much before that is searched, too: as much as log capture keeps in one file.
BEFORE = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_SHOWN = 16 * 1024
#: What log capture calls a finished file: ``@``, a TAI64N time that sorts, and ``.s``.
_ROTATED = re.compile(r"^@[0-9a-f]{24}\.s$")


@dataclasses.dataclass(frozen=True)
class Log:
    """The searched end of one log.

    ``text`` may begin in the newest rotated file, which then gave the first ``older`` lines.
    ``skipped`` counts the bytes of ``path`` that stand before ``text``.
    """

    text: bytes = b""
    path: Path | None = None
    older: int = 0
    skipped: int = 0

    def line(self, position: int) -> int | None:
        """Return the line number in ``path`` of a position in ``text``; None in the older file.

        A negative position stands before ``text``.
        """
        if position < 0 and self.path:
            return 1 + _lines_in(self.path, self.skipped + position)
        lines = self.text.count(b"\n", 0, position) - self.older
        if self.path is None or lines < 0:
            return None
        return lines + 1 + _lines_in(self.path, self.skipped)


def read_log(path: Path, limit: int = SEARCHED) -> Log:
    """Read the end of ``path``; where it is short, the end of the newest rotated file before it.

    Raises:
        OSError: the log exists and cannot be read.
    """
    text, skipped = _tail(path, limit)
    rotated = sorted(each for each in _siblings(path) if _ROTATED.match(each.name))
    older = b""
    if rotated and len(text) < limit:
        older, _skipped = _tail(rotated[-1], limit - len(text))
    return Log(clean(older + text), path, older.count(b"\n"), skipped)


def clean(text: bytes) -> bytes:
    """Return valid UTF-8: with an invalid byte in the line, RE2's ``.`` silently fails there."""
    if text.isascii():
        return text
    return b"".join(_clean_chunk(text[start:end]) for start, end in chunks(text))


def chunks(
    text: bytes | mmap.mmap, start: int = 0, finish: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces of about 1 MiB that end with a line; at least one piece."""
    finish = end = len(text) if finish is None else finish
    if start >= finish:
        yield start, start
    while start < finish:
        end = min(text.find(b"\n", start + _CHUNK - 1, finish) + 1 or finish, finish)
        yield start, end
        start = end


@contextlib.contextmanager
def before(log: Log) -> Iterator[tuple[bytes | mmap.mmap, int, int]]:
    """Give what stands in the file before the searched end: the file, and from where to where.

    Raises:
        OSError: it cannot be read any more.
    """
    if log.path is None or not log.skipped:
        yield b"", 0, 0
        return
    with log.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        end = min(log.skipped, len(text))
        start = max(0, end - BEFORE)
        yield text, text.find(b"\n", start, end) + 1 if start else 0, end


def part(log: Log, place: int) -> tuple[Log, int]:
    """Return the log in which ``place`` can be shown, and where it is there.

    Of a place before the searched end that is what stands around it in the file.
    """
    if place >= 0 or log.path is None:
        return log, place
    start = max(0, log.skipped + place - _SHOWN)
    with log.path.open("rb") as file:
        file.seek(start)
        text = file.read(2 * _SHOWN)
    first = text.find(b"\n") + 1 if start else 0
    shown = Log(clean(text[first:]), log.path, 0, start + first)
    return shown, log.skipped + place - start - first


def _clean_chunk(chunk: bytes) -> bytes:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return chunk.decode("utf-8", "replace").encode()
    return chunk


def _tail(path: Path, limit: int) -> tuple[bytes, int]:
    """Return the last ``limit`` bytes, from the beginning of a line on, and how many it left."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            # One byte more tells whether the rest begins with a line.
            skipped = file.seek(max(0, size - limit - 1))
            text = file.read(limit + 1)
    except FileNotFoundError:
        return b"", 0
    if skipped:
        line = text.find(b"\n") + 1
        return text[line:], skipped + line
    return text, 0


def _siblings(path: Path) -> list[Path]:
    try:
        return list(path.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _lines_in(path: Path, size: int) -> int:
    """Count the line ends in the first ``size`` bytes."""
    lines = 0
    if size:
        with path.open("rb") as file:
            while size > 0 and (piece := file.read(min(size, _CHUNK))):
                lines += piece.count(b"\n")
                size -= len(piece)
    return lines
