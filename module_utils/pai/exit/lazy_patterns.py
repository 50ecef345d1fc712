# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that are compiled when a text has the words that they need, and not before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .pattern_filter import compiled, finds, options

#: Bytes of lines that matter up to which they are searched for one word after the other.
_SIZE = 1 << 16


class LazyPatterns:
    """Patterns under their names, each with words of which every match of it has one.

    For short texts: each is searched for all words of all patterns.
    """

    def __init__(self, patterns: Mapping[str, str], words: Mapping[str, Sequence[str]]) -> None:
        self._patterns = patterns
        self._words = [(name, [word.encode() for word in words[name]]) for name in patterns]
        self._compiled: dict[str, Any] = {}

    def candidates(self, text: bytes) -> list[str]:
        """Return which patterns may match: a word that they need occurs in ``text``."""
        small = text.lower()
        return [name for name, words in self._words if any(word in small for word in words)]

    def finds(self, name: str, text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        """Yield the first match of a pattern on each line of ``text`` that has one."""
        return finds(self._compile(name), text, start)

    def matching(self, text: bytes) -> Iterator[str]:
        """Yield the patterns that match in ``text``."""
        return (name for name in self.candidates(text) if self._compile(name).search(text))

    def _compile(self, name: str) -> Any:
        if name not in self._compiled:
            self._compiled[name] = compiled(self._patterns[name])
        return self._compiled[name]


class Gate:
    """Letters of which every line that matters has some."""

    def __init__(self, letters: Sequence[str]) -> None:
        given = options()
        given.case_sensitive = False
        self._any = compiled("|".join(re.escape(each) for each in letters), given)

    def lines(self, text: bytes, most: int) -> list[tuple[int, int]] | None:
        """Return begin and end of the lines that may matter; None where these are too much."""
        lines: list[tuple[int, int]] = []
        size = 0
        for first, _last in finds(self._any, text):
            end = text.find(b"\n", first)
            line = text.rfind(b"\n", 0, first) + 1, len(text) if end < 0 else end
            size += line[1] - line[0]
            if len(lines) >= most or size > _SIZE:
                return None
            lines.append(line)
        return lines
