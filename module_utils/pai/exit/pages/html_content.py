# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page tells of a failure, whether it comes from exit.json or from an explanation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..context import Excerpt
from ..excerpt import readable
from ..job_view import first_failure
from . import html_facts

_TEXT, _STEP, _STEPS, _LINE = 2000, 600, 10, 300  # characters and steps that are told
_NAME, _ROWS, _SEEN = 80, 30, 8


@dataclasses.dataclass(frozen=True)
class Runner:
    """What else was thought of, and the line that made one think of it; without one no text."""

    category: str
    phrase: str
    place: str = ""
    number: int | None = None
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Content:
    """The texts of a page, without secrets; what is not known is empty.

    ``transient`` and ``confidence`` (0 to 1) are None where nobody knows; ``where`` is a line of
    the user's own code, ``seen`` what of the machine is out of order; ``phases`` are in seconds,
    ``notes`` and ``resources`` are names with values.
    """

    heading: str
    category: str
    phrase: str
    fault: str = "unknown"
    transient: bool | None = None
    confidence: float | None = None
    reason: str = ""
    message: str = ""
    where: str = ""
    seen: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    runners_up: tuple[Runner, ...] = ()
    phases: tuple[tuple[str, float], ...] = ()
    resources: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


def of_report(report: Mapping[str, Any], excerpts: tuple[Excerpt, ...]) -> Content:
    """Return the content for what exit.json holds."""
    content = _common(report, excerpts, "runnersUp")
    own = report.get("originalUserExitCode")
    task = (
        f", task {report['taskRole']}-{report.get('taskIndex')}" if report.get("taskRole") else ""
    )
    verdict = "was stopped" if report.get("stopped") else "failed"
    notes = {
        "exit code": report.get("exitCode"),
        "the command's own": own if own != report.get("exitCode") else None,
        "signal": report.get("signal"),
        "failed in": None if report.get("stage") == "command" else report.get("stage"),
        "plugin": report.get("plugin"),
        "rests on": report.get("trigger"),
        "started": report.get("startedAt"),
        "ended": report.get("endedAt"),
    }
    message = _cut(report.get("message"), _TEXT)
    return dataclasses.replace(
        content,
        reason=_cut(first_failure.reason(report, _LINE), _TEXT),
        heading=f"{_cut(report.get('job'), _LINE) or 'The command'}{_cut(task, _LINE)} {verdict}",
        message="" if message and message in content.reason else message,
        seen=tuple(_cut(line, _LINE) for line in html_facts.seen(report.get("facts"))[:_SEEN]),
        phases=_phases(report.get("phases")),
        resources=_resources(report.get("facts")),
        notes=_rows(notes),
    )


def of_explanation(document: Mapping[str, Any], excerpts: tuple[Excerpt, ...]) -> Content:
    """Return the content for what an explanation says (explanation.py tells its keys)."""
    verdict = "The command succeeded" if document["category"] == "none" else "The command failed"
    notes = {"exit code": document["exit_code"]}
    return dataclasses.replace(
        _common(document, excerpts, "runners_up"), heading=verdict, notes=_rows(notes)
    )


def _common(document: Mapping[str, Any], excerpts: tuple[Excerpt, ...], runners: str) -> Content:
    solution = document.get("solution") or []
    steps = [solution] if isinstance(solution, str) else solution
    transient, confidence = document.get("transient"), document.get("confidence")
    return Content(
        heading="",
        category=_cut(document.get("category"), _LINE) or "unknown",
        phrase=_cut(document.get("phrase"), _LINE),
        fault=_cut(document.get("fault"), _LINE) or "unknown",
        transient=transient if isinstance(transient, bool) else None,
        confidence=confidence if isinstance(confidence, float) and confidence else None,
        reason=_cut(document.get("reason"), _TEXT),
        where=_cut(document.get("where"), _LINE),
        steps=tuple(_cut(step, _STEP) for step in steps[:_STEPS]),
        excerpts=excerpts,
        runners_up=tuple(_runner(each) for each in document.get(runners) or ()),
    )


def _runner(row: Mapping[str, Any]) -> Runner:
    line = row.get("line")
    return Runner(
        _cut(row.get("category"), _LINE) or "unknown",
        _cut(row.get("phrase"), _LINE),
        _cut(row.get("file"), _LINE),
        line if isinstance(line, int) else None,
        _cut(row.get("text"), _LINE),
    )


def _phases(phases: object) -> tuple[tuple[str, float], ...]:
    """Return the phases in the order in which they were; parts stand after their phase."""
    if not isinstance(phases, dict):
        return ()
    known = [(_cut(name, _NAME), took) for name, took in phases.items() if _seconds(took)]
    return tuple((name, float(took)) for name, took in known)[:_ROWS]


def _seconds(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= float(str(value)) < float("inf")


def _rows(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    rows = [(name, _cut(value, _LINE)) for name, value in values.items() if value is not None]
    return tuple((name, text) for name, text in rows if text)


def _resources(facts: object) -> tuple[tuple[str, str], ...]:
    rows = html_facts.rows(facts)[:_ROWS]
    return tuple((_cut(name, _NAME), _cut(text, _LINE)) for name, text in rows)


def _cut(value: object, size: int) -> str:
    """Return a text that is not too long; its beginning tells most."""
    text = "" if value is None else readable(str(value)).strip()
    return text if len(text) <= size else text[: size - 1] + "…"
