# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task roles of a job with their tasks: all on this machine, or where a Framework has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from . import codec
from .framework import Framework, FrameworkRole
from .job_file import JobFile, completion, resources
from .model import Task, TaskRole, framework_role_name
from .ports import counts, is_free, local_ports

Wanted = list[tuple[str, int, dict[str, int]]]


def local_roles(
    job_file: JobFile, known: tuple[Path, ...], own: tuple[str | None, int]
) -> Iterator[TaskRole]:
    """Yield the roles of a job whose tasks all run on this machine; ``own`` is the current task."""
    wanted = [
        (name, index, counts(role["resourcePerInstance"].get("ports") or {}))
        for name, role in job_file.roles.items()
        for index in range(role.get("instances", 1))
    ]
    job_name = str(job_file.document["name"])
    chosen = _known_ports(known, job_name, wanted, own) or local_ports(job_name, wanted)
    for name, role in job_file.roles.items():
        tasks = tuple(
            Task(index=index, host="127.0.0.1", ports=ports)
            for (owner, index, _counts), ports in zip(wanted, chosen)
            if owner == name
        )
        labels = tuple(counts(role["resourcePerInstance"].get("ports") or {}))
        yield _role(name, framework_role_name(name), role, labels, tasks)


def _known_ports(
    known: tuple[Path, ...], name: str, wanted: Wanted, own: tuple[str | None, int]
) -> list[dict[str, tuple[int, ...]]] | None:
    """Return ports chosen before, where nothing has taken those of the current task since.

    What this start itself chose (the first file) counts as it is: the task may use it already.
    """
    role = own[0] or wanted[0][0]
    position = next((i for i, (r, k, _n) in enumerate(wanted) if (r, k) == (role, own[1])), 0)
    for path, ports in codec.known_ports(known, name, wanted):
        numbers = [number for label in ports[position].values() for number in label]
        if path == known[0] or all(is_free(number) for number in numbers):
            return ports
    return None


def placed_roles(
    job_file: JobFile, framework: Framework, environment: Mapping[str, str]
) -> Iterator[TaskRole]:
    """Yield the roles of a job in the order of its job file, with the places of the Framework."""
    placed = {role.name: role for role in framework.roles}
    names = {name: _framework_name(name, placed) for name in job_file.roles}
    missing = [name for name, converted in names.items() if converted is None]
    unknown = sorted(set(placed) - set(names.values()))
    if missing or unknown:
        raise RuntimeConfigError(
            f"{job_file.source} and {framework.source} do not belong together: "
            f"task roles only in the job file: {', '.join(missing) or 'none'}; "
            f"only in the Framework: {', '.join(unknown) or 'none'}; give files of one job"
        )
    for name, role in job_file.roles.items():
        where = placed[names[name] or ""]
        tasks = tuple(_placed_tasks(where, name, environment))
        yield _role(name, where.name, role, where.port_rule.labels, tasks)


def _framework_name(name: str, placed: Mapping[str, FrameworkRole]) -> str | None:
    return next((form for form in (name, framework_role_name(name)) if form in placed), None)


def _placed_tasks(role: FrameworkRole, name: str, environment: Mapping[str, str]) -> Iterator[Task]:
    own = environment.get("FC_TASKROLE_NAME") in (role.name, name)
    own_index = environment.get("FC_TASK_INDEX") if own else None
    for index in range(role.task_count):
        place = role.placements.get(index)
        pod_uid = place.pod_uid if place else None
        if str(index) == own_index:  # the pod knows its own UID better than an old Framework
            pod_uid = environment.get("FC_POD_UID") or pod_uid
        host = (place.host if place else None) or None
        yield Task(index=index, host=host, ports=role.port_rule.ports(pod_uid, index))


def _role(
    name: str,
    framework_name: str,
    role: Mapping[str, Any],
    labels: tuple[str, ...],
    tasks: tuple[Task, ...],
) -> TaskRole:
    failed, succeeded = completion(role, len(tasks))
    return TaskRole(
        name=name,
        framework_name=framework_name,
        resources=resources(role),
        port_labels=labels,
        min_failed=failed,
        min_succeeded=succeeded,
        tasks=tasks,
    )
