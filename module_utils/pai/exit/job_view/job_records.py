# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit records in a directory that all tasks of a job see: ``JOB/ATTEMPT/ALIAS.json`` below it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ...storage import child
from . import job_records_child
from .exit_record import ExitRecord, decode


@dataclasses.dataclass(frozen=True)
class SharedRecords:
    """The records of one attempt of a job; ``attempt`` is empty where attempts have no UIDs."""

    directory: Path
    job: str
    attempt: str

    def write(self, record: ExitRecord, seconds: float) -> str | None:
        """Leave a record there; return what went wrong, or None."""
        name = _file_name(record.alias)
        answer = self._ask("write", name, record.encode(), seconds=seconds)
        return self._problem("not written to", answer, seconds)

    def read(self, others: Collection[str], seconds: float) -> tuple[list[ExitRecord], str | None]:
        """Return the records of the tasks with these aliases, and what went wrong, or None."""
        answer = self._ask("read", _ranges(others), seconds=seconds)
        files = (answer or {}).get("records", {})
        records = [
            record
            for name, content in files.items()
            for record in decode(content)
            if record.alias in others and _file_name(record.alias) == name and self._is_ours(record)
        ]
        return records, self._problem("not read from", answer, seconds)

    def _ask(self, action: str, *words: Any, seconds: float) -> dict[str, Any] | None:
        parts = [_safe(self.job), _safe(self.attempt or "run")]
        root = str(self.directory)
        try:
            return child.ask(job_records_child, action, root, parts, *words, seconds=seconds)
        except OSError as error:  # no temporary file or no process can be had
            return {"error": error.strerror or str(error)}

    def _is_ours(self, record: ExitRecord) -> bool:
        return record.attempt == self.attempt

    def _problem(self, what: str, answer: dict[str, Any] | None, seconds: float) -> str | None:
        if answer is None:
            return f"exit records {what} {self.directory}: no answer within {seconds:.1f} s"
        error = answer.get("error")
        return f"exit records {what} {self.directory}: {error}" if error else None


def _file_name(alias: str) -> str:
    return f"{_safe(alias)}.json"


def _ranges(aliases: Collection[str]) -> dict[str, int]:
    """Return how many numbers are known of each name: of ten thousand tasks few words.

    >>> _ranges(["ps-0", "worker-0", "worker-7"])
    {'ps': 1, 'worker': 8}
    """
    counts: dict[str, int] = {}
    for alias in aliases:
        name, _dash, number = _safe(alias).rpartition("-")
        if number.isdigit():
            counts[name] = max(counts.get(name, 0), int(number) + 1)
    return counts


def _safe(name: str) -> str:
    """Return a name as one part of a path: ``alice~train``, and never ``..``."""
    return re.sub(r"[^A-Za-z0-9_~.-]|^\.", "_", name)[:200] or "_"
