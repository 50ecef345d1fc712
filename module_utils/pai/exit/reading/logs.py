# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log as it is searched: at most 10 MiB, valid UTF-8, with line numbers.

Of what stands before that, also in files that are rotated or deleted, a log has pieces.
"""

from __future__ import annotations

import bisect
import dataclasses
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

from ..digests.digest_piece import Piece, lines_in

#: How much of the end of a log is searched, in bytes.
SEARCHED = 10 * 1024 * 1024
_CHUNK = 1024 * 1024
_SHOWN = 16 * 1024
#: So far behind a part its last line may end; of a longer one it has a piece.
_ENDLESS = 64 * 1024
#: What log capture calls the file that it writes, and a finished one: ``@``, a TAI64N time, ``.s``.
CURRENT = "current"
_ROTATED = re.compile(r"^@[0-9a-f]{24}\.s$")


@dataclasses.dataclass(frozen=True)
class Log:
    """The searched end of one log.

    ``text`` may begin in the newest rotated file, which then gave the first ``older`` lines, of
    ``taken`` bytes. ``skipped`` counts the bytes of ``path`` that stand before ``text``, ``above``
    the lines there where that is known. ``pieces`` stand before all this, in their order; between
    them were ``steps`` of work: where, and the line that says so.
    """

    text: bytes = b""
    path: Path | None = None
    older: int = 0
    skipped: int = 0
    taken: int = 0
    above: int | None = None
    pieces: tuple[Piece, ...] = ()
    steps: tuple[tuple[int, str], ...] = ()

    def line(self, position: int) -> int | None:
        """Return the line number in its file of a position in ``text``; None in the older file.

        A negative position stands before ``text``, in a piece.
        """
        piece = self.piece(position)
        if piece:
            return piece.line(position)
        lines = self.text.count(b"\n", 0, position) - self.older
        if self.path is None or lines < 0:
            return None
        above = lines_in(self.path, self.skipped) if self.above is None else self.above
        return lines + 1 + above

    def file(self, position: int) -> Path | None:
        """Return the file in which a position stands, which may be deleted."""
        piece = self.piece(position)
        return piece.path if piece else self.path

    def piece(self, position: int) -> Piece | None:
        """Return the piece in which a position stands."""
        if position >= 0 or not self.pieces:
            return None
        number = bisect.bisect_right([piece.place for piece in self.pieces], position)
        return self.pieces[max(0, number - 1)]

    @property
    def rotated(self) -> str | None:
        """The name of the file where it is a rotated one."""
        return self.path.name if self.path and _ROTATED.match(self.path.name) else None


def read_log(path: Path, limit: int = SEARCHED) -> Log:
    """Read the end of ``path``; where it is short, the end of the newest rotated file before it.

    Raises:
        OSError: the log exists and cannot be read.
    """
    text, skipped = _tail(path, limit)
    files = rotated(path)
    older = b""
    if files and len(text) < limit:
        older, _skipped = _tail(files[-1], limit - len(text))
    return Log(clean(older + text), path, older.count(b"\n"), skipped, len(older))


def rotated(path: Path) -> list[Path]:
    """Return the finished files of the log that goes on in ``path``, the oldest first."""
    if path.name != CURRENT:
        return []
    return sorted(each for each in _siblings(path) if _ROTATED.match(each.name))


def clean(text: bytes) -> bytes:
    """Return valid UTF-8: with an invalid byte in the line, RE2's ``.`` silently fails there."""
    if text.isascii():
        return text
    return b"".join(_clean_chunk(text[start:end]) for start, end in chunks(text))


def chunks(
    text: bytes | mmap.mmap,
    start: int = 0,
    finish: int | None = None,
    endless: int = _ENDLESS,
) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces of about 1 MiB that end with a line; at least one piece.

    A line that goes on for more than ``endless`` bytes behind a piece is cut.
    """
    finish = len(text) if finish is None else finish
    if start >= finish:
        yield start, start
    while start < finish:
        end = end_of_part(text, start + _CHUNK, finish, endless)
        yield start, end
        start = end


def end_of_part(text: bytes | mmap.mmap, place: int, finish: int, endless: int = _ENDLESS) -> int:
    """Return where a part that has its bytes at ``place`` ends: behind a line, if one ends soon.

    Progress bars end with a carriage return. What ends with neither is cut before a character.
    """
    last = min(finish, place + endless)
    newline = text.find(b"\n", place - 1, last) + 1
    if newline or last >= finish:
        return newline or finish
    returned = text.find(b"\r", place - 1, last) + 1
    begins = (at for at in range(place, place - 4, -1) if text[at] & 0xC0 != 0x80)
    return returned or next(begins, place)


def part(log: Log, place: int) -> tuple[Log, int]:
    """Return the log in which ``place`` can be shown, and where it is there.

    Of a place before the searched end that is what stands around it in the file.
    """
    piece = log.piece(place)
    if piece is None:
        return log, place
    at = piece.offset + place - piece.place
    try:
        with piece.path.open("rb") as file:
            start = max(0, at - _SHOWN)
            file.seek(start)
            text = file.read(2 * _SHOWN)
    except OSError:
        shown = Log(piece.text, piece.path, above=(piece.number or 1) - 1)
        return shown, place - piece.place
    first = text.find(b"\n") + 1 if start else 0
    return Log(clean(text[first:]), piece.path, 0, start + first), at - start - first


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
