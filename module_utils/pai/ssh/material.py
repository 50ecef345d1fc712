# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks a task can reach over ssh, by which names, and which it cannot."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..job.model import Job, Task, TaskRole

#: The label of the port that a task's sshd listens on.
LABEL = "ssh"


@dataclasses.dataclass(frozen=True)
class Material:
    """What the plugin's files are made for.

    ``aliases`` maps every name of a task that can be reached to its host and port; ``own_aliases``
    are this task's, whether it can be reached or not; ``left_out`` are (alias, reason).
    """

    directory: Path
    aliases: Mapping[str, tuple[str, int]]
    own_aliases: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def find_material(job: Job, directory: Path) -> Material:
    """Return the names of the job's tasks; a name that two roles share is the first one's."""
    aliases: dict[str, tuple[str, int]] = {}
    left_out: list[tuple[str, str]] = []
    for role, task in job.tasks():
        port = task.first_port(LABEL)
        if task.host and port is not None:
            for alias in aliases_of(role, task):
                aliases.setdefault(alias, (task.host, port))
        else:
            reason = f"it has no port {LABEL}" if task.host else "its host is not known yet"
            left_out.append((aliases_of(role, task)[0], reason))
    return Material(directory, aliases, aliases_of(job.role, job.task), tuple(left_out))


def aliases_of(role: TaskRole, task: Task) -> tuple[str, ...]:
    """Return the names of a task: ``R-i`` for either name of its role."""
    return tuple(f"{name}-{task.index}" for name in role.names)
