# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search a log line by line for the catalogue's patterns: where each first and last occurs.

A line on which a pattern of noise matches counts for no other pattern. With hints only lines that
have certain letters are searched, and only patterns whose words occur there are compiled.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping

from .lazy_patterns import Gate, LazyPatterns
from .logs import chunks
from .model import Hints
from .page import LineHit, Page
from .pattern_filter import PatternFilter
from .repeats import Numbers, Repeats

#: Hits of one pattern that are kept from the beginning and from the end of a log.
FIRST, LAST = 6, 12
#: Matches of one pattern that are looked at in one piece of a log: noise may be endless.
_LOOKED_AT = 200
#: Lines of one piece of a log up to which these are searched instead of all of it.
_FEW = 300
#: What is searched from the end of a chunk for its last hits, in bytes; then the whole of it.
_ENDS = (1 << 14, 1 << 17)


class LineScanner:
    """The given patterns; ``broken`` tells for each unusable one why."""

    def __init__(
        self, patterns: Iterable[str], noise: Iterable[str] = (), hints: Hints | None = None
    ) -> None:
        """Prepare the patterns; ``^`` and ``$`` mean the ends of a line."""
        self._given = {pattern: f"(?m:{pattern})" for pattern in patterns}
        silent = {pattern: f"(?m:{pattern})" for pattern in noise}
        self.broken: dict[str, str] = {}
        self._filter: PatternFilter | None = None
        self._numbers: Numbers | None = None
        self._gate = Gate(hints.letters) if hints and hints.letters else None
        if hints and self._gate:
            self._patterns: LazyPatterns | PatternFilter = LazyPatterns(self._given, hints.words)
            self._rest = self._compile(
                {name: self._given[name] for name in self._given if "" in hints.words[name]}
            )
            self._noise: LazyPatterns | PatternFilter = LazyPatterns(silent, hints.words)
        else:
            self._filter = self._patterns = self._compile(self._given)
            self._noise = self._compile(silent)

    def search(
        self, text: bytes | mmap.mmap, start: int = 0, end: int | None = None
    ) -> list[LineHit]:
        """Return the first and last hits of every pattern in ``text``, in the order of lines."""
        found: dict[str, list[LineHit]] = {}
        later: list[tuple[int, int, set[str]]] = []
        repeats = Repeats()
        for begin, finish in chunks(text, start, end):
            candidates, left = self._candidates(Page(text[begin:finish], begin), repeats)
            unread = left or set()
            known = None if left is None else repeats
            for name, page in candidates:
                if not self._add_first(name, page, found.setdefault(name, []), known):
                    unread.add(name)
            if unread:
                later.append((begin, finish, unread))
        self._add_last(text, later, found)
        unique = {hit: None for hits in found.values() for hit in hits}
        return sorted(unique, key=lambda hit: (hit.begin, hit.start))

    def noise(self, line: str) -> bool:
        """Whether the line holds words that look like a failure and are none."""
        return next(self._noise.matching(line.encode()), None) is not None

    def _compile(self, patterns: Mapping[str, str]) -> PatternFilter:
        made = PatternFilter()
        for name, pattern in patterns.items():
            reason = made.add(name, pattern)
            if reason:
                self.broken[name] = reason
        made.compile()
        return made

    def _candidates(
        self, page: Page, repeats: Repeats
    ) -> tuple[list[tuple[str, Page]], set[str] | None]:
        """Return the patterns that may match, each with the page or the lines where it may.

        Where most lines may matter those that repeat are left out; the second tells, then, which
        patterns may match there.
        """
        lines = self._gate.lines(page.text, _FEW) if self._gate else None
        if lines is None:
            return self._crowded(page, repeats)
        rest = self._rest.candidates(page.text)
        part = page.part(lines)
        names = self._patterns.candidates(part.text) if lines else []
        return [(name, page) for name in rest] + [(n, part) for n in names if n not in rest], None

    def _crowded(self, page: Page, repeats: Repeats) -> tuple[list[tuple[str, Page]], set[str]]:
        """Return the patterns that may match, and those that may on lines that repeat."""
        left: set[str] = set()
        news = repeats.news(page.text)
        if news:
            more = self._digits().lines(page.text, news.digits, repeats.anywhere, _FEW)
            if more is not None:
                page, left = page.part(sorted({*news.lines, *more})), news.names
        return [(name, page) for name in self._all().candidates(page.text)], left

    def _digits(self) -> Numbers:
        if self._numbers is None:
            self._numbers = Numbers(self._given)
        return self._numbers

    def _all(self) -> PatternFilter:
        if self._filter is None:
            self._filter = self._compile(self._given)
        return self._filter

    def _add_first(
        self, name: str, page: Page, hits: list[LineHit], repeats: Repeats | None
    ) -> bool:
        """Add hits from the beginning of a page; return whether these were all of it."""
        if len(hits) >= FIRST and (repeats is None or name in repeats.anywhere):
            return False
        complete = True
        for looked_at, (first, last) in enumerate(self._patterns.finds(name, page.text)):
            if looked_at >= _LOOKED_AT or (len(hits) >= FIRST and repeats is None):
                if repeats:
                    repeats.anywhere.add(name)
                return False
            for hit in self._hit(name, page, first, last):
                if len(hits) < FIRST:
                    hits.append(hit)
                else:
                    complete = False
                if repeats:
                    repeats.learn(name, hit.text, self._digits().match(name, hit.text))
        if repeats and len(hits) >= FIRST:
            repeats.full.add(name)
        return complete

    def _add_last(
        self,
        text: bytes | mmap.mmap,
        later: list[tuple[int, int, set[str]]],
        found: dict[str, list[LineHit]],
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
                found[name] += hits

    def _last_hits(self, name: str, page: Page, count: int) -> list[LineHit]:
        hits: list[LineHit] = []
        for size in (*_ENDS, len(page.text)):
            start = page.text.rfind(b"\n", 0, max(0, len(page.text) - size)) + 1
            spans = self._patterns.finds(name, page.text, start)
            hits = [hit for span in spans for hit in self._hit(name, page, *span)][-count:]
            if len(hits) >= count or start == 0:
                break
        return hits

    def _hit(self, name: str, page: Page, first: int, last: int) -> list[LineHit]:
        """Return the hit on a line; none where the line is noise."""
        hit = page.hit(name, first, last)
        return [] if self.noise(hit.text) else [hit]
