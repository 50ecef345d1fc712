# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the termination message: YAML between two tags, in at most 4,096 bytes.

Kubernetes cuts a longer message, and PAI reads what stands between the first two tags. So
neither tag may occur inside, and what is too much is left out here, the least useful first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from ..message_format import END, LIMIT, START
from .excerpt import readable
from .job_view.first_failure import reason

_PLATFORM, _USER = "errorLogs.platform", "errorLogs.user"

#: Bytes that the fields which are not from a log may take.
_BOUNDS = {
    "phrase": 100,
    "category": 60,
    "reason": 500,
    "solution": 700,
    "trigger": 300,
    "caughtException": 500,
}
#: Characters of a reason that another task's failure may take, since that stands first.
_FIRST = 330
#: What gives way, in this order; the matched text of the user's log stays longest.
_CUT_ORDER = (
    _PLATFORM,
    _USER,
    "caughtException",
    "trigger",
    "solution",
    "reason",
    "matchedPlatformLogString",
    "matchedGpuInfo",
    "matchedUserLogString",
)
#: A text that YAML reads as itself without quotes: words, and no word with a meaning.
_PLAIN = re.compile(r"[A-Za-z][\w./()-]*(?:,? [\w./()'-]+)*[.]?", re.ASCII)
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))

Fields = dict[str, "int | str"]


def render(report: Mapping[str, object]) -> bytes:
    """Return the message for the content of exit.json."""
    fields = _fields(report)
    for key in _CUT_ORDER:
        while key in fields and (excess := len(_message(fields)) - LIMIT) > 0:
            shorten = _fewer_lines(report, key) if key in (_PLATFORM, _USER) else _shorter
            fields[key] = shorten(str(fields[key]), excess)
            if not fields[key]:
                del fields[key]
    return _message(fields)


def _fields(report: Mapping[str, object]) -> Fields:
    logs = report.get("errorLogs")
    user, platform = (
        (logs.get("user"), logs.get("platform")) if isinstance(logs, dict) else (None, None)
    )
    solution = report.get("solution")
    code = report.get("originalUserExitCode")
    values = {
        "exitCode": report.get("exitCode"),
        "phrase": report.get("phrase"),
        "category": report.get("category"),
        "reason": reason(report, _FIRST),
        "solution": "\n".join(map(str, solution)) if isinstance(solution, list) else None,
        "trigger": report.get("trigger"),
        "originUserExitCode": code,
        "originalUserExitCode": code,
        "matchedUserLogString": report.get("matchedUserLogString"),
        "matchedPlatformLogString": report.get("matchedPlatformLogString"),
        "matchedGpuInfo": report.get("matchedGpuInfo"),
        "caughtException": report.get("message"),
        _USER: user,
        _PLATFORM: platform,
    }
    fields: Fields = {}
    for key, value in values.items():
        if isinstance(value, int):
            fields[key] = value
        elif value:
            text = _untagged(readable(str(value)))
            fields[key] = _start(text, _BOUNDS[key]) if key in _BOUNDS else text
    return fields


def _untagged(text: str) -> str:
    for tag in (START, END):
        text = text.replace(tag, f"({tag[1:-1]})")
    return text


def _message(fields: Fields) -> bytes:
    lines = [START]
    for key, value in fields.items():
        if not key.startswith("errorLogs."):
            lines.append(f"{key}: {_value(value, '  ')}")
    logs = [key for key in (_USER, _PLATFORM) if key in fields]
    lines += ["errorLogs:"] if logs else []
    lines += [f"  {key.partition('.')[2]}: {_value(fields[key], '    ')}" for key in logs]
    return "\n".join([*lines, END, ""]).encode()


def _value(value: int | str, indent: str) -> str:
    """Return a value as a person reads it best: plain, quoted, or as a block of lines."""
    if isinstance(value, int):
        return str(value)
    text = value.strip("\n")
    if "\n" in text:
        # The number says how far a block is indented; without it its first line would.
        header = "|2-" if text[0] in " \t" else "|-"
        lines = [indent + line.rstrip() if line.strip() else "" for line in text.split("\n")]
        return "\n".join([header, *lines])
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _start(text: str, size: int) -> str:
    """Return the beginning of a text, at most ``size`` bytes."""
    return text.encode()[: max(0, size)].decode("utf-8", "ignore")


def _shorter(text: str, excess: int) -> str:
    return _start(text, len(text.encode()) - excess)


def _fewer_lines(report: Mapping[str, object], key: str) -> Callable[[str, int], str]:
    """Return how to shorten a log: what follows the match first, then what stands before it."""
    name = "matchedPlatformLogString" if key == _PLATFORM else "matchedUserLogString"
    matched = _untagged(readable(str(report.get(name) or ""))).partition("\n")[0]

    def shorten(text: str, excess: int) -> str:
        lines = text.split("\n")
        # Of a log without a match the end tells most.
        focus = next((i for i, line in enumerate(lines) if matched and matched in line), None)
        first, last = 0, len(lines)
        while excess > 0 and last - first > 1:
            if focus is not None and last - 1 > focus:
                last -= 1
                excess -= len(lines[last].encode()) + 1
            else:
                excess -= len(lines[first].encode()) + 1
                first += 1
        text = "\n".join(lines[first:last])
        return text if excess <= 0 else _shorter(text, excess)

    return shorten
