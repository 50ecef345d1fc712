# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of a log as a terminal shows it, and where its lines stand in the log.

A line ends at a newline or a carriage return, and colours are no part of it.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence

from ..reading.logs import clean

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-_])")

#: Bytes in which the end of a line is looked for.
_ENDLESS = 1 << 16
#: Bytes of a longer line that are kept before and behind a match.
_AROUND = 1 << 12


@dataclasses.dataclass(frozen=True)
class LineHit:
    """A pattern on a line: where the line begins in the log, in bytes, and what stands there.

    ``start`` and ``end`` tell where in ``text`` the match is, in characters; of a very long line
    ``text`` is the part around it.
    """

    pattern: str
    begin: int
    text: str
    start: int
    end: int


class Page:
    """The text that is searched; a part of it knows where its lines were."""

    def __init__(self, original: bytes, offset: int) -> None:
        self._original = original.replace(b"\r", b"\n")  # of the same length
        self._offset = offset
        self._whole: Page | None = None
        self._begins: list[int] = []
        self._places: list[int] = []
        valid = clean(self._original)
        self.text = _ESCAPES.sub(b"", valid) if b"\x1b" in valid else valid
        self._moved = self.text != self._original

    def part(self, lines: Sequence[tuple[int, int]]) -> Page:
        """Return some lines, each given by its begin and end, as a page."""
        made = Page(b"", 0)
        made._whole = self
        made._places = [begin for begin, _end in lines]
        pieces = [self.text[begin:end] for begin, end in lines]
        begin = 0
        for piece in pieces:
            made._begins.append(begin)
            begin += len(piece) + 1
        made.text = b"\n".join(pieces)
        return made

    def hit(self, pattern: str, first: int, last: int) -> LineHit:
        """Return what a match, given by its start and end in ``text``, is a hit of."""
        begin = self.text.rfind(b"\n", 0, first) + 1
        finish = self.text.find(b"\n", first)
        finish = len(self.text) if finish < 0 else finish
        place = self._place(begin)
        if finish - begin > 2 * _AROUND:  # as much of it as a person may want to see
            begin, finish = max(begin, first - _AROUND), min(finish, max(first, last) + _AROUND)
        line = self.text[begin:finish]
        return LineHit(
            pattern,
            place,
            line.decode("utf-8", "replace"),
            len(line[: first - begin].decode("utf-8", "replace")),
            len(line[: min(last, finish) - begin].decode("utf-8", "replace")),
        )

    def _place(self, begin: int) -> int:
        """Return where in the log a line of ``text`` begins."""
        if self._whole:
            number = bisect.bisect_right(self._begins, begin) - 1
            return self._whole._place(self._places[number])
        if not self._moved:
            return self._offset + begin
        if not self._begins:
            lengths = (len(line) + 1 for line in self._original.split(b"\n"))
            self._begins = list(itertools.accumulate(lengths, initial=0))
        return self._offset + self._begins[self.text.count(b"\n", 0, begin)]


def begin_of_line(text: bytes, place: int) -> int:
    """Return where the line at ``place`` begins; of an endless one, some way before."""
    first = max(0, place - _ENDLESS)
    found = max(text.rfind(b"\n", first, place), text.rfind(b"\r", first, place))
    return found + 1 if found >= 0 else first


def end_of_line(text: bytes, place: int) -> int:
    """Return where the line at ``place`` ends; of an endless one, some way behind."""
    last = min(len(text), place + _ENDLESS)
    found = [at for at in (text.find(b"\n", place, last), text.find(b"\r", place, last)) if at >= 0]
    return min(found, default=last)


def lines_of(text: bytes) -> Iterator[tuple[int, str]]:
    """Yield where each line begins in ``text``, and the line as a terminal shows it."""
    place = 0
    for raw in text.replace(b"\r", b"\n").split(b"\n"):
        plain = _ESCAPES.sub(b"", raw) if b"\x1b" in raw else raw
        yield place, plain.decode("utf-8", "replace")
        place += len(raw) + 1
