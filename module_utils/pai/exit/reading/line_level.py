# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a line tells an error, a warning, or just informs."""

from __future__ import annotations

import re

_WARNS = re.compile(
    r"\bWARN(?:ING)?\b|\b\w*Warning:|(?:^|[\s\[])W\d{3,4} |^\s*W |[\d:.]+: W |\[W\d* |"
    r"(?i:\bdeprecated\b|^warning\b|\bretry(?:ing)?\b|"
    r"\bskipp(?:ed|ing)\b|\bwill (?:be )?(?:retr|try|skip|ignor))"
)
_NCCL_WARN = re.compile(r"\bNCCL WARN\b")
_INFORMS = re.compile(r"\b(?:INFO|DEBUG|TRACE)\b|(?:^|[\s\[])I\d{4} |^\s*I |[\d:.]+: I |\[I\d* ")
_ERRS = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL)\b|(?:^|[\s\[])[EF]\d{3,4} |[\d:.]+: [EF] |\[[EF]\d* "
)


def level(line: str) -> int:
    """Return 1 for a line that tells an error, -1 for a warning, -2 for information, else 0."""
    line = line[:300]
    if _NCCL_WARN.search(line):
        return 0
    if _ERRS.search(line):
        return 1
    if _WARNS.search(line):
        return -1
    return -2 if _INFORMS.search(line) else 0
