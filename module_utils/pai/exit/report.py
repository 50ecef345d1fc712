# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a verdict into exit.json's form: the one record that people and programs read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ..masking import Masker
from ..message_format import PLATFORM_LINES, USER_LINES
from . import context, excerpt
from .outcome import Outcome
from .places import line_of, where
from .reading.logs import Log
from .search.scan import Hit
from .shown import Facts, Shown, masked, shown_of
from .standing import role_of
from .trigger import trigger
from .verdict import Verdict

SCHEMA_VERSION = 1
_MESSAGE = 500  # characters of PyTorch's message


def report(
    facts: Facts, verdict: Verdict, masker: Masker | None, problems: list[str]
) -> dict[str, object]:
    """Return the content of exit.json; without a masker no text of a log is in it."""
    current = facts.job.get("current")
    task = current if isinstance(current, dict) else {}
    outcome, words = facts.outcome, verdict.words
    return {
        "schemaVersion": SCHEMA_VERSION,
        "job": facts.job.get("name"),
        "taskRole": task.get("taskRole"),
        "taskIndex": task.get("taskIndex"),
        "exitCode": verdict.exit_code,
        "originalUserExitCode": outcome.user_exit_code,
        "signal": outcome.signal,
        "stopped": outcome.stopped,
        "stage": outcome.stage,
        "plugin": outcome.plugin,
        "message": masked(outcome.message, masker),
        "phrase": words.phrase,
        "category": words.category,
        "role": role_of(outcome, verdict),
        "type": words.type,
        "behavior": words.behavior,
        "reaction": words.reaction,
        "fault": words.fault,
        "transient": words.transient,
        "reason": _reason(facts.outcome, verdict, masker),
        "solution": list(words.solution),
        "trigger": trigger(facts, verdict, masker),
        **_from_logs(facts, verdict, masker, problems),
        **_ranked(verdict, masker),
        "firstFailure": None,
        "facts": _shortened(_masked_facts(facts.seen(), masker)) if masker else {},
        "phases": outcome.phases,
        "startedAt": outcome.started_at,
        "endedAt": outcome.ended_at,
    }


def _masked_facts(value: Any, masker: Masker) -> Any:
    """Return the facts with every text in them masked."""
    if isinstance(value, dict):
        return {key: _masked_facts(each, masker) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked_facts(each, masker) for each in value]
    return masked(value, masker) if isinstance(value, str) else value


def _shortened(facts: dict[str, Any]) -> dict[str, Any]:
    """Return masked facts without the rest of a very long message: a cut secret is not masked."""
    error = facts.get("torchError")
    if not isinstance(error, dict):
        return facts
    return {**facts, "torchError": {**error, "message": str(error["message"])[:_MESSAGE]}}


def _ranked(verdict: Verdict, masker: Masker | None) -> dict[str, object]:
    """Return how sure the catalogue's words are, and what else was thought of."""
    match = verdict.match
    finding = match.finding if match and match.entry is verdict.words else None
    if match is None or finding is None:
        return {"confidence": None, "evidence": [], "where": None, "runnersUp": []}
    line = functools.partial(line_of, logs=match.logs, masker=masker)
    return {
        "confidence": finding.confidence,
        "evidence": [line(each) for each in (finding.best, *finding.support) if each.text],
        "where": masked(where(finding.best), masker),
        "runnersUp": [
            {"phrase": each.entry.phrase, "category": each.entry.category, **line(each)}
            for each in finding.runners_up
        ],
    }


def with_known_phases(report: dict[str, object], known: Mapping[str, object]) -> dict[str, object]:
    """Return the report with the phases of the exit.json so far, if that is of the same run.

    pai-runtime adds there what only it can measure; who repeats the exit by hand must not lose it.
    """
    same = known.get("startedAt") == report["startedAt"] and known.get("startedAt")
    return {**report, "phases": known["phases"]} if same and known.get("phases") else report


def _reason(outcome: Outcome, verdict: Verdict, masker: Masker | None) -> str:
    """Return the entry's reason; what failed in the runtime or a plugin says what it was."""
    # of a stop the entry says all there is; a failure of ours or of a plugin has its own words
    own = verdict.match is None and not outcome.stopped
    told = masked(outcome.message, masker) if own else None
    return f"{verdict.words.reason} {told}" if told else verdict.words.reason


def _from_logs(
    facts: Facts, verdict: Verdict, masker: Masker | None, problems: list[str]
) -> dict[str, object]:
    shown = shown_of(facts, verdict.match) if verdict.match else Shown()
    user, platform = facts.user_log, facts.platform_log
    if masker is None:
        user, platform, shown, masker = Log(), Log(), Shown(gpu=shown.gpu), Masker([])
    own = [] if facts.outcome.succeeded else [masker.text(problem) for problem in problems]
    return {
        "matchedUserLogString": _matched(user, shown.user, masker),
        "matchedPlatformLogString": _matched(platform, shown.platform, masker),
        "matchedGpuInfo": shown.gpu,
        "errorLogs": {
            "user": _excerpt(user, shown.user, USER_LINES, masker, []),
            "platform": _excerpt(platform, shown.platform, PLATFORM_LINES, masker, own),
        },
    }


def excerpts(facts: Facts, verdict: Verdict, masker: Masker | None) -> tuple[context.Excerpt, ...]:
    """Return what a page shows of the logs; without a masker nothing."""
    if masker is None or facts.outcome.succeeded:
        return ()
    shown = shown_of(facts, verdict.match) if verdict.match else Shown()
    command = facts.outcome.stage == "command"
    return context.of_logs(
        facts.user_log, shown.user, facts.platform_log, shown.platform, masker, command
    )


def _matched(log: Log, hit: Hit | None, masker: Masker) -> str | None:
    return None if hit is None else excerpt.matched(log, hit, masker)


def _excerpt(log: Log, hit: Hit | None, count: int, masker: Masker, own: list[str]) -> str:
    """Return lines of the log; lines of our own about what we could not do stand first."""
    own = [excerpt.readable(line) for line in own[: count // 2]]
    rest = count - len(own)
    lines = excerpt.around(log, hit, rest, masker) if hit else excerpt.tail(log, rest, masker)
    return "\n".join([*own, *lines])
