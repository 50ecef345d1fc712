# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the whole catalogue against what a task left behind, and choose the reason."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import candidates, ranking
from .candidates import Candidate, Found
from .digests import digest_search
from .model import Entry, Hints, Pattern
from .reading.logs import Log
from .reading.progress import Progress
from .search.lazy_patterns import LazyPatterns
from .search.line_scan import LineScanner
from .search.pattern_filter import PatternFilter

try:
    import jmespath
except ImportError:  # then no pattern on facts holds
    jmespath = None

#: What an exit code alone may weigh: words in a log say more.
_CODE_ALONE = 45.0
#: A GPU with memory errors weighs more than any words.
_BROKEN = 125.0

#: Characters of an exception's first line that are searched.
_LONGEST = 4000

Owners = dict[str, list[tuple[Entry, Pattern]]]


@dataclasses.dataclass(frozen=True)
class Given:
    """What is known besides the logs; the GPU is asked only where a pattern wants to know."""

    exit_code: int | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    gpu: Callable[[], str | None] = lambda: None


@dataclasses.dataclass(frozen=True)
class Source:
    """A log, and whether patterns for the user's and for the platform's log are searched in it."""

    log: Log
    user: bool = True
    platform: bool = False


class Doctor:
    """The catalogue, compiled; ``broken`` tells for each unusable pattern why.

    ``scanner`` searches lines for all patterns on logs.
    """

    def __init__(self, entries: Sequence[Entry], hints: Hints | None = None) -> None:
        """Prepare every pattern; without hints each is compiled, which takes 0.1 ms."""
        self._rules = [(entry, pattern) for entry in entries for pattern in entry.patterns]
        real = [rule for rule in self._rules if rule[0].role != "noise"]
        silent = [rule for rule in self._rules if rule[0].role == "noise"]
        self._user = _owners(real, "user_log")
        self._platform = _owners(real, "platform_log")
        self.scanner = LineScanner(
            (*self._user, *self._platform),
            [rule.user_log for _unused, rule in silent if rule.user_log],
            hints,
        )
        self.broken = dict(self.scanner.broken)
        self._raised = _owners(self._rules, "exception")
        self._exceptions = self._prepared(hints)

    def diagnose(self, sources: Sequence[Source], given: Given) -> ranking.Finding | None:
        """Return the reason that the logs and the rest show, or None where they show none."""
        found = [self._search(source, number) for number, source in enumerate(sources)]
        seen = {hit.pattern for each in found for hit in each.hits}
        holds = functools.partial(self._holds, given, seen)
        thought_of = [*self._thought_of(found, sources, holds)]
        end = max((len(source.log.text) for source in sources), default=0)
        finding = ranking.choose([*thought_of, *self._without_place(given, end, len(sources) - 1)])
        if finding or not any(source.log.pieces for source in sources):
            return finding
        # What was taken to be survived stood long before the end: now it is all there is.
        alone = [dataclasses.replace(each, progress=Progress()) for each in found]
        all_of_it = self._thought_of(alone, sources, holds)
        early = ranking.choose(
            [each for each in all_of_it if digest_search.may_be(each, found[each.log])]
        )
        return ranking.doubted(early) if early else None

    def _thought_of(
        self,
        found: Sequence[Found],
        sources: Sequence[Source],
        holds: Callable[[Pattern], bool],
    ) -> Iterator[Candidate]:
        for each, source in zip(found, sources):
            owners = _merged(
                self._user if source.user else {}, self._platform if source.platform else {}, holds
            )
            lines = dataclasses.replace(
                each, hits=[hit for hit in each.hits if hit.pattern in owners]
            )
            yield from candidates.of_hits(lines, owners)
            yield from candidates.of_exceptions(each, self._matching(each, holds))

    def _prepared(self, hints: Hints | None) -> PatternFilter | LazyPatterns:
        """Return the patterns on exceptions."""
        if hints and all(hints.words.get(regex) for regex in self._raised):
            return LazyPatterns({regex: regex for regex in self._raised}, hints.words)
        made = PatternFilter()
        for regex in self._raised:
            reason = made.add(regex, regex)
            if reason:
                self.broken[regex] = reason
        made.compile()
        return made

    def _search(self, source: Source, number: int) -> Found:
        log = source.log
        return Found(
            digest_search.hits_in(log, self.scanner),
            digest_search.tracebacks_in(log),
            digest_search.progress_in(log),
            number,
        )

    def _matching(
        self, found: Found, holds: Callable[[Pattern], bool]
    ) -> Iterator[tuple[Entry, Pattern, tuple[int, int]]]:
        for key, _unused, raised in found.exceptions():
            rules = [
                rule
                for text in raised.texts
                for regex in self._exceptions.matching(text[:_LONGEST].encode())
                for rule in self._raised[regex]
                if holds(rule[1])
            ]
            if not any(entry.role == "noise" for entry, _unused in rules):
                yield from ((entry, pattern, key) for entry, pattern in rules)

    def _holds(self, given: Given, seen: set[str], pattern: Pattern) -> bool:
        """Whether all conditions hold but the one that gives the place."""
        if pattern.exit_code not in (None, given.exit_code):
            return False
        words = [each for each in (pattern.user_log, pattern.platform_log) if each is not None]
        if any(regex not in seen for regex in words):
            return False
        if pattern.facts is not None and not _true(pattern.facts, given.facts):
            return False
        return not pattern.gpu_double_ecc or given.gpu() is not None

    def _without_place(self, given: Given, end: int, log: int) -> Iterator[Candidate]:
        """Yield the candidates that rest on the exit code, on facts or on the GPU alone."""
        for entry, pattern in self._rules:
            in_log = (pattern.user_log, pattern.platform_log, pattern.exception)
            if any(each is not None for each in in_log) or not self._holds(given, set(), pattern):
                continue
            alone = not pattern.observed
            weight = min(_CODE_ALONE, entry.weight) if alone else float(entry.weight)
            weight = _BROKEN if pattern.gpu_double_ecc else weight
            yield Candidate(entry, pattern, weight, end, certain=0 if alone else 1, log=log)


def _owners(rules: Sequence[tuple[Entry, Pattern]], field: str) -> Owners:
    owners: Owners = {}
    for entry, pattern in rules:
        regex = getattr(pattern, field)
        if regex is not None:
            owners.setdefault(regex, []).append((entry, pattern))
    return owners


def _merged(user: Owners, platform: Owners, holds: Callable[[Pattern], bool]) -> Owners:
    """Return the patterns that may count in one log, with those whose other conditions hold."""
    merged: Owners = {}
    for owners in (user, platform):
        for regex, rules in owners.items():
            kept = [rule for rule in rules if rule[1].exception is None and holds(rule[1])]
            if kept:
                merged.setdefault(regex, []).extend(kept)
    return merged


def _true(expression: str, facts: Mapping[str, Any]) -> bool:
    if jmespath is None:
        return False
    try:
        return bool(jmespath.search(expression, facts))
    except (jmespath.exceptions.JMESPathError, TypeError):
        return False
