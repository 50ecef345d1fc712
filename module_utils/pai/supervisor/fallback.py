# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result and the termination message when our own exit playbook could not make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..message_format import END, LIMIT, PLATFORM_LINES, START, USER_LINES
from ..replacing import write_in_place
from .documents import read_document
from .outcome import Outcome, timestamp
from .settings import Settings

TAIL_BYTES = 64 * 1024


def make_document(
    settings: Settings, outcome: Outcome, failed: str, mask: Callable[[str], str]
) -> dict[str, Any]:
    """Return an exit.json that keeps the user's exit code and says what failed in us."""
    job = read_document(settings.work_dir / "job.json") or {}
    found = job.get("current")
    current = found if isinstance(found, dict) else {}
    user = _tail(settings.log_dir / "user-all" / "current", USER_LINES)
    platform = _tail(settings.runtime_log, PLATFORM_LINES)
    return {
        **_bare_document(outcome, mask(failed), mask(_reason(outcome, failed))),
        "job": job.get("name"),
        "taskRole": current.get("taskRole", settings.task_role),
        "taskIndex": current.get("taskIndex", settings.task_index and int(settings.task_index)),
        "solution": [f"Look into {settings.runtime_log}, and into the user's logs beside it."],
        "errorLogs": {"user": mask(user), "platform": mask(platform)},
    }


def _reason(outcome: Outcome, failed: str) -> str:
    happened = (
        f"The start failed: {outcome.message}"
        if outcome.stage == "start"
        else "The command succeeded"
        if outcome.stage == "exit"
        else f"The command ended with exit code {outcome.exit_code}"
    )
    return f"{happened}. The runtime could not analyse the end: {failed}"


def _bare_document(outcome: Outcome, failed: str, reason: str) -> dict[str, Any]:
    """Return what is known without any file: all keys of exit.json, in its order."""
    code = outcome.exit_code
    return {
        "schemaVersion": 1,
        "job": None,
        "taskRole": None,
        "taskIndex": None,
        "exitCode": code,
        "originalUserExitCode": {"start": None, "exit": 0}.get(outcome.stage, code),
        "signal": outcome.signum,
        "stopped": outcome.stopped,
        "stage": outcome.stage,
        "plugin": outcome.plugin,
        "message": failed,
        "phrase": "PAIRuntimeUnknownFailed" if code else "Succeeded",
        "category": None,
        "role": "unknown",
        "type": "UNKNOWN_FAILURE" if code else "USER_SUCCESS",
        "behavior": "UNKNOWN",
        "reaction": "RETRY_TO_MAX" if code else "NEVER_RETRY",
        "fault": "unknown",
        "transient": None,
        "reason": reason,
        "solution": [],
        "trigger": None,
        "matchedUserLogString": None,
        "matchedPlatformLogString": None,
        "matchedGpuInfo": None,
        "errorLogs": {"user": "", "platform": ""},
        "confidence": None,
        "evidence": [],
        "where": None,
        "runnersUp": [],
        "firstFailure": None,
        "facts": {},
        "phases": outcome.phases,
        "startedAt": outcome.started_at,
        "endedAt": outcome.ended_at,
    }


def make_message(document: dict[str, Any]) -> bytes:
    """Return the termination message (YAML between two tags, at most 4,096 bytes).

    The logs are cut first, the platform's before the user's; then the sentences.
    """
    texts = {
        "caughtException": document["message"],
        "reason": document["reason"],
        "solution": " ".join(document["solution"]),
        "user": document["errorLogs"]["user"],
        "platform": document["errorLogs"]["platform"],
    }
    texts = {name: _plain(text) for name, text in texts.items()}
    for name in ("platform", "user", "caughtException", "reason", "solution"):
        while len(_render(document, texts)) > LIMIT and texts[name]:
            keep = len(texts[name]) * 3 // 4
            # The end of a log says why it ended; a sentence begins with what matters.
            is_log = name in ("platform", "user")
            texts[name] = texts[name][len(texts[name]) - keep :] if is_log else texts[name][:keep]
    return _render(document, texts)


def write_message(settings: Settings, message: bytes, say: Callable[[str], None]) -> None:
    """Write the message where the platform reads it, and a copy into the log directory."""
    for path in (settings.log_dir / "pai-termination-log", settings.termination_log):
        problem = None if path is None else write_in_place(path, message)
        if problem is not None:
            say(problem)


def write_early_message(path: Path | None, failed: str) -> None:
    """Write a termination message although there are no directories, or not even all settings.

    What stands in the directories is of an earlier attempt: nothing of it may be told as ours.
    """
    if path is None:
        return
    now = timestamp()
    outcome = Outcome(1, None, False, "start", None, failed, now, now, {})
    document = _bare_document(outcome, failed, f"The runtime could not start: {failed}")
    document["solution"] = ["Correct what is named there, then submit the job again."]
    write_in_place(path, make_message(document))  # the line on stderr says it, too


def _render(document: dict[str, Any], texts: dict[str, str]) -> bytes:
    # A JSON string without control characters is a YAML string, too.
    quoted = {name: json.dumps(text, ensure_ascii=False) for name, text in texts.items()}
    original = json.dumps(document["originalUserExitCode"])
    lines = [
        START,
        f"exitCode: {document['exitCode']}",
        f"originUserExitCode: {original}",
        f"originalUserExitCode: {original}",
        f"phrase: {document['phrase']}",
        f"caughtException: {quoted['caughtException']}",
        f"reason: {quoted['reason']}",
        f"solution: {quoted['solution']}",
        "errorLogs:",
        f"  user: {quoted['user']}",
        f"  platform: {quoted['platform']}",
        END,
    ]
    return ("\n".join(lines) + "\n").encode()


def _plain(text: str) -> str:
    """Return the text without what YAML refuses, and without the tags that frame the message."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)
    return shown.replace("[PAI_RUNTIME_ERROR_", "(PAI_RUNTIME_ERROR_")


def _tail(path: Path, lines: int) -> str:
    found: bytes | None = None
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            found = file.read()
    except OSError:
        return ""
    return "\n".join(found.decode(errors="replace").splitlines()[-lines:])
