# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook ended, from its exit code and the report of our callback plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .documents import read_document


class Failure(NamedTuple):
    """Why a playbook failed: the plugin whose failure it is, our words, the code to end with.

    ``refused``: the job or a setting is wrong, nothing broke. ``role`` is the role that failed,
    None where the playbook came to its end in another way.
    """

    plugin: str | None
    message: str
    code: int
    refused: bool = False
    role: str | None = None


class PlaybookResult(NamedTuple):
    """How a playbook ended, how long it took, and what took how long inside it (seconds)."""

    ok: bool
    seconds: float
    phases: dict[str, float]
    failure: Failure | None


def read_result(
    path: Path, name: str, seconds: float, last: Sequence[str], ended_with: object
) -> PlaybookResult:
    """Return how the playbook ``name`` ended, which ran so long.

    ``path`` is its report, ``last`` its last lines of output, ``ended_with`` its exit code or why
    it has none.
    """
    report = read_document(path) or {}
    failure = None if ended_with == 0 else _failure(report, name, last, ended_with)
    return PlaybookResult(failure is None, seconds, _phases(report), failure)


def _phases(report: Mapping[str, Any]) -> dict[str, float]:
    phases = report.get("phases")
    items = phases.items() if isinstance(phases, dict) else ()
    return {str(name): float(took) for name, took in items if isinstance(took, (int, float))}


def _failure(
    report: Mapping[str, Any], name: str, last: Sequence[str], ended_with: object
) -> Failure:
    """Say why it failed: in the callback's words, else with the last lines of its output."""
    found = report.get("failure")
    if isinstance(found, dict) and found.get("message"):
        code = found.get("exit_code")
        if not isinstance(code, int) or not 1 <= code <= 255:
            code = 1
        refused = bool(found.get("refused"))
        plugin, role = found.get("plugin") or None, found.get("role") or None
        return Failure(plugin, str(found["message"]), code, refused, role)
    how = f"exit code {ended_with}" if isinstance(ended_with, int) else str(ended_with)
    lines = [line for line in last if line.strip()][-3:]
    said = ": " + " | ".join(lines) if lines else ""
    return Failure(None, f"the {name} playbook failed ({how}){said}", 1)
