# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that are compiled when a text has the words that they need, and not before."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..model import Hints
from .pattern_filter import compiled, finds, line_options, options

Lines = list[tuple[int, int]]


class LazyPatterns:
    """Patterns under their names, each with words of which every match of it has one.

    For short texts: each is searched for all words of all patterns.
    """

    def __init__(
        self,
        patterns: Mapping[str, str],
        words: Mapping[str, Sequence[str]],
        given: Callable[[], Any] = options,
    ) -> None:
        self.names = list(patterns)
        self._patterns = patterns
        self._words = [(name, [word.encode() for word in words[name]]) for name in patterns]
        self._given = given
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
            self._compiled[name] = compiled(self._patterns[name], self._given())
        return self._compiled[name]


class Gate:
    """Letters of which every line that matters has some, in a log where such are rare."""

    #: So many lines, searched for one word after the other, take as long as to make a sieve; and
    #: one in so many bytes is not counted, here none.
    ENOUGH, FREE = 300, sys.maxsize

    def __init__(self, patterns: LazyPatterns, hints: Hints) -> None:
        self._patterns = patterns
        #: Patterns of which no words are known: these may match on any line.
        self.anywhere = [name for name in patterns.names if "" in hints.words[name]]
        given = line_options()
        given.case_sensitive = False
        self._any = compiled("|".join(re.escape(each) for each in hints.letters), given)

    def lines(self, text: bytes) -> Lines:
        """Return begin and end of the lines that may matter, up to some hundreds."""
        return lines_with(self._any, text, self.ENOUGH)

    def where(self, text: bytes, lines: Lines) -> dict[str, Lines]:
        """Return on which of these lines a pattern may match, of those not ``anywhere``."""
        part = b"\n".join(text[begin:end] for begin, end in lines)
        names = self._patterns.candidates(part) if lines else []
        return {name: lines for name in names if name not in self.anywhere}


def lines_with(expression: Any, text: bytes, most: int) -> Lines:
    """Return begin and end of the lines that have a match, up to so many."""
    lines: Lines = []
    for first, _last in itertools.islice(finds(expression, text), most):
        end = text.find(b"\n", first)
        lines.append((text.rfind(b"\n", 0, first) + 1, len(text) if end < 0 else end))
    return lines


def lines_of(text: bytes) -> Lines:
    """Return begin and end of every line."""
    lengths = [len(line) for line in text.split(b"\n")]
    begins = itertools.accumulate((length + 1 for length in lengths), initial=0)
    return [(begin, begin + length) for begin, length in zip(begins, lengths)]
