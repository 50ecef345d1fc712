# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result and the termination message when our own exit playbook could not make them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .outcome import Outcome, read_document, timestamp
from .settings import Settings

START, END = "[PAI_RUNTIME_ERROR_START]", "[PAI_RUNTIME_ERROR_END]"
MESSAGE_BYTES = 4096  # Kubernetes cuts there
TAIL_BYTES = 64 * 1024
TAIL_LINES = {"user": 15, "platform": 10}


def make_document(
    settings: Settings, outcome: Outcome, failed: str, mask: Callable[[str], str]
) -> dict[str, Any]:
    """Return an exit.json that keeps the user's exit code and says what failed in us."""
    job = read_document(settings.work_dir / "job.json") or {}
    current = job.get("current") or {}
    ran = outcome.stage != "start"
    happened = (
        f"The command ended with exit code {outcome.exit_code}"
        if ran
        else f"The start failed: {outcome.message}"
    )
    logs = {
        "user": _tail(settings.log_dir / "user-all" / "current", TAIL_LINES["user"]),
        "platform": _tail(settings.runtime_log, TAIL_LINES["platform"]),
    }
    return {
        "schemaVersion": 1,
        "job": job.get("name"),
        "taskRole": current.get("taskRole", settings.task_role),
        "taskIndex": current.get("taskIndex", settings.task_index and int(settings.task_index)),
        "exitCode": outcome.exit_code,
        "originalUserExitCode": outcome.exit_code if ran else None,
        "signal": outcome.signum,
        "stopped": outcome.stopped,
        "stage": outcome.stage,
        "plugin": outcome.plugin,
        "message": mask(failed),
        "phrase": "PAIRuntimeUnknownFailed" if outcome.exit_code else "Succeeded",
        "category": None,
        "type": "UNKNOWN_FAILURE" if outcome.exit_code else "USER_SUCCESS",
        "behavior": "UNKNOWN",
        "reaction": "RETRY_TO_MAX" if outcome.exit_code else "NEVER_RETRY",
        "fault": "unknown",
        "transient": None,
        "reason": mask(f"{happened}. The runtime could not analyse the end: {failed}"),
        "solution": [f"Look into {settings.runtime_log}, and into the user's logs beside it."],
        "matchedUserLogString": None,
        "matchedPlatformLogString": None,
        "matchedGpuInfo": None,
        "errorLogs": {name: mask(text) for name, text in logs.items()},
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
        while len(_render(document, texts)) > MESSAGE_BYTES and texts[name]:
            keep = len(texts[name]) * 3 // 4
            # The end of a log says why it ended; a sentence begins with what matters.
            is_log = name in ("platform", "user")
            texts[name] = texts[name][len(texts[name]) - keep :] if is_log else texts[name][:keep]
    return _render(document, texts)


def write_message(settings: Settings, message: bytes, say: Callable[[str], None]) -> None:
    """Write the message where the platform reads it, and a copy into the log directory."""

    def write(path: Path) -> None:
        try:
            path.write_bytes(message)
        except OSError as error:
            say(f"cannot write the termination message to {path}: {error.strerror}")

    write(settings.log_dir / "pai-termination-log")
    if settings.termination_log is not None:
        write(settings.termination_log)


def write_early_message(settings: Settings, failed: str) -> None:
    """Write a termination message although there is no log directory."""
    if settings.termination_log is None:
        return
    now = timestamp()
    outcome = Outcome(1, None, False, "start", None, failed, now, now, {})
    message = make_message(make_document(settings, outcome, failed, lambda text: text))
    with contextlib.suppress(OSError):  # the line on stderr says it, too
        settings.termination_log.write_bytes(message)


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
