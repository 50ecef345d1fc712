# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task of a job failed first, as far as one of them can tell from the others' exit records.

A process sees of another one's end a lost connection, a time limit or a signal. So a task with
such a verdict names the task whose record tells a cause.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...job.model import Job
from ...masking import Masker
from .exit_record import EVIDENCE, ExitRecord, decode, text_of


def asks(report: Mapping[str, Any], job: Job) -> bool:
    """Tell whether another task's end may explain this one, and there is another task."""
    others = [task for _role, task in job.tasks() if task is not job.task]
    if not report["exitCode"] or not others:
        return False
    if report["role"] != "root":
        return True
    shown = f"{report['matchedUserLogString']} {report['matchedPlatformLogString']}"
    network = report["category"] == "network"
    return network and any(task.host in shown for task in others if task.host)


def choose(own: ExitRecord, others: Iterable[ExitRecord]) -> ExitRecord | None:
    """Return the record of the task that failed first, None where that is this one or unknown.

    A task that knows its cause comes before those that do not; of such the earliest, by the clocks
    of their machines, which may differ.
    """
    failures = [record for record in (own, *others) if record.failed]
    first = min(failures, key=_order, default=own)
    return None if first.alias == own.alias else first


def _order(record: ExitRecord) -> tuple[bool, str, str]:
    return record.role != "root", record.failed_at or "9", record.alias


def describe(record: ExitRecord, masker: Masker) -> dict[str, object]:
    """Return what exit.json says under ``firstFailure``, less secrets that are known here only."""
    return {
        "task": record.alias,
        "taskRole": record.task_role,
        "taskIndex": record.task_index,
        "exitCode": record.exit_code,
        "phrase": text_of(masker.text(record.phrase)),
        "category": text_of(masker.text(record.category)),
        "fault": record.fault,
        "transient": record.transient,
        "role": record.role,
        "evidence": text_of(masker.text(record.evidence), EVIDENCE),  # stars may be longer
        "failedAt": record.failed_at or None,
    }


def known(first: object) -> ExitRecord | None:
    """Return the record that an earlier exit.json tells of; None where it does not do so fully."""
    if not isinstance(first, dict):
        return None
    row = {"alias": first.get("task"), **first, "ready": True, "attempt": ""}
    return next(decode(json.dumps(row)), None)


def with_first(report: Mapping[str, Any], first: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return exit.json's content with the first failure; its cause says who must act.

    Category, phrase, reaction and exit code stay what this task saw.
    """
    if not first:
        return dict(report)
    known = {"fault": first["fault"], "transient": first["transient"]}
    followed = known if first["role"] == "root" else {}
    return {**report, **followed, "firstFailure": dict(first)}
