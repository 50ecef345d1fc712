# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search a log line by line for the catalogue's patterns: where each first and last occurs.

A line on which a pattern of noise matches counts for no other pattern. With hints only the lines
are searched that may matter: in a healthy log those with certain letters, in one full of words of
errors those with what is unusual there.
"""

from __future__ import annotations

import dataclasses
import mmap
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..model import Hints
from ..reading.logs import chunks
from .lazy_patterns import LazyPatterns
from .page import LineHit, Page
from .pattern_filter import PatternFilter, any_of, line_options
from .sieve import LearningSieve

#: Hits of one pattern that are kept from the beginning and from the end of a log.
FIRST, LAST = 6, 12
#: Matches of one pattern that are looked at in one piece of a log: noise may be endless.
_LOOKED_AT = 200
#: What is searched from the end of a chunk for its last hits, in bytes; then the whole of it.
_ENDS = (1 << 13, 1 << 17)


@dataclasses.dataclass
class _Hits:
    """Hits of one pattern; ``first`` are in the order of lines, FIRST at most."""

    first: list[LineHit] = dataclasses.field(default_factory=list)
    last: list[LineHit] = dataclasses.field(default_factory=list)

    def kept(self) -> list[LineHit]:
        hits = sorted({*self.first, *self.last}, key=lambda hit: (hit.begin, hit.start))
        return hits if len(hits) <= FIRST + LAST else [*hits[:FIRST], *hits[-LAST:]]


class LineScanner:
    """The given patterns; ``broken`` tells for each unusable one why."""

    def __init__(
        self, patterns: Iterable[str], noise: Iterable[str] = (), hints: Hints | None = None
    ) -> None:
        """Prepare the patterns; ``^`` and ``$`` mean the ends of a line."""
        given = self._given = {pattern: f"(?m:{pattern})" for pattern in patterns}
        silent = {pattern: f"(?m:{pattern})" for pattern in noise}
        self.broken: dict[str, str] = {}
        self._sieve: LearningSieve | None = None
        self._silent: list[Any] | None = None
        if hints and hints.letters:
            lazy = LazyPatterns(given, hints.words, line_options)
            self._patterns: LazyPatterns | PatternFilter = lazy
            self._sieve = LearningSieve(lazy, hints)
        else:
            self._patterns = self._compile(given)
            self._compile(silent)
        self._noise = [pattern for pattern in silent if pattern not in self.broken]

    def search(
        self, text: bytes | mmap.mmap, start: int = 0, end: int | None = None
    ) -> list[LineHit]:
        """Return the first and last hits of every pattern in ``text``, in the order of lines."""
        found: defaultdict[str, _Hits] = defaultdict(_Hits)
        later: list[tuple[int, int, set[str]]] = []
        if self._sieve:
            self._sieve.new_log()
        for begin, finish in chunks(text, start, end):
            page = Page(text[begin:finish], begin)
            few = self._sieve.where(page.text) if self._sieve else {}
            for name, lines in few.items():
                self._add(name, page.part(lines), found[name])
            anywhere = self._sieve.anywhere if self._sieve else self._patterns.candidates(page.text)
            unread = {name for name in anywhere if not self._add_first(name, page, found[name])}
            if unread:
                later.append((begin, finish, unread))
        self._add_last(text, later, found)
        hits = [hit for name in self._given if name in found for hit in found[name].kept()]
        return sorted(hits, key=lambda hit: (hit.begin, hit.start))

    def noise(self, line: str) -> bool:
        """Whether the line holds words that look like a failure and are none."""
        if self._silent is None:
            self._silent = any_of(self._noise)
        text = line.encode()
        return any(each.search(text) for each in self._silent)

    def _compile(self, patterns: Mapping[str, str]) -> PatternFilter:
        made = PatternFilter(line_options)
        for name, pattern in patterns.items():
            reason = made.add(name, pattern)
            if reason:
                self.broken[name] = reason
        made.compile()
        return made

    def _add(self, name: str, page: Page, hits: _Hits) -> None:
        """Add the first and the last hits of a page."""
        if not self._add_first(name, page, hits):
            hits.last = [*self._last_hits(name, page, LAST), *hits.last][:LAST]

    def _add_first(self, name: str, page: Page, hits: _Hits) -> bool:
        """Add hits from the beginning of a page; return whether these were all of it."""
        if len(hits.first) >= FIRST:
            return False
        for looked_at, span in enumerate(self._patterns.finds(name, page.text)):
            if looked_at >= _LOOKED_AT or len(hits.first) >= FIRST:
                return False
            hits.first += self._hit(name, page, *span)
        return True

    def _add_last(
        self,
        text: bytes | mmap.mmap,
        later: list[tuple[int, int, set[str]]],
        found: Mapping[str, _Hits],
    ) -> None:
        """Add hits from the end, in what was not read to its end."""
        wanted = {name: LAST for _unused, _unused, unread in later for name in unread}
        for begin, finish, unread in reversed(later):
            still = [name for name in unread if wanted[name] > 0]
            if not still:
                continue
            page = Page(text[begin:finish], begin)
            for name in still:
                hits = self._last_hits(name, page, wanted[name])
                wanted[name] -= len(hits)
                found[name].last += hits

    def _last_hits(self, name: str, page: Page, count: int) -> list[LineHit]:
        """Return so many hits from the end of a page, the last one first."""
        hits: list[LineHit] = []
        for size in (*_ENDS, len(page.text)):
            start = page.text.rfind(b"\n", 0, max(0, len(page.text) - size)) + 1
            hits = []
            for span in reversed(list(self._patterns.finds(name, page.text, start))):
                hits += self._hit(name, page, *span)
                if len(hits) >= count:
                    return hits
            if start == 0:
                break
        return hits

    def _hit(self, name: str, page: Page, first: int, last: int) -> list[LineHit]:
        """Return the hit on a line; none where the line is noise."""
        hit = page.hit(name, first, last)
        return [] if self.noise(hit.text) else [hit]
