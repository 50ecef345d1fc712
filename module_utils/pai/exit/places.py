# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in a log, in bytes, that stands which was found on a line of it."""

from __future__ import annotations

from .candidates import Candidate
from .scan import Hit


def hit_of(candidate: Candidate, text: bytes, place: int) -> Hit:
    """Return the matched bytes of the line that begins at ``place``.

    The whole line where colours stand within the match.
    """
    end = min(each for each in (text.find(b"\n", place), len(text)) if each >= 0)
    words = candidate.text[candidate.start : candidate.end].encode()
    start = text.find(words, place, end)
    return Hit(start, start + len(words)) if start >= 0 else Hit(place, end)
