# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut from a log what a person needs to see: the match, and some lines around it, readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..masking import Masker
from ..message_format import LIMIT
from .reading.logs import Log
from .search.scan import Hit

#: Bytes of a matched text that are kept.
MATCHED = 2048
_BEFORE = 2  # lines before a match
_AROUND = LIMIT  # bytes on either side that are looked at: as much as a whole message holds
#: Lines of runtime.log for who repeats a step: long, and no news about a failure.
BY_HAND = b"[openpai-runtime] by hand: "
_WIDTH = 500  # characters of a line that are kept on either side

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-_])")
#: What YAML cannot hold as it is, or would take for the end of a line.
_UNPRINTABLE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def matched(log: Log, hit: Hit, masker: Masker) -> str:
    """Return the matched text, masked and cut to 2,048 bytes."""
    return _matched(log, hit, masker).strip("\n")


def around(log: Log, hit: Hit, count: int, masker: Masker) -> list[str]:
    """Return up to ``count`` lines: two before the match, the match, and what follows.

    Where little follows, more lines before it fill the count.
    """
    end = min(hit.end, hit.start + MATCHED)
    before = printable(masker.part(log.text, max(0, hit.start - _AROUND), hit.start))
    after = printable(masker.part(log.text, end, end + _AROUND))
    *above, start = before.split("\n")
    head = _on_screen(_news(above))
    follow, *rest = after.split("\n")
    middle = (
        _on_screen([start])[0][-_WIDTH:]
        + _matched(log, hit, masker)
        + follow.partition("\r")[0][:_WIDTH]
    )
    follows = _on_screen(line.rstrip("\r") for line in _news(rest))
    lines = _trim([*head, *middle.split("\n"), *follows])
    first = max(0, min(len(head) - _BEFORE, len(lines) - count))
    return lines[first : first + count]


def tail(log: Log, count: int, masker: Masker) -> list[str]:
    """Return the last ``count`` lines that are not empty at the end."""
    end = len(log.text.rstrip())
    text = printable(masker.part(log.text, max(0, end - 2 * _AROUND), end))
    return _trim(_on_screen(line.rstrip("\r") for line in _news(text.split("\n")))[-count:])


def first_line(log: Log, hit: Hit) -> int:
    """Return where the match begins; of one that begins with the end of a line, after that."""
    text = log.text[hit.start : min(hit.end, hit.start + MATCHED)]
    return hit.start + len(text) - len(text.lstrip(b"\r\n"))


def line_at(log: Log, position: int, width: int, masker: Masker) -> str:
    """Return the line at a position as a terminal shows it, masked.

    Of a line that is longer than ``width`` characters the beginning gives way to the position.
    """
    start = max(log.text.rfind(b"\n", 0, position) + 1, position - _AROUND)
    end = log.text.find(b"\n", position)
    end = min(len(log.text) if end < 0 else end, position + _AROUND)
    before = printable(masker.part(log.text, start, position)).rpartition("\r")[2].lstrip()
    after = printable(masker.part(log.text, position, end)).partition("\r")[0].rstrip()
    excess = max(0, len(before) + len(after) - width)
    return (before[excess:] + after)[:width]


def readable(text: str) -> str:
    """Return any text as lines that YAML can hold, without colours and control characters."""
    return "\n".join(_trim(printable(text.encode("utf-8", "replace")).split("\n")))


def _matched(log: Log, hit: Hit, masker: Masker) -> str:
    text = masker.part(log.text, hit.start, min(hit.end, hit.start + MATCHED))
    return printable(text).replace("\r", "\n")


def printable(text: bytes) -> str:
    """Return the text without colours and control characters; carriage returns stay."""
    plain = _ESCAPES.sub("", text.decode("utf-8", "replace").replace("\r\n", "\n"))
    kept = plain.split("\r")
    return "\r".join(_UNPRINTABLE.sub("\ufffd", piece) for piece in kept)


def _on_screen(lines: Iterable[str]) -> list[str]:
    """Return what a terminal shows of lines that a progress bar overwrites, each cut to a width."""
    return [line.rpartition("\r")[2][: 2 * _WIDTH] for line in lines]


def _news(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if BY_HAND.decode() not in line)


def _trim(lines: list[str]) -> list[str]:
    cut = [line.replace("\r", " ").rstrip() for line in lines]
    while cut and not cut[-1]:
        cut.pop()
    return cut
