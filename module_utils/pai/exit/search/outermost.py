# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take an expression apart where that needs no parser: at its outermost level."""

from __future__ import annotations

import re

#: What an expression consists of, as far as its outermost parts are concerned.
_PIECES = re.compile(
    r"\\x\{\w+\}|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\(\?[a-zA-Z]+\)"
    r"|(?:[*+?]|\{\d+(?:,\d*)?\})\??|[\s\S]"
)
_COUNT = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
#: Almost any text, of almost any length: an automaton must remember what stood before it.
_GAP = re.compile(r"(?<!\\)(?:\.|\[(?:\^[^\]]*)\]|\\[SDW])(?:[*+]|\{)")
_FLAGS = re.compile(r"\(\?[a-zA-Z]+\)")


def alternatives(pattern: str) -> list[str]:
    """Return the outermost alternatives, each with the flags that are set before it."""
    parts, flags, depth = [""], "", 0
    for piece in _PIECES.findall(pattern):
        if depth == 0 and piece == "|":
            parts.append(flags)
            continue
        if depth == 0 and _FLAGS.fullmatch(piece):
            flags += piece
        depth += {"(": 1, ")": -1}.get(piece, 0)
        parts[-1] += piece
    return parts


def runs(alternative: str) -> list[str]:
    """Return the parts between gaps, of any text, that a match of an alternative must have.

    Each with the flags that are set before it.
    """
    parts, flags, depth = [""], "(?m)", 0
    items: list[str] = []
    for piece in _PIECES.findall(alternative):
        if depth or (items and _COUNT.fullmatch(piece)):
            items[-1] += piece
        else:
            items.append(piece)
        depth += {"(": 1, ")": -1}.get(piece, 0)
    for item in items:
        if _FLAGS.fullmatch(item):
            flags += item
            parts[-1] += item if parts[-1] else ""
        elif _GAP.search(item):
            parts.append("")
        else:
            parts[-1] = (parts[-1] or flags) + item
    return [part for part in parts if part]
