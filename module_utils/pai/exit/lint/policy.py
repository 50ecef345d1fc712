# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell Kubernetes what the exit codes of the failure catalogue mean: a podFailurePolicy.

Rules of the API (batch/v1, PodFailurePolicy): a pod's failure is handled by the first rule that
holds, and counts against ``backoffLimit`` where none does; at most 20 rules; a rule has either
``onExitCodes`` or ``onPodConditions``; at most 255 values, none of them 0, unique and in order.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Entry

#: What a Job does with a pod whose code asks for this reaction. ``Ignore`` starts another pod
#: and does not count it; with ``Count`` the Job ends after ``backoffLimit`` of them.
_ACTIONS = {
    "NEVER_RETRY": "FailJob",
    "ALWAYS_RETRY": "Ignore",
    "ALWAYS_BACKOFF_RETRY": "Ignore",
    "RETRY_TO_MAX": "Count",
}
#: Killed: also the end of a container whose runtime itself the kernel killed for its memory, which
#: nobody explained. To repeat that without counting would be to repeat it for ever.
_KILLED = 137
#: A pod that was evicted, preempted or drained: whatever its code, that was not its own doing.
_DISRUPTED: Mapping[str, Any] = {
    "action": "Ignore",
    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
}


def pod_failure_policy(entries: Sequence[Entry], container: str | None = None) -> dict[str, Any]:
    """Return the policy for the codes of a catalogue; of two meanings the first counts.

    ``container`` names the container whose codes count; without a name those of every container do.
    """
    reactions: dict[int, str] = {}
    for entry in entries:
        reactions.setdefault(entry.code, entry.reaction)
    by_action: dict[str, list[int]] = {"FailJob": [], "Ignore": [], "Count": []}
    for code in sorted(reactions):
        by_action[_action(code, reactions[code])].append(code)
    rules = [_rule(action, codes, container) for action, codes in by_action.items() if codes]
    return {"rules": [_DISRUPTED, *rules]}


def _action(code: int, reaction: str) -> str:
    """Return the action; what is not known counts, as it does without a rule."""
    action = _ACTIONS.get(reaction, "Count")
    return "Count" if code == _KILLED and action == "Ignore" else action


def _rule(action: str, codes: Sequence[int], container: str | None) -> dict[str, Any]:
    where = {"containerName": container} if container else {}
    return {
        "action": action,
        "onExitCodes": {**where, "operator": "In", "values": list(codes)},
    }
