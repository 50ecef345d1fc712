# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of our playbooks in a container: one line per step, a report for pai-runtime."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: stdout
short_description: One line per step, and a report of phases and failure
version_added: 0.1.0
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Prints one line per task that did something, failed or took its time, for the runtime's log.
  - Writes the seconds that each role took, and the failure that ended the play, as JSON into the
    file that E(PAI_RUNTIME_REPORT) names, for pai-runtime.
  - Prints nothing but names, times, messages and what modules say they did, at any verbosity. So
    no argument and no result of a task can reach the log.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker
from ansible_collections.openpai.runtime.plugins.module_utils.pai.replacing import replace

_SLOW = 0.5  # seconds


class CallbackModule(CallbackBase):
    """Prints steps as they end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "openpai.runtime.phases"

    def __init__(self) -> None:
        super().__init__()
        self._phases: dict[str, float] = {}
        self._failure: dict[str, Any] | None = None
        self._started = time.monotonic()
        path = os.environ.get("PAI_RUNTIME_REPORT")
        self._report = Path(path) if path else None  # in the work directory, beside secrets.json

    def v2_playbook_on_task_start(self, *_arguments: Any, **_options: Any) -> None:
        """Remember when the task began."""
        self._started = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print what the task did, or that it took its time."""
        seconds = self._account(result)
        data = _data(result)
        self._warnings(data)
        actions = [str(action) for action in data.get("actions") or []]
        if actions or seconds >= _SLOW:
            what = ", ".join(actions) or _task(result).name
            self._display.display(f"{_phase(_task(result))}: {what} ({seconds:.2f} s)")

    def v2_runner_on_failed(self, result: Any, **_options: Any) -> None:
        """Print the failure, and keep it as the possible reason for the play's end."""
        self._account(result)
        data = _data(result)
        self._warnings(data)
        task = _task(result)
        phase = _phase(task)
        role = phase.removeprefix("plugin ")
        message = self._masked(str(data.get("msg") or "the task failed"))
        self._failure = {
            "task": task.name,
            "role": role,
            "plugin": role if phase != role else None,
            "message": message,
            "exit_code": data.get("exit_code"),
            "refused": bool(data.get("refused")),
        }
        self._display.display(f"{phase}: FAILED: {message}")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Do the same as for any other failure."""
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report."""
        failed = any(stats.failures.values()) or any(stats.dark.values())
        if self._report:
            report = {"phases": self._phases, "failure": self._failure if failed else None}
            replace(self._report, json.dumps(report).encode(), 0o600)

    def _account(self, result: Any) -> float:
        seconds = time.monotonic() - self._started
        phase = _phase(_task(result))
        self._phases[phase] = round(self._phases.get(phase, 0) + seconds, 3)
        return seconds

    def _warnings(self, data: dict[str, Any]) -> None:
        for warning in data.get("warnings") or []:
            self._display.display(self._masked(f"warning: {_text(warning)}"))

    def _masked(self, text: str) -> str:
        """Return ``text`` without the job's secrets: a message of anybody's may quote one."""
        if self._report is None:
            return text
        try:
            return Masker.from_file(self._report.with_name("secrets.json")).text(text)
        except RuntimeConfigError:
            return "a message that is not shown, since secrets.json is damaged"


def _task(result: Any) -> Any:
    return getattr(result, "task", None) or result._task  # before ansible-core 2.19


def _data(result: Any) -> dict[str, Any]:
    data: dict[str, Any] = getattr(result, "result", None) or result._result
    return data


def _phase(task: Any) -> str:
    """Return the task's role, ``plugin NAME`` for a plugin's; ``playbook`` without a role."""
    role = getattr(task, "_role", None)
    if role is None:
        return "playbook"
    directory = Path(role._role_path)
    tasks = directory / "tasks"
    plugin = (tasks / "start.yml").exists() or (tasks / "exit.yml").exists()
    return f"plugin {directory.name}" if plugin else directory.name


def _text(warning: Any) -> str:
    """Return a warning's message: newer ansible-core hands over an object with the text inside."""
    if isinstance(warning, str):
        return warning
    event = getattr(warning, "event", None)
    return str(getattr(event, "msg", None) or getattr(warning, "msg", None) or warning)
