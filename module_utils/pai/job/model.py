# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value that everything after the sources works with: one job, seen from one of its tasks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import RuntimeConfigError

#: A role name and a port label become parts of variable names.
IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

#: More tasks in one role, or ports of one label, than any cluster has: a slip of the pen.
MOST_TASKS = 100_000
MOST_PORTS = 10_000


def framework_role_name(name: str) -> str:
    """Return a task role's name as a PAI cluster's Framework has it (``ps_1`` → ``ps1``)."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@dataclasses.dataclass(frozen=True)
class Task:
    """One container of the job.

    ``host`` is its IP address or name, None while unknown; ``ports`` maps a port label to the
    numbers, and lacks the labels whose numbers are not known yet.
    """

    index: int
    host: str | None
    ports: Mapping[str, tuple[int, ...]]

    def first_port(self, label: str) -> int | None:
        """Return the first port of ``label``, None where there is none."""
        numbers = self.ports.get(label)
        return numbers[0] if numbers else None


@dataclasses.dataclass(frozen=True)
class Resources:
    """What one task of a role asks for; memory in MB (2**20 bytes)."""

    gpu: int
    cpu: int
    memory_mb: int
    shm_mb: int


@dataclasses.dataclass(frozen=True)
class TaskRole:
    """Tasks that run the same commands, named by the job file and by the Framework."""

    name: str
    framework_name: str
    resources: Resources
    port_labels: tuple[str, ...]
    min_failed: int
    min_succeeded: int
    tasks: tuple[Task, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that users may call this role by."""
        both = (self.name, self.framework_name)
        return both if self.name != self.framework_name else both[:1]


@dataclasses.dataclass(frozen=True)
class Job:
    """A job, and which of its tasks this container is.

    ``document`` is the job file as it was read, less its secrets; ``secrets`` maps a secret's name
    to its value; ``work_dir`` is the directory in which the user's commands start.
    """

    name: str
    user: str
    virtual_cluster: str
    task_roles: tuple[TaskRole, ...]
    current_role: str
    current_index: int
    work_dir: str
    document: Mapping[str, Any]
    secrets: Mapping[str, Any] = dataclasses.field(repr=False, default_factory=dict)

    @property
    def role(self) -> TaskRole:
        """The current task's role."""
        return find_role(self.task_roles, self.current_role)

    @property
    def task(self) -> Task:
        """The current task."""
        return self.role.tasks[self.current_index]

    @property
    def gang_allocation(self) -> bool:
        """Whether all tasks of the job start together."""
        extras = self.document.get("extras") or {}
        return str(extras.get("gangAllocation", True)).lower() != "false"

    def tasks(self) -> Iterator[tuple[TaskRole, Task]]:
        """Yield every task of the job with its role, in the order of the job file."""
        for role in self.task_roles:
            for task in role.tasks:
                yield role, task


def find_role(roles: tuple[TaskRole, ...], name: str) -> TaskRole:
    """Return the role that ``name`` means in either form.

    Raises:
        RuntimeConfigError: no such role.
    """
    for role in roles:
        if name in role.names:
            return role
    known = ", ".join(role.name for role in roles)
    raise RuntimeConfigError(
        f"task role {name!r} is not one of the job's ({known}); name one of these"
    )


def choose_task(
    roles: tuple[TaskRole, ...], role: str | None, index: int | None
) -> tuple[str, int]:
    """Return role name and index of the current task; by default the first task of the first role.

    Raises:
        RuntimeConfigError: the job has no such role or task.
    """
    chosen = find_role(roles, role) if role else roles[0]
    number = index or 0
    if not 0 <= number < len(chosen.tasks):
        raise RuntimeConfigError(
            f"task index {number} of task role {chosen.name!r}: the role has {len(chosen.tasks)} "
            f"tasks; give an index from 0 to {len(chosen.tasks) - 1}"
        )
    return chosen.name, number
