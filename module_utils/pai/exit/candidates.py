# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect what may be the reason of a failure: hits of the catalogue that mean what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from .model import Entry, Pattern
from .reading import line_prefix
from .reading.harmless import is_harmless
from .reading.line_level import level
from .reading.progress import Progress
from .reading.raised import Frame, Raised, Traceback
from .search.page import LineHit

#: What a line's level does to the weight of the words on it.
_WARNING, _INFO, _RAISED = 0.65, 0.55, 5
#: So many kinds of failure on one line are a list of them, or a documentation.
_LIST = 3


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A pattern that holds: where, and how much it weighs there.

    ``place`` is where the line begins in the log, in bytes; the exit code, facts and the GPU stand
    behind its end, as the last that is known. ``start`` and ``end`` are the matched characters of
    ``text``. ``raised`` tells which exception of which traceback it explains, ``frame`` where in
    the user's code that was raised. ``certain`` is 1 for an error, 0 for a plain line, -1 for a
    warning.
    """

    entry: Entry
    pattern: Pattern
    weight: float
    place: int
    text: str = ""
    start: int = 0
    end: int = 0
    rank: str | None = None
    raised: tuple[int, int] | None = None
    certain: int = 0
    log: int = 0
    frame: Frame | None = None

    @property
    def category(self) -> str:
        """The class of the failure."""
        return self.entry.category or "unknown"


_NONE = Progress()


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found in one log."""

    hits: Sequence[LineHit] = ()
    tracebacks: Sequence[Traceback] = ()
    progress: Progress = _NONE
    log: int = 0

    def exceptions(self) -> Iterable[tuple[tuple[int, int], Traceback, Raised]]:
        """Yield every exception of every traceback, with what identifies it."""
        for number, traceback in enumerate(self.tracebacks):
            for index, raised in enumerate(traceback.chain):
                yield (number, index), traceback, raised


def of_hits(found: Found, owners: Mapping[str, Sequence[tuple[Entry, Pattern]]]) -> list[Candidate]:
    """Return the candidates of a log's hits; ``owners`` says whose a pattern is."""
    by_line: dict[int, list[LineHit]] = {}
    for hit in found.hits:
        by_line.setdefault(hit.begin, []).append(hit)
    candidates = []
    for hits in by_line.values():
        place = _in_traceback(found, hits[0])
        if (
            place == _CODE
            or is_harmless(hits[0].text)
            or (place is None and _is_list(hits, owners))
        ):
            continue
        candidates += [
            _candidate(found, hit, entry, pattern, place)
            for hit in hits
            for entry, pattern in owners[hit.pattern]
        ]
    return [each for each in candidates if not _survived(found, each)]


def of_exceptions(
    found: Found, matching: Iterable[tuple[Entry, Pattern, tuple[int, int]]]
) -> list[Candidate]:
    """Return the candidates of patterns on exceptions; each is told with the exception's key."""
    candidates = []
    for entry, pattern, key in matching:
        traceback = found.tracebacks[key[0]]
        raised = traceback.chain[key[1]]
        if traceback.ignored:
            continue
        certain, weight = _in_message(traceback, entry)
        candidates.append(
            Candidate(
                entry,
                pattern,
                weight,
                raised.place,
                raised.text,
                0,
                len(raised.text),
                traceback.rank,
                key,
                certain,
                found.log,
                raised.frame,
            )
        )
    return [each for each in candidates if not _survived(found, each)]


_CODE = (-1, -1)


def _in_traceback(found: Found, hit: LineHit) -> tuple[int, int] | None:
    """Return which exception's message the line belongs to; _CODE where it is a line of code."""
    for key, traceback, raised in found.exceptions():
        if raised.place <= hit.begin <= raised.last:
            return _CODE if traceback.ignored else key
        if raised.first <= hit.begin < raised.place:
            process, line = line_prefix.split(hit.text)
            same = line_prefix.rank(process) == traceback.rank
            if same and (not line or line[0] in " \t│" or "Traceback (most recent" in line):
                return _CODE
    return None


def _is_list(
    hits: Sequence[LineHit], owners: Mapping[str, Sequence[tuple[Entry, Pattern]]]
) -> bool:
    """Whether the line tells several kinds of failure side by side."""
    kinds: set[str] = set()
    end = -1
    for hit in sorted(hits, key=lambda hit: (hit.start, hit.end)):
        if hit.start >= end:
            kinds |= {entry.category or "" for entry, _unused in owners[hit.pattern][:1]}
            end = hit.end
    return len(kinds) >= _LIST


def _candidate(
    found: Found, hit: LineHit, entry: Entry, pattern: Pattern, key: tuple[int, int] | None
) -> Candidate:
    traceback = found.tracebacks[key[0]] if key else None
    if traceback:
        certain, weight = _in_message(traceback, entry)
    else:
        certain = level(hit.text)
        weight = entry.weight * {-1: _WARNING, -2: _INFO}.get(certain, 1.0)
    process, _unused = line_prefix.split(hit.text)
    rank = traceback.rank if traceback else line_prefix.rank(process)
    return Candidate(
        entry,
        pattern,
        weight,
        hit.begin,
        hit.text,
        hit.start,
        hit.end,
        rank,
        key,
        max(-1, certain),
        found.log,
        traceback.chain[key[1]].frame if traceback and key else None,
    )


def _in_message(traceback: Traceback, entry: Entry) -> tuple[int, float]:
    """Return how certain words in an exception's message are, and what they weigh."""
    return (-1, entry.weight * _WARNING) if traceback.handled else (1, entry.weight + _RAISED)


def _survived(found: Found, candidate: Candidate) -> bool:
    """Whether the program went on; one that was told to stop may well save its state first."""
    traceback = found.tracebacks[candidate.raised[0]] if candidate.raised else None
    raised = traceback is not None and not traceback.handled
    if candidate.category == "preempted":
        return not raised and found.progress.completed(candidate.place)
    process = traceback.process if traceback else line_prefix.split(candidate.text)[0]
    return found.progress.survived(candidate.place, process, raised)
