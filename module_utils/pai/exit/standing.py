# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a verdict tells a cause, or could as well be what another task's failure has led to."""

from __future__ import annotations

from .outcome import Outcome
from .ranking import PEERS, SURE
from .verdict import Verdict

#: The code of a barrier that was not passed: another task did not come, or had failed.
_BARRIER = 249
#: How processes end that others ended: SIGHUP, SIGINT, SIGABRT, SIGKILL, SIGTERM.
_ENDED_BY_OTHERS = frozenset((129, 130, 134, 137, 143))


def role_of(outcome: Outcome, verdict: Verdict) -> str:
    """Return whether a verdict tells a cause (``root``), another's failure, or neither.

    The ``role`` of an entry says it, but not of what could be either: ``unknown``, too, is what
    rests on a signal's exit code alone, or is what a process sees of another one's end.
    """
    entry, match = verdict.words, verdict.match
    if outcome.succeeded or outcome.stopped:
        return "unknown"
    if entry.role == "cascade" or (outcome.stage == "start" and verdict.exit_code == _BARRIER):
        return "cascade"
    if match is None:
        return "unknown" if outcome.stage == "command" else "root"
    peers = entry.category in PEERS and entry.weight < SURE
    by_code = not match.pattern.observed and outcome.exit_code in _ENDED_BY_OTHERS
    return "unknown" if peers or by_code or entry.category == "unknown" else "root"
