# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search a log for many patterns at once, with Go's regular expressions (RE2).

One automaton for all patterns would be fast on a healthy log only: on one full of error words
its states multiply. So a filter first looks for the words that each pattern must contain, and
only patterns whose words occur are searched one by one; each leaves the race with its first hit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from .logs import chunks

try:
    import re2
except ImportError:  # reported when it is needed
    re2 = None

#: What lets a match cross, or depend on more than, the lines of one chunk. (?m) frees ^ and $.
_SPANS_LINES = re.compile(r"\\[nsWDAzCPpx]|\[\^|\[\[:|\(\?[A-Za-z]*s")
_ANCHORS = re.compile(r"(?<!\\)[$^]")
_MULTILINE = re.compile(r"^\(\?[A-Za-z]*m[A-Za-z]*\)")


@dataclasses.dataclass(frozen=True)
class Hit:
    """Where the first match of a pattern stands in the searched text, in bytes."""

    start: int
    end: int


class Scanner:
    """The given patterns, compiled; ``broken`` tells for each unusable one why."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Compile the patterns: about 0.1 ms each."""
        self.broken: dict[str, str] = {}
        self._by_chunk = _Filter()
        self._by_text = _Filter()
        for pattern in dict.fromkeys(patterns):
            target = self._by_text if _spans_lines(pattern) else self._by_chunk
            reason = target.add(pattern)
            if reason:
                self.broken[pattern] = reason
        self._by_chunk.compile()
        self._by_text.compile()

    def search(self, text: bytes) -> dict[str, Hit]:
        """Return the first hit of every pattern that occurs in ``text``, which is valid UTF-8."""
        hits: dict[str, Hit] = {}
        for start, end in chunks(text):
            self._by_chunk.search(text[start:end], start, hits)
        self._by_text.search(text, 0, hits)
        return hits


class _Filter:
    def __init__(self) -> None:
        self._patterns: list[str] = []
        self._filter: Any = None if re2 is None else re2.Filter()
        self._compiled: list[Any] = []

    def add(self, pattern: str) -> str | None:
        """Add a pattern and return None, or why it cannot be used."""
        if re2 is None:
            return "google-re2 is not installed"
        options = re2.Options()
        options.log_errors = False
        try:
            self._filter.Add(pattern, options)
        except re2.error:
            return _reason(pattern, options)
        except UnicodeEncodeError:
            return "it is not valid Unicode"
        self._patterns.append(pattern)
        return None

    def compile(self) -> None:
        if self._patterns:
            self._filter.Compile()
            self._compiled = [self._filter.re(index) for index in range(len(self._patterns))]

    def search(self, text: bytes, offset: int, hits: dict[str, Hit]) -> None:
        if not self._patterns:
            return
        for index in self._filter.Match(text, True) or ():
            pattern = self._patterns[index]
            if pattern in hits:
                continue
            match = self._compiled[index].search(text)
            if match:
                hits[pattern] = Hit(offset + match.start(), offset + match.end())


def _reason(pattern: str, options: Any) -> str:
    """Return RE2's own words about a pattern; the filter says only that it failed."""
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        words = error.args[0]
        return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return "it is too large"


def _spans_lines(pattern: str) -> bool:
    if _SPANS_LINES.search(pattern):
        return True
    return bool(_ANCHORS.search(pattern)) and not _MULTILINE.match(pattern)
