# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit record: how a task of a job ended, in the few words that the other tasks need of it.

One line of JSON, which tasks push to each other over ssh or leave in a directory that all see.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..excerpt import readable
from ..facts.gather import seconds
from ..model import integer

#: Bytes of a record, the end of its line not counted.
LIMIT = 4096
#: Characters of the line that shows what happened, and of every other text.
EVIDENCE, _WORD = 200, 100
#: What a task knows of its own end: its cause, that another one failed, or neither.
ROLES = ("root", "cascade", "unknown")
_FAULTS = ("user", "platform", "unknown")
#: What gives way where a record is too long.
_CUT_ORDER = ("evidence", "phrase", "category", "job", "task_role", "attempt", "alias")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
#: Seconds after its end within which a task writes down that it has ended.
_WRITING = 5.0


@dataclasses.dataclass(frozen=True)
class ExitRecord:
    """A task has ended; ``ready`` whether it had passed its ssh barrier.

    ``attempt`` is the UID of the job's attempt on a cluster, empty elsewhere. ``role`` is one of
    ROLES, ``evidence`` a masked line; ``failed_at`` (UTC, with milliseconds) may be empty.
    """

    alias: str
    exit_code: int
    ready: bool
    attempt: str = ""
    job: str = ""
    task_role: str = ""
    task_index: int = 0
    phrase: str = ""
    category: str = ""
    fault: str = "unknown"
    transient: bool | None = None
    role: str = "unknown"
    evidence: str = ""
    stopped: bool = False
    failed_at: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether whoever waits for it in the ssh barrier waits in vain."""
        return not self.ready and self.exit_code != 0

    @property
    def failed(self) -> bool:
        """Whether it may have been what made others fail: it was not told to end."""
        return self.exit_code != 0 and not self.stopped

    def encode(self) -> str:
        """Return the record as one line of ASCII, of at most 4,096 bytes."""
        record = self
        for name in _CUT_ORDER:
            while len(_line(record)) > LIMIT and (text := getattr(record, name)):
                record = dataclasses.replace(record, **{name: text[: len(text) // 2]})
        return _line(record)

    def __str__(self) -> str:
        """Return what has happened, in words."""
        return f"{self.alias} has ended (exit code {self.exit_code})"


def _line(record: ExitRecord) -> str:
    return json.dumps({_key(name): each for name, each in dataclasses.asdict(record).items()})


def _key(name: str) -> str:
    """Return a field's name in JSON: ``exit_code`` is ``exitCode``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def decode(text: str) -> Iterator[ExitRecord]:
    """Yield the records in a text whose other lines may be anything, a login's greeting say."""
    for line in text.split("\n"):
        if line.startswith('{"alias":') and len(line) <= LIMIT:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if _is_complete(row):
                yield _record(row)


def _is_complete(row: Mapping[str, Any]) -> bool:
    """Tell whether a row has what every record has; what else is missing has its default."""
    alias, code = row.get("alias"), integer(row.get("exitCode"))
    named = isinstance(alias, str) and alias.isascii() and alias.isprintable()
    ended = code is not None and 0 <= code <= 255 and isinstance(row.get("ready"), bool)
    return named and ended and isinstance(row.get("attempt"), str)


def _record(row: Mapping[str, Any]) -> ExitRecord:
    """Return the record of a row that has what is needed; the rest counts as far as it is right."""
    fault, role = row.get("fault"), row.get("role")
    transient, failed_at = row.get("transient"), text_of(row.get("failedAt"))
    return ExitRecord(
        row["alias"],
        row["exitCode"],
        row["ready"],
        row["attempt"],
        job=text_of(row.get("job")),
        task_role=text_of(row.get("taskRole")),
        task_index=max(0, integer(row.get("taskIndex")) or 0),
        phrase=text_of(row.get("phrase")),
        category=text_of(row.get("category")),
        fault=fault if fault in _FAULTS else "unknown",
        transient=transient if isinstance(transient, bool) else None,
        role=role if role in ROLES else "unknown",
        evidence=text_of(row.get("evidence"), EVIDENCE),
        stopped=row.get("stopped") is True,
        failed_at=failed_at if _MOMENT.fullmatch(failed_at) else "",
    )


def text_of(value: object, most: int = _WORD) -> str:
    """Return a text as one readable line of at most ``most`` characters; empty if it is none."""
    if not isinstance(value, str):
        return ""
    lines = (line.strip() for line in readable(value).split("\n"))
    line = next((line for line in lines if line), "")
    return line if len(line) <= most else line[: most - 1] + "…"


def of_report(
    report: Mapping[str, Any], *, failed_at: str, ready: bool = False, attempt: str = ""
) -> ExitRecord:
    """Return the record for the content of exit.json, in which every secret is masked."""
    role, index = report.get("taskRole") or "task", report.get("taskIndex") or 0
    matched = ("matchedUserLogString", "matchedPlatformLogString", "matchedGpuInfo", "message")
    known = [_first_line(report.get("evidence")), *(report.get(name) for name in matched)]
    lines = (text_of(each, EVIDENCE) for each in known)
    row = {
        **{key: report.get(key) for key in ("job", "phrase", "category", "fault", "transient")},
        **{key: report.get(key) for key in ("role", "stopped", "taskRole", "taskIndex")},
        "alias": f"{role}-{index}",
        "exitCode": integer(report.get("exitCode")) or 0,
        "ready": ready,
        "attempt": attempt,
        "evidence": next(filter(None, lines), ""),
        "failedAt": failed_at,
    }
    return _record(row)


def _first_line(evidence: object) -> object:
    """Return the first line that speaks for the verdict: whole, where a match is a part of it."""
    first = evidence[0] if isinstance(evidence, list) and evidence else None
    return first.get("text") if isinstance(first, dict) else None


def moment(outcome: Path, ended_at: str | None) -> str:
    """Return when the command ended (UTC, with milliseconds); empty where that is not known.

    outcome.json tells whole seconds, but is written in the moment that it tells.
    """
    ended = seconds(ended_at)
    if ended is None:
        return ""
    try:
        written = outcome.stat().st_mtime
    except OSError:
        written = ended
    exact = written if 0 <= written - ended < _WRITING else ended
    return in_milliseconds(exact)


def in_milliseconds(instant: float) -> str:
    """Return a moment, in seconds since the epoch, as records tell it.

    >>> in_milliseconds(86400.25)
    '1970-01-02T00:00:00.250Z'
    """
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(instant))
    return f"{whole}.{int(instant * 1000) % 1000:03d}Z"
