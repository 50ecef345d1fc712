# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for whom: a job's tasks as the barrier of one of them sees them."""

from __future__ import annotations

import dataclasses

from ..job.model import Job, Task, TaskRole
from ..plugins import EXTRAS

#: The label of the port that a task's sshd listens on.
LABEL = "ssh"


@dataclasses.dataclass(frozen=True)
class Peer:
    """A task by its alias; ``missing`` says why it cannot be reached at all, or is empty."""

    alias: str
    host: str = ""
    port: int = 0
    missing: str = ""


@dataclasses.dataclass(frozen=True)
class Peers:
    """This task, the job's first, and all others; ``tell`` are those that learn of our end.

    ``near`` learn of our failure in any case, ``ask`` are those that know of most others'.
    """

    own: Peer
    first: Peer
    others: tuple[Peer, ...]
    left_out: tuple[Peer, ...]
    tell: tuple[Peer, ...]  # nobody where no task of the job has a barrier
    near: tuple[Peer, ...] = ()
    ask: tuple[Peer, ...] = ()

    @property
    def is_first(self) -> bool:
        """Whether this task is the one that probes for all."""
        return self.own == self.first


def find_peers(job: Job) -> Peers:
    """Return the other tasks of the job, and which of them are not known well enough."""
    together = job.gang_allocation
    own = _peer(job.role, job.task, together)
    everybody = [_peer(role, task, together) for role, task in job.tasks()]
    others = [peer for peer in everybody if peer.alias != own.alias]
    near = _told(job, own) if together else ()
    return Peers(
        own=own,
        first=everybody[0],
        others=tuple(peer for peer in others if not peer.missing),
        left_out=tuple(peer for peer in others if peer.missing),
        tell=near if _waits(job) else (),
        near=near,
        ask=_asked(job, own) if together else (),
    )


def _waits(job: Job) -> bool:
    """Tell whether any task of the job may wait: another role may use the plugin otherwise."""
    entries = [
        *((job.document.get("extras") or {}).get(EXTRAS) or []),
        *(job.document.get("prerequisites") or []),
    ]
    wishes = [{**entry, **(entry.get("parameters") or {})} for entry in entries]
    return any(wish.get("sshbarrier") not in (None, False, "false") for wish in wishes)


def _told(job: Job, own: Peer) -> tuple[Peer, ...]:
    """Return the first task of each role and the two neighbours, less this task."""
    tasks = job.role.tasks
    sides = [tasks[(job.current_index + step) % len(tasks)] for step in (-1, 1)]
    told = [_peer(role, role.tasks[0]) for role in job.task_roles if role.tasks]
    told += [_peer(job.role, task) for task in sides]
    known = (peer for peer in told if peer.alias != own.alias and not peer.missing)
    return tuple(dict.fromkeys(known))


def _asked(job: Job, own: Peer) -> tuple[Peer, ...]:
    """Return the first two tasks of each role: of a first one's own failure the second knows."""
    pairs = [(role, task) for role in job.task_roles for task in role.tasks[:2]]
    peers = (_peer(role, task) for role, task in sorted(pairs, key=lambda pair: pair[1].index))
    return tuple(peer for peer in peers if peer.alias != own.alias and not peer.missing)


def _peer(role: TaskRole, task: Task, together: bool = True) -> Peer:
    alias, port = f"{role.name}-{task.index}", task.first_port(LABEL)
    if not together:
        return Peer(alias, missing="without gang allocation tasks do not start together")
    if not task.host:
        return Peer(alias, missing="its host is not known")
    if port is None:
        return Peer(alias, missing=f"it has no port {LABEL}")
    return Peer(alias, task.host, port)
