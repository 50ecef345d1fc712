# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a platform knows into one `Job`: job file, Framework object, environment."""

from __future__ import annotations

import dataclasses
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..yaml12 import load
from . import codec
from .framework import Framework, FrameworkRole, read_framework
from .job_file import JobFile, completion, read_job_file, resources
from .model import Job, Task, TaskRole, choose_task, framework_role_name
from .ports import counts, local_ports

#: The one role of a container that was given a command and no job.
_LONE_ROLE = "taskrole"
_LONE_FILE = "the container's environment"


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Where a job comes from. Every path may be None; ``environment`` is the container's own.

    ``role`` and ``index`` override what the environment says about the current task;
    ``known`` are job.json files from which ports chosen earlier on this machine are taken.
    """

    job_file: Path | None
    framework: Path | None
    secrets: Path | None
    role: str | None
    index: int | None
    work_dir: str
    environment: Mapping[str, str]
    known: tuple[Path, ...] = ()


def load_job(inputs: Inputs) -> Job:
    """Read every input and return the job.

    Raises:
        RuntimeConfigError: an input is missing, broken, or contradicts another one.
    """
    framework = None
    if inputs.framework:
        framework = read_framework(read(inputs.framework), str(inputs.framework))
    job_file = _job_file(inputs, framework)
    if framework:
        roles = tuple(_placed_roles(job_file, framework, inputs.environment))
    else:
        roles = tuple(_local_roles(job_file, inputs.known))
    role, index = choose_task(roles, *_current(inputs))
    user, name = _names(job_file, framework, inputs.environment)
    return Job(
        name=name,
        user=user,
        virtual_cluster=_virtual_cluster(job_file, framework),
        task_roles=roles,
        current_role=role,
        current_index=index,
        work_dir=inputs.work_dir,
        document=job_file.document,
        secrets={**job_file.secrets, **_secrets(inputs.secrets)},
    )


def read(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        RuntimeConfigError: it cannot be read; the message names the file and the cause.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RuntimeConfigError(
            f"{path}: {error.strerror or error}; give the path of a file that can be read"
        ) from error


def _job_file(inputs: Inputs, framework: Framework | None) -> JobFile:
    if inputs.job_file:
        return read_job_file(read(inputs.job_file), str(inputs.job_file))
    if framework is None:
        return _lone_task()
    if not isinstance(framework.job_file, str):
        raise RuntimeConfigError(
            f"{framework.source}: metadata.annotations.config: no job file there; give one besides"
        )
    return read_job_file(
        framework.job_file, f"job file in {framework.source} (metadata.annotations.config)"
    )


def _lone_task() -> JobFile:
    """Return the job of a container that was started with a command and no job file."""
    role = {
        "instances": 1,
        "resourcePerInstance": {"cpu": 0, "memoryMB": 0, "gpu": 0},
        "commands": [],
    }
    document = {"protocolVersion": 2, "name": "job", "type": "job", "taskRoles": {_LONE_ROLE: role}}
    return JobFile(document=document, secrets={}, source=_LONE_FILE)


def _secrets(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    values = load(read(path), str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise RuntimeConfigError(f"{path}: not a mapping; write one 'name: value' line per secret")
    return values


def _current(inputs: Inputs) -> tuple[str | None, int | None]:
    environment = inputs.environment
    role = (
        inputs.role
        or environment.get("FC_TASKROLE_NAME")
        or environment.get("PAI_CURRENT_TASK_ROLE_NAME")
    )
    if inputs.index is not None:
        return role, inputs.index
    for name in ("FC_TASK_INDEX", "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX", "PAI_TASK_INDEX"):
        text = environment.get(name)
        if text:
            if not (text.isascii() and text.isdigit()):
                raise RuntimeConfigError(
                    f"environment variable {name}: {text!r} is not a task index; "
                    "write a whole number"
                )
            return role, int(text)
    return role, None


def _names(
    job_file: JobFile, framework: Framework | None, environment: Mapping[str, str]
) -> tuple[str, str]:
    user = (
        environment.get("PAI_USER_NAME")
        or (framework.user if framework else "")
        or environment.get("USER")
        or environment.get("LOGNAME")
        or _login_name()
    )
    if environment.get("PAI_JOB_NAME"):
        return user, environment["PAI_JOB_NAME"]
    return user, f"{user}~{framework.job_name}" if framework else str(job_file.document["name"])


def _login_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user that it does not know
        return str(os.getuid())


def _virtual_cluster(job_file: JobFile, framework: Framework | None) -> str:
    named = (job_file.document.get("defaults") or {}).get("virtualCluster")
    return named or (framework.virtual_cluster if framework else "") or "default"


def _local_roles(job_file: JobFile, known: tuple[Path, ...]) -> Iterator[TaskRole]:
    """Yield the roles of a job whose tasks all run on this machine."""
    wanted = [
        (name, index, counts(role["resourcePerInstance"].get("ports") or {}))
        for name, role in job_file.roles.items()
        for index in range(role.get("instances", 1))
    ]
    job_name = str(job_file.document["name"])
    chosen = codec.known_ports(known, wanted) or local_ports(job_name, wanted)
    for name, role in job_file.roles.items():
        tasks = tuple(
            Task(index=index, host="127.0.0.1", ports=ports)
            for (owner, index, _counts), ports in zip(wanted, chosen)
            if owner == name
        )
        labels = tuple(counts(role["resourcePerInstance"].get("ports") or {}))
        yield _role(name, framework_role_name(name), role, labels, tasks)


def _placed_roles(
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
