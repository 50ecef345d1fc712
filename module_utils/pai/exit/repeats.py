# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember the lines of a log, so that what repeats is not searched again.

Two lines are of one form where they differ in digits only. What a pattern finds on one line it
finds on all lines of that form, but for the parts of it that ask for a certain number.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from .pattern_filter import PatternFilter
from .triggers import numbered

_DIGITS = b"0123456789"
#: Forms that are remembered: as hashes, some 30 MB.
_MOST = 300_000
#: Forms of one pattern that are told apart; one with more is taken to be anywhere.
_FORMS = 16
#: So many texts of new lines, one after the other, are of a log that does not repeat.
_IN_VAIN = 16
#: Characters of a line from which on a hit may tell only a part of it.
_LONG = 4000
#: RE2 is slower with it in front, and without it at most finds some lines more.
_EDGE = r"\b"

Lines = list[tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class News:
    """What must be searched of a text: lines of a new form, and those with new digits only.

    ``names`` are the patterns that may have hits on the lines that are left out.
    """

    lines: Lines
    digits: Lines
    names: set[str]


class Repeats:
    """What is known of the lines of one log."""

    def __init__(self) -> None:
        self._lines: set[int] = set()
        self._forms: set[int] = set()
        self._names: dict[int, set[str]] = {}
        self._told: dict[int, int] = {}
        self._in_vain = 0
        self._counts: Counter[str] = Counter()
        #: Patterns with enough first hits: their forms may be skipped.
        self.full: set[str] = set()
        #: Patterns that may have hits on any line.
        self.anywhere: set[str] = set()

    def news(self, text: bytes) -> News | None:
        """Return what is new in the text; None where that are most lines."""
        if self._in_vain >= _IN_VAIN:
            return None
        lines = text.split(b"\n")
        here = set(map(hash, lines))
        unknown = here - self._lines
        told = {self._told[key] for key in here & self._told.keys()}
        numbers = [n for n, line in enumerate(lines) if hash(line) in unknown] if unknown else []
        forms = _forms([lines[number] for number in numbers])
        new = set(forms) - self._forms
        told |= self._names.keys() & (here | set(forms))
        still = {form for form in told if not self._names[form] <= self.full}
        fresh = {number for number, form in zip(numbers, forms) if form in new or form in still}
        if still:
            keys = map(hash, lines)
            fresh |= {n for n, key in enumerate(keys) if {key, self._told.get(key)} & still}
        self._remember(new, dict(zip((hash(lines[number]) for number in numbers), forms)))
        if 2 * len(fresh) > len(lines):
            self._in_vain += 1
            return None
        self._in_vain = 0
        places = _places(lines) if fresh or numbers else []
        return News(
            [places[number] for number in sorted(fresh)],
            [places[number] for number in numbers if number not in fresh],
            set().union(self.anywhere, *(self._names[form] for form in told - still)),
        )

    def _remember(self, forms: set[int], lines: Mapping[int, int]) -> None:
        if len(self._forms) < _MOST:
            self._forms |= forms
        if len(self._lines) < _MOST:
            self._lines.update(lines)
            self._told.update((key, form) for key, form in lines.items() if form in self._names)

    def learn(self, name: str, line: str, numbered: bool) -> None:
        """Remember that the pattern has a hit on this line; unless by its digits, on such lines."""
        text = line.encode()
        form = hash(text) if numbered else _forms([text])[0]
        if not numbered:
            self._told[hash(text)] = form
        names = self._names.setdefault(form, set())
        if name not in names:
            names.add(name)
            self._counts[name] += 1
            if self._counts[name] > _FORMS or len(line) > _LONG:
                self.anywhere.add(name)


class Numbers:
    """The parts of patterns that ask for certain numbers: digits matter to these alone."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._parts = [(name, part) for name in patterns for part in numbered(name)]
        self._filter = PatternFilter()
        self._of: dict[str, list[str]] = {}
        for number, (name, part) in enumerate(self._parts):
            if self._filter.add(str(number), f"(?m:{part.removeprefix(_EDGE)})") is None:
                self._of.setdefault(name, []).append(str(number))
        self._filter.compile()

    def lines(
        self, text: bytes, places: Lines, without: Collection[str], most: int
    ) -> Lines | None:
        """Return those of the lines at these places on which such a part matches.

        None where these are too many.
        """
        part = b"\n".join([text[begin:end] for begin, end in places])
        found: set[int] = set()
        for number in self._filter.candidates(part):
            if self._parts[int(number)][0] in without:
                continue
            for first, _last in self._filter.finds(number, part):
                found.add(part.count(b"\n", 0, first))
                if len(found) > most:
                    return None
        return [places[number] for number in found]

    def match(self, name: str, line: str) -> bool:
        """Whether such a part of the pattern matches on the line."""
        text = line.encode()
        return any(self._filter.first(each, text) for each in self._of.get(name, ()))


def _forms(lines: Sequence[bytes]) -> list[int]:
    """Return what tells the form of each line."""
    return [hash(form) for form in b"\n".join(lines).translate(None, _DIGITS).split(b"\n")]


def _places(lines: Sequence[bytes]) -> Lines:
    """Return begin and end of the lines of a text."""
    begins = itertools.accumulate((len(line) + 1 for line in lines), initial=0)
    return [(begin, begin + len(line)) for begin, line in zip(begins, lines)]
