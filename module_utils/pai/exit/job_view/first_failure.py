# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for people about the task of a job that failed first, from exit.json.

Standard library only: the supervisor imports this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_of_several(job: Mapping[str, Any]) -> bool:
    """Tell whether a task is not alone, from what job.json holds."""
    roles = job.get("taskRoles")
    if not isinstance(roles, list):
        return False
    tasks = [role.get("tasks") for role in roles if isinstance(role, dict)]
    return sum(len(each) for each in tasks if isinstance(each, list)) > 1


def told(report: Mapping[str, Any]) -> str:
    """Return the first failure in one sentence; empty where none is known.

    >>> told({"firstFailure": {"task": "w-1", "exitCode": 1, "phrase": "NoFile", "role": "root"}})
    'w-1 failed first, with exit code 1 (NoFile)'
    """
    first = report.get("firstFailure")
    if not isinstance(first, dict):
        return ""
    phrase = f" ({first['phrase']})" if first.get("phrase") else ""
    line = f": {first['evidence']}" if first.get("evidence") else ""
    clocks = "" if first.get("role") == "root" else " by the tasks' clocks"
    code = first.get("exitCode")
    return f"{first.get('task')} failed first{clocks}, with exit code {code}{phrase}{line}"


def reason(report: Mapping[str, Any], most: int) -> str:
    """Return why the task failed: what failed first, in ``most`` characters, and what it saw."""
    own, first = str(report.get("reason") or ""), told(report)
    if not first:
        return own
    cut = first if len(first) <= most else first[: most - 1] + "…"
    return f"{cut}{'' if cut[-1] in '.…' else '.'} This task saw: {own}"
