# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell an explanation to a person, who wants to have read it in five seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...supervisor.summary import BOLD, GREEN, RED, RESET, row, why
from ..excerpt import readable

_LINE_SHOWN = 300


def tell(document: Mapping[str, Any], colour: bool) -> str:
    """Return the lines to print for an explanation (explanation.py says what is in it)."""
    failed = document["category"] != "none"
    heading = f"{document['category']}: {document['phrase']}"
    if document["confidence"]:
        heading += f" ({round(document['confidence'] * 100)} % sure)"
    rows = why(document) if failed else []
    rows += [("found in", _shown(each)) for each in document["evidence"][:1]]
    rows += [("also", _shown(each)) for each in document["evidence"][1:]]
    rows += [("or maybe", f"{each['category']}: {_shown(each)}") for each in document["runners_up"]]
    shown = f"{BOLD}{RED if failed else GREEN}{heading}{RESET}" if colour else heading
    return f"{shown}\n" + "".join(row(*each, colour) for each in rows)


def _shown(line: Mapping[str, Any]) -> str:
    if not line["text"]:
        return "the exit code says so"
    place = f"{line['file'] or 'the log'}, line {line['line'] or '?'}"
    rank = f" (rank {line['rank']})" if line["rank"] is not None else ""
    return f"{place}{rank}: {readable(line['text'][:_LINE_SHOWN])}"
