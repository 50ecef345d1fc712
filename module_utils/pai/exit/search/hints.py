# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out once what lets a log be searched without compiling the whole catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Entry, Hints
from .pattern_filter import PatternFilter
from .triggers import letters, required

#: What stands for no words: every text has it.
_ANY = frozenset(("",))


def hints_of(entries: Sequence[Entry]) -> Hints | None:
    """Return the hints for these entries; None where a pattern is broken."""
    words: dict[str, tuple[str, ...]] = {}
    looked_for: set[str] = set()
    for entry in entries:
        for pattern in entry.patterns:
            logs = [regex for regex in (pattern.user_log, pattern.platform_log) if regex]
            raised = [pattern.exception] if pattern.exception else []
            for regex in (*logs, *raised):
                found = required(regex)
                if PatternFilter().add(regex, f"(?m:{regex})"):
                    return None
                words[regex] = tuple(sorted(found or _ANY))
                if regex in logs and entry.role != "noise":
                    looked_for.update(found or ())
    return Hints(words, letters(looked_for))
