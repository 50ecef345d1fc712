"""Jobs and Frameworks for tests, built from plain values."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.model import Job
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.sources import (
    Inputs,
    load_job,
)

FIXTURES = Path(__file__).parent / "fixtures"


def refusal(call: Callable[[], Any]) -> str:
    """Return the message with which ``call`` refuses its input; empty where it accepts it."""
    try:
        call()
    except RuntimeConfigError as error:
        return str(error)
    return ""


def document(**changes: Any) -> dict[str, Any]:
    """Return a job file's content: one task role ``worker`` of two tasks, with changes."""
    return {
        "protocolVersion": 2,
        "name": "test",
        "type": "job",
        "prerequisites": [{"name": "image", "type": "dockerimage", "uri": "debian:12"}],
        "taskRoles": {"worker": role()},
        **changes,
    }


def role(**changes: Any) -> dict[str, Any]:
    """Return one task role's content, with changes."""
    return {
        "instances": 2,
        "dockerImage": "image",
        "resourcePerInstance": {"cpu": 4, "memoryMB": 8192, "gpu": 1},
        "commands": ["echo hello"],
        **changes,
    }


def framework(
    tasks: int, labels: dict[str, int], job: dict[str, Any] | None = None, packed: bool = False
) -> dict[str, Any]:
    """Return a Framework object of one role ``worker`` with hashed ports in [15000, 40000)."""
    counts = {label: {"count": count} for label, count in labels.items()}
    ports = {"schedulePortStart": 15000, "schedulePortEnd": 40000, "ports": counts}
    job = job or document(taskRoles={"worker": role(instances=tasks)})
    statuses = [
        {
            "name": "worker",
            "taskStatuses": [
                {
                    "index": index,
                    "attemptStatus": {
                        "podUID": f"f1020521-9bda-11ea-830b-{index:012d}",
                        "podHostIP": f"10.0.{index // 256}.{index % 256}",
                        "podIP": f"10.0.{index // 256}.{index % 256}",
                    },
                }
                for index in range(tasks)
            ],
        }
    ]
    attempt: dict[str, Any] = {"taskRoleStatuses": statuses}
    if packed:
        data = base64.b64encode(gzip.compress(json.dumps(statuses).encode())).decode()
        attempt = {"taskRoleStatuses": None, "taskRoleStatusesCompressed": data}
    annotations = {"rest-server/port-scheduling-spec": json.dumps(ports)}
    return {
        "metadata": {
            "name": "0123",
            "labels": {"userName": "alice", "virtualCluster": "default"},
            "annotations": {"jobName": "test", "config": yaml.safe_dump(job)},
        },
        "spec": {
            "taskRoles": [
                {
                    "name": "worker",
                    "taskNumber": tasks,
                    "task": {"pod": {"metadata": {"annotations": annotations}}},
                }
            ]
        },
        "status": {"attemptStatus": attempt},
    }


def load(
    directory: Path,
    job: dict[str, Any] | str | None = None,
    framework_object: dict[str, Any] | None = None,
    secrets: dict[str, Any] | None = None,
    **inputs: Any,
) -> Job:
    """Write the given inputs into ``directory`` and load the job from there."""
    given: dict[str, Any] = {"job_file": None, "framework": None, "secrets": None}
    for name, content in (("job_file", job), ("framework", framework_object), ("secrets", secrets)):
        if content is not None:
            given[name] = directory / f"{name}.yml"
            text = content if isinstance(content, str) else json.dumps(content)
            given[name].write_text(text, encoding="utf-8")
    environment, known = inputs.pop("environment", {}), inputs.pop("known", ())
    defaults = {"role": None, "index": None, "work_dir": "/data"}
    return load_job(Inputs(**{**defaults, **given, **inputs}), environment, known)
