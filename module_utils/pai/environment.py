# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that a task gets: names and values as OpenPAI's user manual gives them."""

from __future__ import annotations

from collections.abc import Iterator

from .job.model import Job, Task, TaskRole

Variable = tuple[str, str]


def fixed_variables(job: Job) -> dict[str, str]:
    """Return the variables of the job, of each task role and of the current task."""
    return {**_job_level(job), **_role_level(job), **_current_level(job)}


def task_variables(job: Job) -> Iterator[list[Variable]]:
    """Yield the variables of each task, the current one's first, as one list per task."""
    current = job.task
    yield list(_one_task(job.role, current))
    for role, task in job.tasks():
        if task is not current:
            yield list(_one_task(role, task))


def _job_level(job: Job) -> dict[str, str]:
    roles = str(len(job.task_roles))
    names = ",".join(role.name for role in job.task_roles)
    tasks = str(sum(len(role.tasks) for role in job.task_roles))
    return {
        "PAI_JOB_NAME": job.name,
        "PAI_FRAMEWORK_NAME": job.name,
        "PAI_USER_NAME": job.user,
        "PAI_USERNAME": job.user,
        "PAI_VIRTUAL_CLUSTER": job.virtual_cluster,
        "PAI_DEFAULT_FS_URI": "",
        "PAI_TASK_ROLE_COUNT": roles,
        "PAI_TASK_ROLES_NUM": roles,
        "PAI_JOB_TASK_ROLE_COUNT": roles,
        "PAI_TASK_ROLE_LIST": names,
        "PAI_JOB_TASK_ROLE_LIST": names,
        "PAI_TASKS_NUM": tasks,
        "PAI_JOB_TASK_COUNT": tasks,
        "PAI_TASK_ROLE_INSTANCES": ",".join(
            f"{role.framework_name}:{task.index}" for role, task in job.tasks()
        ),
    }


def _role_level(job: Job) -> dict[str, str]:
    variables = {}
    for role in job.task_roles:
        asked = role.resources
        variables[f"PAI_TASK_ROLE_TASK_COUNT_{role.name}"] = str(len(role.tasks))
        variables[f"PAI_RESOURCE_{role.name}"] = (
            f"{asked.gpu},{asked.cpu},{asked.memory_mb},{asked.shm_mb}"
        )
        variables[f"PAI_MIN_FAILED_TASK_COUNT_{role.name}"] = str(role.min_failed)
        variables[f"PAI_MIN_SUCCEEDED_TASK_COUNT_{role.name}"] = str(role.min_succeeded)
        hosts = ",".join(_http_address(task) for task in role.tasks if _http_address(task))
        for name in role.names:
            if hosts:
                variables[f"PAI_TASK_ROLE_{name}_HOST_LIST"] = hosts
    return variables


def _http_address(task: Task) -> str:
    port = task.first_port("http")
    return f"{task.host}:{port}" if task.host and port else ""


def _current_level(job: Job) -> dict[str, str]:
    task = job.task
    variables = {
        "PAI_CURRENT_TASK_ROLE_NAME": job.current_role,
        "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX": str(job.current_index),
        "PAI_TASK_INDEX": str(job.current_index),
        "PAI_WORK_DIR": job.work_dir,
        "PAI_CONTAINER_HOST_PORT_LIST": "".join(
            f"{label}:{_numbers(ports)};" for label, ports in task.ports.items()
        ),
    }
    if task.host:
        variables["PAI_CURRENT_CONTAINER_IP"] = variables["PAI_CONTAINER_HOST_IP"] = task.host
    for label, ports in task.ports.items():
        variables[f"PAI_CONTAINER_HOST_{label}_PORT_LIST"] = _numbers(ports)
    http, ssh = task.first_port("http"), task.first_port("ssh")
    if http:
        variables["PAI_CURRENT_CONTAINER_PORT"] = variables["PAI_CONTAINER_HOST_PORT"] = str(http)
    if ssh:
        variables["PAI_CONTAINER_SSH_PORT"] = str(ssh)
    return variables


def _one_task(role: TaskRole, task: Task) -> Iterator[Variable]:
    for name in role.names:
        if task.host:
            yield f"PAI_HOST_IP_{name}_{task.index}", task.host
        for label, ports in task.ports.items():
            yield f"PAI_PORT_LIST_{name}_{task.index}_{label}", _numbers(ports)
            yield f"PAI_{name}_{task.index}_{label}_PORT", _numbers(ports)


def _numbers(ports: tuple[int, ...]) -> str:
    return ",".join(map(str, ports))
