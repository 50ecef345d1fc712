# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is usual in a log, by samples of it, and which parts of what a pattern needs are not."""

from __future__ import annotations

import dataclasses
import itertools
import re
import sys
from collections.abc import Iterable, Sequence

from .outermost import alternatives, runs
from .pattern_filter import compiled, finds, line_options
from .triggers import ways

#: Letters of a word that are looked for, more of them where fewer are not rare; and of how many
#: some must be new to the samples, since what is new only at its end may soon be seen.
_LENGTHS = ((4, 3), (8, 7))
#: One of so many lines of a sample may have a part: more cost more than to search all lines.
_RARE = 150
#: Before letters of which the case does not matter.
LETTERS = "(?i)"


@dataclasses.dataclass(frozen=True)
class Sample:
    """A part of a log, with all that may matter of so many lines of it."""

    text: bytes
    lines: int


@dataclasses.dataclass(frozen=True)
class _Parts:
    """Expressions, one of which a match contains, and on how many lines of samples these are."""

    lines: int
    parts: tuple[str, ...]


_ANYTHING = _Parts(sys.maxsize, ())


class Usual:
    """What samples say about how usual some text is."""

    def __init__(self, samples: Iterable[Sample], letters: Iterable[str]) -> None:
        kept = list(samples)
        self._sample = b"\n".join(sample.text for sample in kept)
        self._text = text = self._sample.decode("utf-8", "replace").lower()
        self._seen = {text[at : at + n] for _unused, n in _LENGTHS for at in range(len(text))}
        length, known = _LENGTHS[0]
        #: What is looked for anyway: the fewer letters, the fewer states of the automaton.
        self._chosen = {
            each for each in letters if len(each) == length and self._lacks(each, known)
        }
        self._most = sum(sample.lines for sample in kept) // _RARE

    def rare_parts(self, pattern: str, words: Sequence[str]) -> Sequence[str] | None:
        """Return expressions, one of which every match contains; None where all are usual."""
        best = self._of_words(words)
        if best.lines:
            ways_of_all = [self._best(alternative) for alternative in alternatives(pattern)]
            parts = tuple(part for each in ways_of_all for part in each.parts)
            best = min(best, _Parts(sum(each.lines for each in ways_of_all), parts), key=_lines)
        return best.parts if best.lines <= self._most else None

    def _best(self, alternative: str) -> _Parts:
        found = [self._of_words(words) for words in ways(alternative)]
        best = min(found, key=_lines, default=_ANYTHING)
        if best.lines:
            found = [self._of_run(run) for run in runs(alternative)]
        return min([best, *found], key=_lines)

    def _of_words(self, words: Iterable[str]) -> _Parts:
        """Return parts for these words: of each a piece that the samples lack, or itself."""
        parts: list[str] = []
        lines = 0
        for word in words:
            part = self._rare_piece(word)
            if part is None:
                part = word
                lines += self._text.count(word)
                if lines > self._most:
                    return _ANYTHING
            parts.append(LETTERS + re.escape(part))
        return _Parts(lines, tuple(parts))

    def _rare_piece(self, word: str) -> str | None:
        """Return letters of a word that the samples lack: if possible such as others have, too."""
        for length, known in _LENGTHS:
            pieces = [word[at : at + length] for at in range(len(word) - length + 1)]
            found = next((piece for piece in pieces if piece in self._chosen), None)
            found = found or next((piece for piece in pieces if self._lacks(piece, known)), None)
            if found:
                self._chosen.add(found)
                return found
        return None

    def _lacks(self, piece: str, known: int) -> bool:
        return any(piece[at : at + known] not in self._seen for at in range(len(piece) - known + 1))

    def _of_run(self, run: str) -> _Parts:
        try:
            spans = finds(compiled(run, line_options()), self._sample)
        except ValueError:  # RE2 has ways to write text that nothing here understands
            return _ANYTHING
        lines = len(list(itertools.islice(spans, self._most + 1)))
        return _Parts(lines, (run,)) if lines <= self._most else _ANYTHING


def _lines(parts: _Parts) -> int:
    return parts.lines
