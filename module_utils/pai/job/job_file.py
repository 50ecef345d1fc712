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
from .job_rules import JOB, SECRETS
from .model import Resources, framework_role_name
from .rules import check

#: How a Framework's annotation holds the place of the job's secrets.
MASKED_SECRETS = "******"


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
    check(SECRETS, secrets, source, "secrets")
    _check_references(document, source)
    _check_role_names(document["taskRoles"], source)
    return JobFile(document=document, secrets=secrets, source=source)


def _check_references(document: Mapping[str, Any], source: str) -> None:
    names = _prerequisite_names(document, source)
    for role_name, role in document["taskRoles"].items():
        _check_role(role, names, f"taskRoles.{role_name}", source)
    deployment = (document.get("defaults") or {}).get("deployment")
    deployments = {item["name"] for item in document.get("deployments") or []}
    if deployment is not None and deployment not in deployments:
        raise _unknown("defaults.deployment", deployment, "deployment", source)


def _prerequisite_names(document: Mapping[str, Any], source: str) -> set[tuple[str, str]]:
    """Return (type, name) of every prerequisite."""
    names: set[tuple[str, str]] = set()
    for position, item in enumerate(document.get("prerequisites") or []):
        key = (str(item.get("type")), item["name"])
        if key in names:
            raise RuntimeConfigError(
                f"{source}: prerequisites[{position}].name: {item['name']!r} is already the "
                f"name of another prerequisite of type {key[0]}; names must be unique per type"
            )
        names.add(key)
    return names


def _check_role(
    role: Mapping[str, Any], names: set[tuple[str, str]], place: str, source: str
) -> None:
    for field in ("dockerImage", "data", "output", "script"):
        kind = field.lower()
        if field in role and (kind, role[field]) not in names:
            raise _unknown(f"{place}.{field}", role[field], f"prerequisite of type {kind}", source)
    known = {name for _kind, name in names}
    for position, name in enumerate(role.get("prerequisites") or []):
        if name not in known:
            raise _unknown(f"{place}.prerequisites[{position}]", name, "prerequisite", source)


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
