# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many patterns of Go's regular expressions (RE2) behind one filter for the words they need.

One automaton for all patterns would be fast on a healthy log only: on one full of error words
its states multiply. So a filter first looks for the words that each pattern must contain, and
only patterns whose words occur are searched, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

try:
    import re2
except ImportError:  # reported when it is needed
    re2 = None

#: Patterns of one filter: one with many more than 500 is too large for RE2's memory.
_TOGETHER = 380
#: What RE2 may use for one expression: less makes it forget what it knows of a long text.
_MEMORY = 1 << 25


class PatternFilter:
    """Patterns under their names."""

    def __init__(self, given: Callable[[], Any] | None = None) -> None:
        """Begin without any; RE2's options are by default ``options()``."""
        self._given = given or options
        self._patterns: dict[str, str] = {}
        self._filters: list[tuple[list[str], Any]] = []
        self._compiled: dict[str, Any] = {}

    def add(self, name: str, pattern: str) -> str | None:
        """Add a pattern and return None, or why it cannot be used."""
        if re2 is None:
            return "google-re2 is not installed"
        if len(self._patterns) % _TOGETHER == 0:
            self._filters.append(([], re2.Filter()))
        try:
            self._filters[-1][1].Add(pattern, self._given())
        except re2.error:
            return _reason(name)
        except UnicodeEncodeError:
            return "it is not valid Unicode"
        self._filters[-1][0].append(name)
        self._patterns[name] = pattern
        return None

    def compile(self) -> None:
        """Finish: after it nothing can be added."""
        self._filters = [
            each for names, made in self._filters if names for each in self._made(names, made)
        ]
        for names, made in self._filters:
            self._compiled.update((name, made.re(index)) for index, name in enumerate(names))

    def candidates(self, text: bytes) -> list[str]:
        """Return which patterns may match: the words that they need occur in ``text``."""
        return [
            names[index] for names, made in self._filters for index in made.Match(text, True) or ()
        ]

    def first(self, name: str, text: bytes) -> tuple[int, int] | None:
        """Return the first match of a pattern: start and end."""
        match = self._compiled[name].search(text)
        return match.span() if match else None

    def finds(self, name: str, text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        """Yield the first match of a pattern on each line of ``text`` that has one."""
        return finds(self._compiled[name], text, start)

    def matching(self, text: bytes) -> Iterator[str]:
        """Yield the patterns that match in ``text``."""
        return (name for name in self.candidates(text) if self._compiled[name].search(text))

    def _made(self, names: list[str], made: Any) -> list[tuple[list[str], Any]]:
        """Return the compiled filter, or several where one would need too much memory."""
        try:
            made.Compile()
            return [(names, made)]
        except re2.error:
            if len(names) < 2:
                raise
        half = len(names) // 2
        return [
            each
            for part in (names[:half], names[half:])
            for each in self._made(part, self._filter(self._patterns[name] for name in part))
        ]

    def _filter(self, patterns: Iterable[str]) -> Any:
        made = re2.Filter()
        for pattern in patterns:
            made.Add(pattern, self._given())
        return made


def finds(compiled: Any, text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield start and end of the first match on each line of ``text`` that has one.

    Searched from ``start``, which must begin a line.
    """
    while True:
        end = start
        for match in compiled.finditer(text, start):
            first, last = match.span()
            if first < end:  # on the same line, where there may be thousands more
                break
            yield first, last
            end = text.find(b"\n", last) + 1
            if not end:
                return
        else:
            return
        start = end


def compiled(pattern: str, given: Any = None) -> Any:
    """Return a pattern compiled, by default with ``options()``.

    Raises:
        ValueError: it is not valid, or too large.
    """
    try:
        return re2.compile(pattern, given or options())
    except re2.error as error:
        raise ValueError(f"{pattern[:80]}: {error}") from error


def any_of(patterns: Sequence[str]) -> list[Any]:
    """Return expressions, as few as possible, that match on a line where one of the patterns does.

    A pattern that cannot be used is left out.
    """
    if not patterns:
        return []
    try:
        return [compiled("|".join(f"(?m:{pattern})" for pattern in patterns), line_options())]
    except ValueError:
        half = len(patterns) // 2
        parts = (patterns[:half], patterns[half:]) if half else ()
        return [each for part in parts for each in any_of(part)]


def set_of(patterns: Iterable[str]) -> Any:
    """Return what tells by number which of the patterns match on any line of a text.

    Raises:
        ValueError: one is not valid, or they are too large.
    """
    made = re2.Set.SearchSet(line_options())
    try:
        for pattern in patterns:
            made.Add(pattern)
        made.Compile()
    except re2.error as error:
        raise ValueError(str(error)) from error
    return made


def options() -> Any:
    """Return RE2's options: it must not write to stderr."""
    given = re2.Options()
    given.log_errors = False
    return given


def line_options() -> Any:
    """Return RE2's options for many lines: a match never crosses the end of one."""
    given = options()
    given.never_nl = True
    given.max_mem = _MEMORY
    return given


def _reason(pattern: str) -> str:
    """Return RE2's own words about a pattern; the filter says only that it failed."""
    try:
        re2.compile(pattern, options())
    except re2.error as error:
        words = error.args[0]
        return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return "it is too large"
