# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where that stands which was found: its bytes in a log, and the line that a person looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..masking import Masker
from .candidates import Candidate
from .excerpt import readable
from .reading.logs import Log
from .search.scan import Hit

#: Bytes of a line that are told, and of them at most before what was found.
_SHOWN, _BEFORE = 500, 200


def hit_of(candidate: Candidate, text: bytes, place: int) -> Hit:
    """Return the matched bytes of the line that begins at ``place``.

    The whole line where colours stand within the match.
    """
    end = min(each for each in (text.find(b"\n", place), len(text)) if each >= 0)
    words = candidate.text[candidate.start : candidate.end].encode()
    start = text.find(words, place, end)
    return Hit(start, start + len(words)) if start >= 0 else Hit(place, end)


def line_of(candidate: Candidate, logs: Sequence[Log], masker: Masker | None) -> dict[str, Any]:
    """Return ``file``, ``line``, ``rank`` and ``text`` of what a candidate stands on.

    What rests on the exit code or on facts has no line. Without a masker nothing is quoted.
    """
    told = bool(candidate.text) and candidate.log < len(logs)
    log = logs[candidate.log] if told else Log()
    return {
        "file": str(log.file(candidate.place)) if log.path else None,
        "line": log.line(candidate.place) if told else None,
        "rank": None if candidate.rank is None else int(candidate.rank),
        "text": _shown(candidate, masker) if masker else "",
    }


def where(candidate: Candidate) -> str | None:
    """Return the innermost line of the user's own code where an exception says it."""
    frame = candidate.frame
    return readable(f"{frame.file}:{frame.line}") if frame else None


def _shown(candidate: Candidate, masker: Masker) -> str:
    """Return the line; the beginning of a long one gives way to what was found in it."""
    line = candidate.text.encode()
    found = len(candidate.text[: candidate.start].encode())
    start = max(0, min(found - _BEFORE, len(line) - _SHOWN))
    return readable(masker.part(line, start, start + _SHOWN).decode("utf-8", "replace")).strip()
