# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines with words of failure that tell none, by their form."""

from __future__ import annotations

import re

#: A command that a shell tells before it runs it (set -x): nothing has happened yet.
_ECHO = re.compile(r"^\++ (?!exit)\S")
#: What a program leaves out, and why.
_SKIPS = re.compile(r"(?i)^(?:\[[^\]]*\](?: - | )?|[^\s\[]\S* - )*skip(?:ping|ped)? (?:\S+ )?\S+: ")
#: What the program says that it does not mind.
_IGNORED = re.compile(
    r"(?i)\b(?:ignoring|ignored)\b[^:]{0,40}$|\bhave been ignored\b|"
    r"\bcontinuing (?:because|anyway|without)\b"
)
#: A class and its figures in a report on predictions.
_ROW = re.compile(r"^[\w.-]+(?: {1,4}[\w.-]+){0,8}?(?:\s+\d?\.\d+){3}\s+\d+$")
#: A class that a model gives to a line which it quotes.
_PREDICTION = re.compile(r"(?i)\bpred(?:icted|iction)?\s?[=:]")
#: Characters of a line that tell its form.
_LOOKED_AT = 400


def is_harmless(line: str) -> bool:
    """Whether the line tells no failure, whatever words are in it."""
    begin, end = line[:_LOOKED_AT], line[-_LOOKED_AT:]
    known = any(form.search(begin) for form in (_ECHO, _SKIPS, _PREDICTION))
    return known or bool(_IGNORED.search(end)) or bool(_ROW.match(begin.strip()))
