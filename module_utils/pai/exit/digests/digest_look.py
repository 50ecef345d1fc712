# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look back at what a log said before its searched end: in its file, and in finished ones.

Of a finished file its digest is read; one without a digest is searched as long as there is time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..reading.logs import Log, end_of_part
from ..search.line_scan import LineScanner
from . import digest_make
from .digest import Digest, Step
from .digest_files import File, files_of, mapped, missing, searched, unsearched
from .digest_piece import Piece

#: How much of the file itself is searched before the end: as much as log capture keeps in one.
BEFORE = 256 * 1024 * 1024
#: Seconds for the file itself, and for finished files that nobody searched before.
OWN_SECONDS, SECONDS = 3.0, 1.5


def look_back(
    log: Log,
    scanner: LineScanner,
    problems: list[str],
    seconds: float = SECONDS,
    own_seconds: float = OWN_SECONDS,
) -> Log:
    """Return the log with pieces of what stands before its text.

    The file itself is searched from its end, and finished files that were not searched yet are, the
    newest first: each for at most so many seconds. What was not searched is a problem.
    """
    if log.path is None:
        return log
    pieces: list[Piece] = []
    steps: list[Step] = []
    base = -log.skipped
    with _problems(log.path, problems):
        own = _own(log, scanner, _after(own_seconds), problems)
        pieces, steps = _placed(log.path, own, base, log.skipped)
    for file, end in _finished(log, scanner, _after(seconds), problems):
        base -= end
        for digest in reversed(file.digests):
            found = _placed(file.path, digest, base, end)
            pieces, steps = [*found[0], *pieces], [*found[1], *steps]
    return dataclasses.replace(log, pieces=_apart(pieces), steps=tuple(steps))


def _after(seconds: float) -> Callable[[], bool]:
    """Return what tells that so many seconds are over."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def _finished(
    log: Log, scanner: LineScanner, late: Callable[[], bool], problems: list[str]
) -> Iterator[tuple[File, int]]:
    """Yield the finished files, the newest first, and where in each the log's text begins."""
    taken = log.taken
    for known in reversed(files_of(log.path or Path(), problems)):
        file = known
        end = known.size - (taken if known.there else 0)
        taken = 0 if known.there else taken
        with _problems(known.path, problems):
            file = searched(known, end, scanner, late)
        if file.searched < end:
            problems.append(unsearched(file, end))
        yield file, end


def _own(log: Log, scanner: LineScanner, late: Callable[[], bool], problems: list[str]) -> Digest:
    """Search the file itself before its text."""
    path = log.path or Path()
    if not log.skipped:
        return Digest(path.name, 0, 0)
    with mapped(path) as text:
        end = min(log.skipped, len(text))
        start = max(0, end - BEFORE)
        start = end_of_part(text, start, end) if start else 0
        digest, begin = digest_make.make_from_end(path.name, text, scanner, (start, end), late)
    if begin > start:
        problems.append(missing(path, begin - start, there=True))
    return digest


def _placed(path: Path, digest: Digest, base: int, end: int) -> tuple[list[Piece], list[Step]]:
    """Return pieces and steps of a file that begins at ``base`` in the log, before ``end``."""
    pieces = [
        Piece(_whole(own.text[: end - own.place]), base + own.place, path, own.place, own.number)
        for own in digest.extracts
        if own.place < end
    ]
    steps = [(base + place, line) for place, line in digest.steps if place < end]
    return [each for each in pieces if each.text], steps


def _whole(text: bytes) -> bytes:
    """Return the text with the end of its last line."""
    return text if not text or text.endswith(b"\n") else text + b"\n"


def _apart(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the pieces in order: one whose text became longer, as it was not valid, moves up."""
    apart: list[Piece] = []
    limit = 0
    for piece in reversed(pieces):
        apart.append(dataclasses.replace(piece, place=min(piece.place, limit - len(piece.text))))
        limit = apart[-1].place
    return tuple(reversed(apart))


@contextlib.contextmanager
def _problems(path: Path, problems: list[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problems.append(f"log {path}: {error.strerror}")
