# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a digest: search a file for what the catalogue knows, and keep the lines around it."""

from __future__ import annotations

import dataclasses
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..reading import progress, tracebacks
from ..reading.logs import chunks, clean, end_of_part
from ..search.line_scan import FIRST, LAST, LineScanner
from .digest import Digest, Extract, Step

#: Bytes of lines that are kept of one file.
OF_ONE = 1 << 18
#: Bytes after which a search can be stopped.
_STRIDE = 1 << 21
#: Lines around a hit that are kept, and bytes of these at most; a traceback is kept whole.
_LINES_BEFORE, _LINES_AFTER = 6, 10
_BEFORE, _AFTER, _ENDLESS = 1 << 14, 1 << 14, 1 << 16
_TRACEBACK = b"Traceback (most recent call last)"
#: Tracebacks that are kept from the beginning and from the end of a file.
_EDGE = 16
#: Where progress is looked for: parts of a file, and bytes at the end of each.
_PARTS, _LOOKED_AT = 4, 1 << 14
#: Steps that are kept of each part, and bytes of one.
_STEPS, _STEP_BYTES = 4, 400

Span = tuple[int, int]


def never() -> bool:
    """Let the search go on to its end."""
    return False


def make(
    name: str,
    text: bytes | mmap.mmap,
    scanner: LineScanner,
    within: Span,
    stopped: Callable[[], bool] = never,
) -> Digest:
    """Return the digest of a part of a file; ``stopped`` tells when there is no more time.

    Line numbers are not counted: see ``numbered``.
    """
    wanted, done = _search(text, scanner, _strides(text, *within), stopped)
    return _digest(name, text, wanted, (within[0], done[-1][1] if done else within[0]))


def make_from_end(
    name: str,
    text: bytes | mmap.mmap,
    scanner: LineScanner,
    within: Span,
    stopped: Callable[[], bool] = never,
) -> tuple[Digest, int]:
    """Return the digest, and from where on there was time to search: the end comes first."""
    wanted, done = _search(text, scanner, reversed([*_strides(text, *within)]), stopped)
    start = done[-1][0] if done else within[1]
    return _digest(name, text, wanted, (start, within[1])), start


def numbered(digest: Digest, text: bytes | mmap.mmap) -> Digest:
    """Return the digest with the numbers of its lines: the file may soon be deleted."""
    number, position, extracts = 1, 0, []
    for each in digest.extracts:
        for begin, end in chunks(text, position, each.place):
            number += text[begin:end].count(b"\n")
        position = each.place
        extracts.append(dataclasses.replace(each, number=number))
    return dataclasses.replace(digest, extracts=tuple(extracts))


def _digest(name: str, text: bytes | mmap.mmap, wanted: Sequence[int], searched: Span) -> Digest:
    extracts = tuple(
        Extract(first, clean(bytes(text[first:last])))
        for first, last in _spans(text, wanted, searched)
    )
    return Digest(name, len(text), searched[1], extracts, tuple(_steps(text, *searched)))


def _search(
    text: bytes | mmap.mmap,
    scanner: LineScanner,
    strides: Iterable[Span],
    stopped: Callable[[], bool],
) -> tuple[list[int], list[Span]]:
    """Return the places that matter, the most important first, and the strides it searched."""
    places: dict[str, list[int]] = {}
    tracebacks: list[int] = []
    done: list[Span] = []
    for first, last in strides:
        if stopped():
            break
        for hit in scanner.search(text, first, last):
            places.setdefault(hit.pattern, []).append(hit.begin)
        places = {key: _edges(each, FIRST, LAST) for key, each in places.items()}
        tracebacks = _edges([*tracebacks, *_tracebacks(text, first, last)], _EDGE, _EDGE)
        done.append((first, last))
    return _by_turns([*places.values(), tracebacks]), done


def _edges(places: Sequence[int], first: int, last: int) -> list[int]:
    """Return so many of the first and of the last places, in their order."""
    ordered = sorted(places)
    return ordered[:first] + ordered[first:][-last:]


def _strides(text: bytes | mmap.mmap, start: int, end: int) -> Iterator[Span]:
    while start < end:
        last = end_of_part(text, start + _STRIDE, end)
        yield start, last
        start = last


def _tracebacks(text: bytes | mmap.mmap, start: int, end: int) -> Iterator[int]:
    """Yield where Python's tracebacks begin."""
    for begin, finish in chunks(text, start, end):
        piece = text[begin:finish]
        place = piece.find(_TRACEBACK)
        while place >= 0:
            yield begin + place
            place = piece.find(_TRACEBACK, place + 1)


def _by_turns(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return places in the order in which they matter: the first of each list, the last, …"""
    turns: list[tuple[int, int]] = []
    for places in lists:
        count = len(places)
        turns += [(min(2 * n, 2 * (count - n) - 1), place) for n, place in enumerate(places)]
    return [place for _turn, place in sorted(turns)]


def _spans(text: bytes | mmap.mmap, places: Sequence[int], within: Span) -> list[Span]:
    """Return begin and end of what is kept, in the order of the file, as far as there is room."""
    taken: list[Span] = []
    room = OF_ONE
    for place in places:
        if any(begin <= place < end for begin, end in taken):
            continue
        begin, end = _around(text, place, within)
        if end - begin > room:
            continue
        room -= end - begin
        taken.append((begin, end))
        if room < 1 << 10:
            break
    merged: list[Span] = []
    for begin, end in sorted(taken):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _around(text: bytes | mmap.mmap, place: int, within: Span) -> Span:
    """Return the lines around a place, with the whole traceback that it is in."""
    start, end = within
    first, last = max(start, place - _BEFORE), min(end, place + _AFTER)
    if text.find(b"\n", place, last) < 0:
        last = min(end, place + _ENDLESS)
    window = text[first:last]
    here = place - first
    whole = window.find(b"\n", 0, here) + 1 if first > start else 0
    begin, finish = _up(window, here, whole), _down(window, here)
    if _TRACEBACK in window:
        for each in tracebacks.find(window):
            bottom = _end(window, each.last)
            if each.first <= here < bottom:
                begin, finish = min(begin, max(whole, each.first)), max(finish, bottom)
    return first + begin, first + finish


def _up(window: bytes, place: int, whole: int) -> int:
    for _unused in range(_LINES_BEFORE):
        place = max(whole, window.rfind(b"\n", whole, max(whole, place - 1)) + 1)
    return place


def _down(window: bytes, place: int) -> int:
    for _unused in range(1 + _LINES_AFTER):
        place = _end(window, place)
    return place


def _end(window: bytes, place: int) -> int:
    return window.find(b"\n", place) + 1 or len(window)


def _steps(text: bytes | mmap.mmap, start: int, end: int) -> Iterator[Step]:
    """Yield the last steps forward in several parts of a file."""
    for part in range(1, _PARTS + 1):
        last = start + (end - start) * part // _PARTS
        first = max(start, last - _LOOKED_AT)
        first = (text.find(b"\n", first, last) + 1 if first > start else 0) or first
        window = bytes(text[first:last])
        lines: dict[object, Step] = {}
        for step in progress.find(window).steps:
            line = window[step.place : _end(window, step.place)].partition(b"\r")[0].rstrip()
            shown = line[:_STEP_BYTES].decode("utf-8", "replace")
            lines[step.number, step.total] = first + step.place, shown
        yield from list(lines.values())[-_STEPS:]
