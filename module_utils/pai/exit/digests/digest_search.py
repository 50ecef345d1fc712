# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find in a log and its pieces what the verdict rests on: hits, tracebacks, progress."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Iterator

from ..candidates import Candidate, Found
from ..reading import progress, tracebacks
from ..reading.logs import Log
from ..reading.progress import Progress, Step
from ..reading.raised import Raised, Traceback
from ..search.line_scan import LineScanner
from ..search.page import LineHit
from .digest_piece import Piece


def hits_in(log: Log, scanner: LineScanner) -> list[LineHit]:
    """Return the hits of the scanner's patterns; those in pieces stand at negative places."""
    return [*_early_hits(log.pieces, scanner), *scanner.search(log.text)]


def tracebacks_in(log: Log) -> list[Traceback]:
    """Return the tracebacks of the text, then those of the pieces."""
    early = [_moved(each, piece.place) for piece in log.pieces for each in _of_piece(piece)]
    return [*tracebacks.find(log.text), *early]


def progress_in(log: Log) -> Progress:
    """Return the progress that the log shows."""
    found = progress.find(log.text)
    return dataclasses.replace(found, steps=(*_early_steps(log), *found.steps))


def may_be(candidate: Candidate, found: Found) -> bool:
    """Whether what stood long before the end may be the reason where nothing else says one.

    That the end is quiet excuses nothing then. And an exception that nothing handled ended a
    process, though others went on.
    """
    if candidate.place >= 0 or candidate.certain < 0:
        return False
    ended = candidate.raised is not None and candidate.certain > 0
    return ended or not Progress(found.progress.steps).survived(candidate.place)


def _early_steps(log: Log) -> Iterator[Step]:
    """Yield the steps that were kept, which may have another form than when they were kept."""
    kept = [(place, line.encode()) for place, line in log.steps if place < 0]
    begins = [0, *itertools.accumulate(len(line) + 1 for _place, line in kept)]
    for step in progress.find(b"\n".join(line for _place, line in kept)).steps:
        number = bisect.bisect_right(begins, step.place) - 1
        yield dataclasses.replace(step, place=kept[number][0])


def _early_hits(pieces: tuple[Piece, ...], scanner: LineScanner) -> Iterator[LineHit]:
    if not pieces:
        return
    begins = [0, *itertools.accumulate(len(piece.text) for piece in pieces)]
    for hit in scanner.search(b"".join(piece.text for piece in pieces)):
        number = bisect.bisect_right(begins, hit.begin) - 1
        place = pieces[number].place + hit.begin - begins[number]
        yield dataclasses.replace(hit, begin=place)


def _of_piece(piece: Piece) -> list[Traceback]:
    return tracebacks.find(piece.text) if b"Error" in piece.text or b"Trace" in piece.text else []


def _moved(traceback: Traceback, places: int) -> Traceback:
    chain = tuple(_shifted(raised, places) for raised in traceback.chain)
    return dataclasses.replace(traceback, chain=chain)


def _shifted(raised: Raised, places: int) -> Raised:
    return dataclasses.replace(
        raised,
        place=raised.place + places,
        first=raised.first + places,
        last=raised.last + places,
    )
