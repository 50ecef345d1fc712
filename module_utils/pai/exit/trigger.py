# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one line what a verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..masking import Masker
from . import excerpt
from .facts.words import notable
from .reading.logs import Log
from .search.scan import Hit
from .shown import Facts, masked, shown_of
from .verdict import Match, Verdict

_TOLD, _FACT = 3, 500  # facts in the trigger, and characters of each
_LINE_SHOWN = 200  # characters of the matched line


def trigger(facts: Facts, verdict: Verdict, masker: Masker | None) -> str | None:
    """Say in one line what the verdict rests on; without a masker it quotes no log."""
    outcome = facts.outcome
    if outcome.succeeded:
        return None
    parts = [f"exit code {outcome.exit_code}"]
    if outcome.stopped:
        parts.append("told to stop")
    if outcome.stage != "command":
        parts.append(
            f"{outcome.stage} failed" + (f" in {outcome.plugin}" if outcome.plugin else "")
        )
    match = verdict.match
    if match:
        shown = shown_of(facts, match)
        parts += _place("user log", facts.user_log, shown.user, masker)
        parts += _place("platform log", facts.platform_log, shown.platform, masker)
        parts += ["double-bit ECC errors of a GPU"] if shown.gpu else []
        told = _told(facts.seen(), match)
        parts += [words[:_FACT] for line in told[:_TOLD] if (words := masked(line, masker))]
    return "; ".join(parts)


def _told(seen: Mapping[str, Any], match: Match) -> list[str]:
    """Return which facts the match rests on."""
    if match.pattern.facts is not None:
        return notable(seen)
    best = match.finding.best if match.finding else None
    elsewhere = best is not None and best.text and match.evidence.user_log == Log()
    error = seen.get("torchError") if elsewhere else None
    return [f"torch error file: {error['message']}"] if error else []


def _place(name: str, log: Log, hit: Hit | None, masker: Masker | None) -> list[str]:
    """Return where the matched line stands, and the line."""
    if hit is None:
        return []
    start = excerpt.first_line(log, hit)
    number = log.line(start)
    where = f"{name}, {log.rotated}" if log.rotated else name
    where += f", line {number}" if number else ""
    return [f"{where}: {excerpt.line_at(log, start, _LINE_SHOWN, masker)}" if masker else where]
