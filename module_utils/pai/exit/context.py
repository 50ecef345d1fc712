# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a log around a place, with their numbers, each masked by itself so that none is lost."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from ..masking import Masker
from ..message_format import PLATFORM_LINES
from . import excerpt
from .reading.logs import Log
from .search.scan import Hit

#: Lines of a user's log that a page shows before a match, and from it on.
BEFORE, AFTER = 24, 12
#: The same of the platform's log: as in exit.json, since later lines are about this very analysis.
_PLATFORM = (2, PLATFORM_LINES - 2)
_WIDTH = 600  # bytes of a line that are shown
_LEAD = 150  # bytes of them that stand before a match, where the line is longer
_SKIPPED = 2000  # lines of our own that are passed over at most

_Span = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a log; ``matched`` and ``rest`` are empty unless a pattern holds there."""

    number: int | None
    text: str
    matched: str = ""
    rest: str = ""
    marked: bool = False


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """Lines of one log, in its order, and what the log is called."""

    name: str
    lines: tuple[Line, ...]


def around(
    name: str, log: Log, hit: Hit, masker: Masker, before: int = BEFORE, after: int = AFTER
) -> Excerpt:
    """Return up to ``before`` lines before a match, and ``after`` from it on, itself included."""
    first = excerpt.first_line(log, hit)
    begin = log.text.rfind(b"\n", 0, first) + 1
    below = list(itertools.islice(_news(log, _forward(log.text, begin)), after))
    above = list(itertools.islice(_news(log, _backward(log.text, begin - 1)), before))[::-1]
    numbers = _numbers(log, [*above, *below])
    lines = [
        _marked(log, span, Hit(first, hit.end), number, masker)
        if span[0] < hit.end and span[0] >= begin
        else _plain(log, span, number, masker)
        for span, number in zip([*above, *below], numbers)
    ]
    return Excerpt(name, _trimmed(lines))


def tail(name: str, log: Log, masker: Masker, count: int = BEFORE) -> Excerpt:
    """Return the last ``count`` lines, less empty ones at the end."""
    end = len(log.text.rstrip())
    spans = list(itertools.islice(_news(log, _backward(log.text, end)), count))[::-1]
    lines = [_plain(log, span, number, masker) for span, number in zip(spans, _numbers(log, spans))]
    return Excerpt(name, _trimmed(lines))


def to_line_end(log: Log, hit: Hit | None) -> Hit | None:
    """Return a match with the rest of its line."""
    if hit is None or log.text[hit.end - 1 : hit.end] == b"\n":
        return hit
    end = log.text.find(b"\n", hit.end)
    return Hit(hit.start, end if end >= 0 else len(log.text))


def of_logs(
    user: Log,
    user_hit: Hit | None,
    platform: Log,
    platform_hit: Hit | None,
    masker: Masker,
    command: bool = True,
) -> tuple[Excerpt, ...]:
    """Return what a page shows of a task's logs, that with a match first; without one, the end.

    Of a failed ``command`` the platform's log says nothing unless something in it matched.
    """
    names = [_name("user log", user), _name("platform log", platform)]
    shown = []
    if platform_hit:
        shown.append(around(names[1], platform, platform_hit, masker, *_PLATFORM))
    elif not command:
        shown.append(tail(names[1], platform, masker, PLATFORM_LINES))
    if user_hit:
        shown.insert(0, around(names[0], user, user_hit, masker))
    else:
        shown.append(tail(names[0], user, masker))
    return tuple(each for each in shown if each.lines)


def _backward(text: bytes, end: int) -> Iterator[_Span]:
    """Yield begin and end of lines, from the one that ends at ``end`` to the first."""
    while end >= 0:
        begin = text.rfind(b"\n", 0, end) + 1
        yield begin, end
        end = begin - 1


def _forward(text: bytes, begin: int) -> Iterator[_Span]:
    while begin < len(text):
        end = text.find(b"\n", begin)
        end = len(text) if end < 0 else end
        yield begin, end
        begin = end + 1


def _news(log: Log, spans: Iterator[_Span]) -> Iterator[_Span]:
    """Leave out what the runtime noted about repeating a step: that is no news of a failure."""
    for begin, end in itertools.islice(spans, _SKIPPED):
        if log.text.find(excerpt.BY_HAND, begin, end) < 0:
            yield begin, end


def _numbers(log: Log, spans: Sequence[_Span]) -> list[int | None]:
    """Return the line numbers; None for lines of a rotated file, or of several files together."""
    if not spans:
        return []
    # counted once from the last one: to count from the file's beginning may take long
    last = log.line(spans[-1][0])
    if last is None:
        return [None] * len(spans)
    numbers = [last - log.text.count(b"\n", begin, spans[-1][0]) for begin, _end in spans]
    return [number if number > 0 else None for number in numbers]


def _plain(log: Log, span: _Span, number: int | None, masker: Masker) -> Line:
    """Return the beginning of what a terminal shows of a line."""
    begin, end = span
    while end > begin and log.text[end - 1 : end] == b"\r":
        end -= 1
    begin = log.text.rfind(b"\r", begin, end) + 1 or begin
    shown = _whole(log.text, min(end, begin + _WIDTH), begin)
    return Line(number, _text(log, begin, shown, masker).rstrip() + ("…" if shown < end else ""))


def _marked(log: Log, span: _Span, hit: Hit, number: int | None, masker: Masker) -> Line:
    """Return a line in three pieces: before the match, the match, and after it."""
    first, last = max(span[0], hit.start), min(span[1], hit.end)
    begin = log.text.rfind(b"\r", span[0], first) + 1 or span[0]
    end = log.text.find(b"\r", last, span[1])
    end = span[1] if end < 0 else end
    start = max(begin, first - _LEAD) if end - begin > _WIDTH else begin
    start = _whole(log.text, start, begin)
    stop = _whole(log.text, min(end, start + _WIDTH), first)
    return Line(
        number,
        ("…" if start > begin else "") + _text(log, start, first, masker),
        _text(log, first, min(last, stop), masker),
        _text(log, min(last, stop), stop, masker).rstrip() + ("…" if stop < end else ""),
        marked=True,
    )


def _name(what: str, log: Log) -> str:
    return f"{what}, {log.path}" if log.path else what


def _whole(text: bytes, position: int, first: int) -> int:
    """Return a position at or before this one that is not within a character."""
    while first < position < len(text) and text[position] & 0xC0 == 0x80:
        position -= 1
    return position


def _text(log: Log, begin: int, end: int, masker: Masker) -> str:
    return excerpt.printable(masker.part(log.text, begin, max(begin, end))).replace("\r", " ")


def _trimmed(lines: list[Line]) -> tuple[Line, ...]:
    while lines and not (lines[-1].text or lines[-1].marked):
        lines.pop()
    return tuple(lines)
