# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""job.json: the job as the runtime's files and modules hand it on (schema version 1)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from .model import Job, Resources, Task, TaskRole

SCHEMA_VERSION = 1


def encode(job: Job) -> str:
    """Return job.json's text. It holds no secret."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "name": job.name,
        "user": job.user,
        "virtualCluster": job.virtual_cluster,
        "current": {"taskRole": job.current_role, "taskIndex": job.current_index},
        "workDir": job.work_dir,
        "gangAllocation": job.gang_allocation,
        "taskRoles": [_encode_role(role) for role in job.task_roles],
        "document": job.document,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _encode_role(role: TaskRole) -> dict[str, Any]:
    asked = role.resources
    return {
        "name": role.name,
        "frameworkName": role.framework_name,
        "instances": len(role.tasks),
        "resources": {
            "gpu": asked.gpu,
            "cpu": asked.cpu,
            "memoryMB": asked.memory_mb,
            "shmMB": asked.shm_mb,
        },
        "portLabels": role.port_labels,
        "minFailed": role.min_failed,
        "minSucceeded": role.min_succeeded,
        "tasks": [
            {"index": task.index, "host": task.host, "ports": dict(task.ports)}
            for task in role.tasks
        ],
    }


def decode(text: str | bytes, source: str, secrets: Mapping[str, Any] | None = None) -> Job:
    """Return the job that `encode` wrote; ``secrets`` come from their own file.

    Raises:
        RuntimeConfigError: not a job.json of this schema version.
    """
    try:
        document = json.loads(text)
        if document["schemaVersion"] != SCHEMA_VERSION:
            raise ValueError(f"schemaVersion {document['schemaVersion']}")
        return Job(
            name=document["name"],
            user=document["user"],
            virtual_cluster=document["virtualCluster"],
            task_roles=tuple(_decode_role(role) for role in document["taskRoles"]),
            current_role=document["current"]["taskRole"],
            current_index=document["current"]["taskIndex"],
            work_dir=document["workDir"],
            document=document["document"],
            secrets=secrets or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuntimeConfigError(
            f"{source}: not a job.json of schema version {SCHEMA_VERSION} ({error}); "
            "run the start playbook again"
        ) from error


def _decode_role(role: Mapping[str, Any]) -> TaskRole:
    asked = role["resources"]
    return TaskRole(
        name=role["name"],
        framework_name=role["frameworkName"],
        resources=Resources(asked["gpu"], asked["cpu"], asked["memoryMB"], asked["shmMB"]),
        port_labels=tuple(role["portLabels"]),
        min_failed=role["minFailed"],
        min_succeeded=role["minSucceeded"],
        tasks=tuple(
            Task(task["index"], task["host"], {k: tuple(v) for k, v in task["ports"].items()})
            for task in role["tasks"]
        ),
    )


def known_ports(
    paths: Sequence[Path], name: str, wanted: Sequence[tuple[str, int, Mapping[str, int]]]
) -> Iterator[tuple[Path, list[dict[str, tuple[int, ...]]]]]:
    """Yield the ports that earlier runs, or other tasks on this machine, chose for this job.

    ``name`` is the job file's, ``wanted`` holds (role, index, label → count) per task; only a file
    of ours that has exactly these counts. Missing files and those of other jobs do not count.
    """
    for path in paths:
        try:
            if path.stat().st_uid != os.geteuid():
                continue
            job = decode(path.read_bytes(), str(path))
        except (OSError, RuntimeConfigError):
            continue
        shape = [
            (role.name, task.index, {label: len(n) for label, n in task.ports.items()})
            for role, task in job.tasks()
        ]
        if job.document.get("name") == name and shape == [
            (role, index, dict(counts)) for role, index, counts in wanted
        ]:
            yield path, [dict(task.ports) for _role, task in job.tasks()]
