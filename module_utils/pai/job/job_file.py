# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a PAI job file (job protocol version 2) and refuse what a PAI cluster would refuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import RuntimeConfigError
from ..yaml12 import load
from .model import IDENTIFIER, Resources, framework_role_name
from .rules import Rule, check

#: How a Framework's annotation holds the place of the job's secrets.
MASKED_SECRETS = "******"

_TEXT = Rule("text")
_ANY = Rule("any")
_COUNT = Rule("integer", minimum=0)
_TEXTS = Rule("list", items=_TEXT)
_ENV = Rule("mapping", items=_ANY, key_pattern=IDENTIFIER.pattern)

_TASK_ROLE = Rule(
    "mapping",
    required=("dockerImage", "resourcePerInstance", "commands"),
    keys={
        "instances": Rule("integer", minimum=1),
        "completion": Rule(
            "mapping",
            nullable=True,
            keys={
                "minFailedInstances": Rule("integer", nullable=True),
                "minSucceededInstances": Rule("integer", nullable=True),
            },
        ),
        "taskRetryCount": _COUNT,
        "dockerImage": _TEXT,
        "data": _TEXT,
        "output": _TEXT,
        "script": _TEXT,
        "prerequisites": _TEXTS,
        "extraContainerOptions": Rule("mapping", keys={"shmMB": _COUNT}, items=_ANY),
        "resourcePerInstance": Rule(
            "mapping",
            required=("cpu", "memoryMB", "gpu"),
            keys={
                "cpu": _COUNT,
                "memoryMB": _COUNT,
                "gpu": _COUNT,
                "ports": Rule(
                    "mapping", items=_COUNT, key_pattern=IDENTIFIER.pattern, nullable=True
                ),
            },
            items=_ANY,
        ),
        "commands": Rule("list", items=_TEXT, filled=True),
        "env": _ENV,
    },
)
_DEPLOYMENT = Rule(
    "mapping",
    required=("name",),
    keys={
        "name": _TEXT,
        "taskRoles": Rule(
            "mapping",
            items=Rule("mapping", keys={"preCommands": _TEXTS, "postCommands": _TEXTS}),
        ),
    },
)
_PREREQUISITE = Rule(
    "mapping",
    required=("name",),
    keys={"name": _TEXT, "type": _TEXT, "plugin": _TEXT},
    items=_ANY,
)
JOB = Rule(
    "mapping",
    required=("protocolVersion", "name", "type", "taskRoles"),
    keys={
        "protocolVersion": _ANY,
        "name": Rule("text", pattern=r"^[a-zA-Z0-9_-]{1,255}\Z"),
        "type": Rule("text", choices=("job",)),
        "version": _ANY,
        "contributor": _ANY,
        "description": _ANY,
        "prerequisites": Rule("list", items=_PREREQUISITE, nullable=True),
        "parameters": Rule("mapping", nullable=True, items=_ANY),
        "secrets": _ANY,
        "jobRetryCount": _COUNT,
        "taskRoles": Rule("mapping", items=_TASK_ROLE, key_pattern=IDENTIFIER.pattern, filled=True),
        "deployments": Rule("list", items=_DEPLOYMENT, nullable=True),
        "defaults": Rule(
            "mapping",
            nullable=True,
            keys={"virtualCluster": _TEXT, "deployment": _TEXT},
            items=_ANY,
        ),
        "extras": Rule("mapping", nullable=True, items=_ANY),
    },
)


@dataclasses.dataclass(frozen=True)
class JobFile:
    """A checked job file: ``document`` as read less its secrets, ``source`` names it in errors."""

    document: Mapping[str, Any]
    secrets: Mapping[str, Any] = dataclasses.field(repr=False)
    source: str

    @property
    def roles(self) -> Mapping[str, Mapping[str, Any]]:
        """Task role name → what the job file says about it."""
        roles: Mapping[str, Mapping[str, Any]] = self.document["taskRoles"]
        return roles


def read_job_file(text: str | bytes, source: str) -> JobFile:
    """Parse and check a job file.

    Raises:
        RuntimeConfigError: what a PAI cluster would refuse too, or role names that it cannot tell
            apart.
    """
    document = load(text, source)
    check(JOB, document, source)
    if str(document["protocolVersion"]) != "2":
        raise RuntimeConfigError(
            f"{source}: protocolVersion: {document['protocolVersion']!r} is not supported; write 2"
        )
    secrets = document.pop("secrets", None)
    if secrets in (None, MASKED_SECRETS):
        secrets = {}
    check(Rule("mapping", items=_ANY, private=True), secrets, source, "secrets")
    _check_references(document, source)
    _check_role_names(document["taskRoles"], source)
    return JobFile(document=document, secrets=secrets, source=source)


def _check_references(document: Mapping[str, Any], source: str) -> None:
    names: dict[tuple[str, str], int] = {}
    for position, item in enumerate(document.get("prerequisites") or []):
        key = (str(item.get("type")), item["name"])
        if key in names:
            raise RuntimeConfigError(
                f"{source}: prerequisites[{position}].name: {item['name']!r} is already the "
                f"name of another prerequisite of type {key[0]}; names must be unique per type"
            )
        names[key] = position
    known = {name for _kind, name in names}
    for role_name, role in document["taskRoles"].items():
        for field, kind in (
            ("dockerImage", "dockerimage"),
            ("data", "data"),
            ("output", "output"),
            ("script", "script"),
        ):
            if field in role and (kind, role[field]) not in names:
                raise _unknown(
                    f"taskRoles.{role_name}.{field}",
                    role[field],
                    f"prerequisite of type {kind}",
                    source,
                )
        for position, name in enumerate(role.get("prerequisites") or []):
            if name not in known:
                raise _unknown(
                    f"taskRoles.{role_name}.prerequisites[{position}]", name, "prerequisite", source
                )
    deployment = (document.get("defaults") or {}).get("deployment")
    if deployment is not None and deployment not in {
        d["name"] for d in document.get("deployments") or []
    }:
        raise _unknown("defaults.deployment", deployment, "deployment", source)


def _unknown(place: str, name: str, what: str, source: str) -> RuntimeConfigError:
    return RuntimeConfigError(
        f"{source}: {place}: {name!r} is not the name of a {what}; define it or correct the name"
    )


def _check_role_names(roles: Mapping[str, Any], source: str) -> None:
    seen: dict[str, str] = {}
    for name in roles:
        converted = framework_role_name(name)
        if not converted:
            raise RuntimeConfigError(
                f"{source}: taskRoles.{name}: a name without letters or digits; rename the role"
            )
        if converted in seen:
            raise RuntimeConfigError(
                f"{source}: taskRoles: {seen[converted]!r} and {name!r} are both {converted!r} on "
                "a PAI cluster; rename one of them"
            )
        seen[converted] = name


def resources(role: Mapping[str, Any]) -> Resources:
    """Return what one task of ``role`` (its mapping in the job file) asks for."""
    asked = role["resourcePerInstance"]
    shm = (role.get("extraContainerOptions") or {}).get("shmMB", 0)
    return Resources(gpu=asked["gpu"], cpu=asked["cpu"], memory_mb=asked["memoryMB"], shm_mb=shm)


def completion(role: Mapping[str, Any], tasks: int) -> tuple[int, int]:
    """Return (failed, succeeded) task counts that complete the job; null and 0 mean the default."""
    policy = role.get("completion") or {}
    return policy.get("minFailedInstances") or 1, policy.get("minSucceededInstances") or tasks
