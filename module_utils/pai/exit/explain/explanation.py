# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain any logs, without a job: which failure they show, who must act, and what helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import RuntimeConfigError
from ...masking import Masker
from .. import context
from ..context import Excerpt
from ..diagnosis import Doctor, Given, Source
from ..digests.digest_look import look_back
from ..model import Entry
from ..patterns.catalogue import load_catalogue
from ..patterns.user_patterns import with_patterns_of
from ..places import hit_of, line_of, where
from ..ranking import Finding
from ..reading.logs import Log, part, read_log
from ..verdict import SUCCEEDED, UNKNOWN

#: What a succeeded command's end is called.
_NONE = "none"
#: Seconds for finished files of a log that nobody searched before: a person can wait.
_LOOK_BACK = 60.0
#: Logs of which the end is shown where nothing was found.
_LOGS = 3
#: Without a job there are no secrets that are known.
_NOTHING_MASKED = Masker([])


@dataclasses.dataclass(frozen=True)
class Question:
    """The logs, the exit code where it is known, and the catalogue's directory.

    ``patterns`` is a directory with more entries, those of a cluster.
    """

    logs: tuple[Path, ...]
    catalogue: Path
    exit_code: int | None = None
    patterns: Path | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """The explanation as one object, and what of the catalogue could not be used.

    ``excerpts`` are what a page shows of the logs; nothing in them is masked.
    """

    document: dict[str, Any]
    problems: tuple[str, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()


def explain(question: Question) -> Answer:
    """Return which failure the logs show.

    The document has ``category`` (``unknown`` where nothing is found, ``none`` for exit code 0),
    ``fault``, ``transient``, ``code``, ``phrase``, ``confidence`` (0 to 1), ``evidence`` and
    ``runners_up`` (lists), ``where`` (a line of the user's own code), ``reason``, ``solution``
    and ``exit_code``.

    Raises:
        RuntimeConfigError: a log cannot be read.
    """
    code = _code(question.exit_code)
    logs = [_read(path) for path in question.logs]
    if code == 0:
        return Answer(_document(SUCCEEDED, _NONE, None, logs, code))
    catalogue = with_patterns_of(load_catalogue(question.catalogue), question.patterns)
    doctor = Doctor(catalogue.entries, catalogue.hints)
    problems = [*catalogue.problems, *(f"{k!r}: {v}" for k, v in doctor.broken.items())]
    logs = [look_back(log, doctor.scanner, problems, _LOOK_BACK) for log in logs]
    sources = [Source(log, user=True, platform=True) for log in logs]
    finding = doctor.diagnose(sources, Given(code, {"exitCode": code}))
    unknown = next((e for e in catalogue.entries if e.phrase == UNKNOWN.phrase), UNKNOWN)
    entry = finding.best.entry if finding else unknown
    category = entry.category or "unknown"
    document = _document(entry, category, finding, logs, code)
    return Answer(document, tuple(problems), tuple(_excerpts(finding, logs)))


def _code(code: int | None) -> int | None:
    """Return an exit code as a shell tells it: launchers write -9 for what a shell calls 137."""
    return 128 - code if code is not None and code < 0 else code


def _read(path: Path) -> Log:
    if path.is_dir():  # a log directory of the runtime's
        path = path / "user-all" / "current"
    try:
        if not path.exists():
            raise RuntimeConfigError(f"log {path}: there is no such file; name one that exists")
        return read_log(path)
    except OSError as error:
        raise RuntimeConfigError(
            f"log {path}: {error.strerror}; name a file that can be read"
        ) from error


def _document(
    entry: Entry, category: str, finding: Finding | None, logs: Sequence[Log], code: int | None
) -> dict[str, Any]:
    shown = (finding.best, *finding.support) if finding else ()
    runners = finding.runners_up if finding else ()
    return {
        "category": category,
        "fault": entry.fault if code != 0 else "unknown",
        "transient": entry.transient,
        "code": entry.code,
        "phrase": entry.phrase,
        "confidence": finding.confidence if finding else 0.0,
        "evidence": [line_of(each, logs, _NOTHING_MASKED) for each in shown if each.text],
        "runners_up": [
            {
                "category": each.category,
                "phrase": each.entry.phrase,
                **line_of(each, logs, _NOTHING_MASKED),
            }
            for each in runners
        ],
        "where": where(finding.best) if finding else None,
        "reason": entry.reason,
        "solution": list(entry.solution),
        "exit_code": code,
    }


def _excerpts(finding: Finding | None, logs: Sequence[Log]) -> Iterator[Excerpt]:
    """Yield the lines around what decided, or the end of every log where nothing did."""
    best = finding.best if finding else None
    if best and best.text:
        shown, place = part(logs[best.log], best.place)
        hit = context.to_line_end(shown, hit_of(best, shown.text, place))
        if hit:
            yield context.around(str(shown.path), shown, hit, _NOTHING_MASKED)
        return
    for log in logs[:_LOGS]:
        yield context.tail(str(log.path), log, _NOTHING_MASKED)
