# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search a log for the patterns of an exit spec: where each first matches, if it does.

Such a pattern means the whole text: it may span lines, and ``^`` is where the log begins.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from ..reading.logs import chunks
from .pattern_filter import PatternFilter

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
        self._by_chunk = PatternFilter()
        self._by_text = PatternFilter()
        for pattern in dict.fromkeys(patterns):
            target = self._by_text if _spans_lines(pattern) else self._by_chunk
            reason = target.add(pattern, pattern)
            if reason:
                self.broken[pattern] = reason
        self._by_chunk.compile()
        self._by_text.compile()

    def search(self, text: bytes) -> dict[str, Hit]:
        """Return the first hit of every pattern that occurs in ``text``, which is valid UTF-8."""
        hits: dict[str, Hit] = {}
        for start, end in chunks(text, endless=len(text)):  # a match may be as long as its line
            _search(self._by_chunk, text[start:end], start, hits)
        _search(self._by_text, text, 0, hits)
        return hits


def _search(patterns: PatternFilter, text: bytes, offset: int, hits: dict[str, Hit]) -> None:
    for name in patterns.candidates(text):
        span = None if name in hits else patterns.first(name, text)
        if span:
            hits[name] = Hit(offset + span[0], offset + span[1])


def _spans_lines(pattern: str) -> bool:
    if _SPANS_LINES.search(pattern):
        return True
    return bool(_ANCHORS.search(pattern)) and not _MULTILINE.match(pattern)
