# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a platform knows into one `Job`: job file, Framework object, environment."""

from __future__ import annotations

import dataclasses
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..yaml12 import load
from .framework import Framework, read_framework
from .job_file import JobFile, read_job_file
from .model import Job, TaskRole, choose_task
from .roles import local_roles, placed_roles

#: The one role of a container that was given a command and no job.
_LONE_ROLE = "taskrole"
_LONE_FILE = "the container's environment"


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Where a job comes from. Every path may be None.

    ``role`` and ``index`` override what the environment says about the current task.
    """

    job_file: Path | None
    framework: Path | None
    secrets: Path | None
    role: str | None
    index: int | None
    work_dir: str


def load_job(inputs: Inputs, environment: Mapping[str, str], known: tuple[Path, ...] = ()) -> Job:
    """Read every input and return the job.

    ``environment`` is the container's own; ``known`` are job.json files from which ports chosen
    earlier on this machine are taken.

    Raises:
        RuntimeConfigError: an input is missing, broken, or contradicts another one.
    """
    framework = None
    if inputs.framework:
        framework = read_framework(read(inputs.framework), str(inputs.framework))
    job_file = _job_file(inputs, framework)
    if framework:
        roles = tuple(placed_roles(job_file, framework, environment))
    else:
        own = (inputs.role, inputs.index or 0)
        roles = tuple(local_roles(job_file, known, own))
    role, index = choose_task(roles, *_current(inputs, environment, roles))
    user, name = _names(job_file, framework, environment)
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


def _current(
    inputs: Inputs, environment: Mapping[str, str], roles: tuple[TaskRole, ...]
) -> tuple[str | None, int | None]:
    role = inputs.role or environment.get("FC_TASKROLE_NAME")
    inherited = environment.get("PAI_CURRENT_TASK_ROLE_NAME")
    if role is None and any(inherited in known.names for known in roles):
        role = inherited
    elif role is None and inherited:  # of the job in which this one was started
        return None, inputs.index
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
