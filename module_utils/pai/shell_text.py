# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables as shell text: ``bash`` and ``dash`` read any value as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import RuntimeConfigError

_HEADER = """\
# Environment of this task, written by OpenPAI Runtime. To have it in a shell:  . {name}
"""
_FULL_HEADER = """\
# All variables of this job, written by OpenPAI Runtime. More than a process can be given: those
# without 'export' are variables of the shell that reads this file and of nothing that it starts.
"""
#: Not ``~``: at the start, and after ``:`` and ``=``, shells replace it.
_SAFE = re.compile(r"[a-zA-Z0-9_@%+=:,./-]+")


def quote(value: str) -> str:
    """Return ``value`` as one shell word."""
    return value if _SAFE.fullmatch(value) else _in_quotes(value)


def _in_quotes(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def export_lines(variables: Mapping[str, str], name: str) -> bytes:
    """Return a script that exports ``variables``; ``name`` is the file's, for its first line."""
    return (_HEADER.format(name=name) + _lines("export ", variables)).encode(
        "utf-8", "surrogateescape"
    )


def full_lines(exported: Mapping[str, str], left_out: Mapping[str, str]) -> bytes:
    """Return a script that exports what fits and only sets the rest."""
    text = _FULL_HEADER + _lines("export ", exported) + _lines("", left_out)
    return text.encode("utf-8", "surrogateescape")


def _lines(prefix: str, variables: Mapping[str, str]) -> str:
    return "".join(f"{prefix}{name}={quote(value)}\n" for name, value in variables.items())


def refuse_unusable(variables: Mapping[str, str]) -> None:
    """Refuse what no process can be given.

    Raises:
        RuntimeConfigError: a value with a zero byte, or with half of a character.
    """
    for name, value in variables.items():
        if "\0" in value:
            raise RuntimeConfigError(
                f"environment variable {name}: its value holds a zero byte, which ends a value; "
                "remove it"
            )
        try:
            if not value.isascii():
                value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise RuntimeConfigError(
                f"environment variable {name}: its value holds half of a character "
                f"(U+{ord(value[error.start]):04X}); write the whole character"
            ) from error
