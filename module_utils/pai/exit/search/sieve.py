# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the few lines that may matter in a log where words of errors are usual.

What is usual is learned from samples of the log. Of what a pattern needs a sieve looks for a part
that the samples hardly have. Such parts are short, so one automaton for all of them stays small
and fast; one for the patterns themselves would not, since it must remember what may follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..model import Hints
from .lazy_patterns import Gate, LazyPatterns, Lines, lines_of, lines_with
from .pattern_filter import compiled, line_options, set_of
from .usual import LETTERS, Sample, Usual

#: Lines of one piece of a log from which on it is no use.
_MOST = 4000
#: Bytes of an ordinary line.
_LINE = 100
#: Letters that are looked for together with expressions.
_TOGETHER = 1000
#: Bytes of one sample, and how many are kept: the first, of all lines, and the last ones.
_SAMPLE, _SAMPLES = 1 << 16, 4


class Sieve:
    """The patterns, by their names, for a log that looks like the samples."""

    #: So many lines take as long as to make another one; one in so many bytes is not counted.
    ENOUGH, FREE = 4_000, 1 << 12

    def __init__(
        self, patterns: Iterable[str], words: Mapping[str, Sequence[str]], usual: Usual
    ) -> None:
        """Choose the parts."""
        #: Patterns all of whose parts are usual: these may match on any line.
        self.anywhere: list[str] = []
        self._names: dict[str, list[str]] = {}
        for name in patterns:
            parts = usual.rare_parts(name, words[name])
            if parts is None:
                self.anywhere.append(name)
            for part in parts or ():
                self._names.setdefault(part, []).append(name)
        try:
            self._automata = [_Automaton(parts) for parts in _grouped(sorted(self._names))]
        except ValueError:  # more than RE2 takes
            self.anywhere, self._automata = list(patterns), []

    def lines(self, text: bytes) -> Lines:
        """Return begin and end of the lines that may matter, up to some thousands."""
        found = [lines_with(each.any, text, _MOST) for each in self._automata]
        return found[0] if len(found) == 1 else sorted(set().union(*found))

    def where(self, text: bytes, lines: Lines) -> dict[str, Lines]:
        """Return on which of these lines a pattern may match, of those not ``anywhere``."""
        found: dict[str, Lines] = {}
        for line in lines:
            piece = text[line[0] : line[1]]
            parts = [part for each in self._automata for part in each.parts_in(piece)]
            for name in {name for part in parts for name in self._names[part]}:
                found.setdefault(name, []).append(line)
        return found


class _Automaton:
    """Some parts, looked for all at once."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = parts
        self._which = set_of(parts)
        letters = [part[len(LETTERS) :] for part in parts if part.startswith(LETTERS)]
        others = [f"(?:{part})" for part in parts if not part.startswith(LETTERS)]
        # RE2 is faster where the letters stand together
        united = [f"(?i:{'|'.join(letters)})"] if letters else []
        self.any = compiled("|".join([*united, *others]), line_options())

    def parts_in(self, line: bytes) -> list[str]:
        return [self._parts[number] for number in self._which.Match(line) or ()]


class LearningSieve:
    """Begins with the letters; makes a sieve, and later another, when too much passed.

    What passed is then usual, too.
    """

    def __init__(self, patterns: LazyPatterns, hints: Hints) -> None:
        self._patterns = patterns.names
        self._hints = hints
        self._samples: list[Sample] = []
        self._sieve: Gate | Sieve = Gate(patterns, hints)
        self._passed = self._learned = 0

    def new_log(self) -> None:
        """Learn as readily as at first; within a log each time needs four times as much."""
        self._passed = self._learned = 0

    @property
    def anywhere(self) -> list[str]:
        """The patterns that may match on any line."""
        return self._sieve.anywhere

    def where(self, text: bytes) -> dict[str, Lines]:
        """Return on which lines a pattern may match, of those not ``anywhere``."""
        lines = self._lines(text)
        self._passed += max(0, _cost(lines) - len(text) // self._sieve.FREE)
        if self._passed >= self._sieve.ENOUGH << 2 * self._learned:
            self._learn(_part(lines, text) if self._samples else _head(text))
            lines = self._lines(text)
        return self._sieve.where(text, lines)

    def _lines(self, text: bytes) -> Lines:
        lines = self._sieve.lines(text)
        return lines if _cost(lines) < _MOST else lines_of(text)

    def _learn(self, sample: Sample) -> None:
        first, later = self._samples[:1], self._samples[1:]
        self._samples = [*first, *later[2 - _SAMPLES :], sample]
        usual = Usual(self._samples, self._hints.letters)
        self._sieve = Sieve(self._patterns, self._hints.words, usual)
        self._passed = 0
        self._learned += len(self._samples) > 1  # there are logs in which nothing is usual


def _cost(lines: Lines) -> int:
    """Return how many ordinary lines are as much work."""
    return max(len(lines), sum(end - begin for begin, end in lines) // _LINE)


def _head(text: bytes) -> Sample:
    part = text[:_SAMPLE]
    return Sample(part, part.count(b"\n"))


def _part(lines: Lines, text: bytes) -> Sample:
    """Return these lines, as far as they fit, as those of a text that matter."""
    kept = b"\n".join(text[begin:end] for begin, end in lines)[:_SAMPLE]
    return Sample(kept, text.count(b"\n", 0, lines[kept.count(b"\n")][1]) if lines else 0)


def _grouped(parts: Sequence[str]) -> list[list[str]]:
    """Return the parts for one automaton, or for two where one would have too many states."""
    groups: tuple[list[str], list[str]] = ([], [])
    for part in parts:
        groups[len(parts) > _TOGETHER and part.startswith(LETTERS)].append(part)
    return [group for group in groups if group]
