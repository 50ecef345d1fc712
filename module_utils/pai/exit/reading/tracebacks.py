# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the Python tracebacks of a log, also those of several processes written through each other.

Known forms: the interpreter's own with chained exceptions, groups and syntax errors, IPython's and
rich's, quoted ones of other processes (multiprocessing, Ray), and ones whose beginning is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..search.page import begin_of_line, end_of_line, lines_of
from . import line_prefix
from .raised import Traceback
from .traceback_reader import Reader

#: A log of at most so many bytes is read whole; of a longer one what stands around these words.
_WHOLE = 1 << 19
_WORDS = (
    b"Traceback (most recent call last)",
    b"SyntaxError: ",
    b"IndentationError: ",
    b"TabError: ",
    b"ray::",
    b"Error: ",
)
#: Characters of a line that are read.
_LONGEST = 4000
_BEFORE, _AFTER = 1 << 10, 24 << 10
#: Regions of a long log that are read, from its beginning and from its end.
_FIRST, _LAST = 16, 48


def find(text: bytes) -> list[Traceback]:
    """Return the tracebacks of ``text`` in the order in which they begin."""
    found: list[Traceback] = []
    for begin, end in _regions(text):
        rows = list(lines_of(text[begin:end]))
        learned = line_prefix.learn([line for _unused, line in rows])
        reader = Reader()
        for place, line in rows:
            reader.feed(begin + place, *line_prefix.split(line[:_LONGEST], learned))
        found += reader.finish()
    return sorted(found, key=lambda traceback: traceback.first)


def _regions(text: bytes) -> list[tuple[int, int]]:
    if len(text) <= _WHOLE:
        return [(0, len(text))]
    regions: list[tuple[int, int]] = []
    for place in sorted(place for word in _WORDS for place in _places(text, word)):
        begin = begin_of_line(text, max(0, place - _BEFORE))
        end = end_of_line(text, min(len(text), place + _AFTER))
        if regions and begin <= regions[-1][1]:
            regions[-1] = (regions[-1][0], end)
        else:
            regions.append((begin, end))
    return regions


def _places(text: bytes, word: bytes) -> Iterator[int]:
    """Yield the first and the last places of a word."""
    place = -1
    for _unused in range(_FIRST):
        place = text.find(word, place + 1)
        if place < 0:
            return
        yield place
    end = len(text)
    for _unused in range(_LAST):
        end = text.rfind(word, place + 1, end)
        if end < 0:
            return
        yield end
