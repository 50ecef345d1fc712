# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a Framework object of FrameworkController: where every task of a job runs."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import RuntimeConfigError
from .model import MOST_TASKS
from .ports import PortRule

#: A Framework of 10,000 tasks is 9 MB of JSON; what unpacks to more than this is not one.
MAXIMUM_BYTES = 512 * 2**20
_PORTS = "rest-server/port-scheduling-spec"


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where one task runs, as far as the Framework knows: empty text where it does not."""

    host: str
    pod_uid: str


@dataclasses.dataclass(frozen=True)
class FrameworkRole:
    """One task role: its tasks' places by index, and the rule for their ports."""

    name: str
    task_count: int
    port_rule: PortRule
    placements: Mapping[int, Placement]


@dataclasses.dataclass(frozen=True)
class Framework:
    """What the runtime uses of a Framework object; ``job_file`` is the text of its annotation."""

    source: str
    job_name: str
    user: str
    virtual_cluster: str
    job_file: str | None
    roles: tuple[FrameworkRole, ...]


def read_framework(data: bytes, source: str) -> Framework:
    """Parse a Framework object (JSON), with plain or compressed task statuses.

    Raises:
        RuntimeConfigError: not JSON, or a part has not the form that FrameworkController writes.
    """
    try:
        document = json.loads(data)
        metadata = document["metadata"]
        annotations = metadata.get("annotations") or {}
        labels = metadata.get("labels") or {}
        return Framework(
            source=source,
            job_name=str(annotations.get("jobName") or metadata.get("name") or ""),
            user=str(labels.get("userName") or ""),
            virtual_cluster=str(labels.get("virtualCluster") or ""),
            job_file=annotations.get("config"),
            roles=tuple(_roles(document, source)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RuntimeConfigError(
            f"{source}: not a Framework object ({type(error).__name__}: {_first_line(error)}); "
            "give the JSON that 'kubectl get framework NAME -o json' prints"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120]


def _roles(document: Mapping[str, Any], source: str) -> Iterator[FrameworkRole]:
    statuses = {role["name"]: role for role in _statuses(document, source)}
    seen = set()
    for position, role in enumerate(document["spec"]["taskRoles"]):
        name = str(role["name"])
        pod = role["task"]["pod"]
        annotation = ((pod.get("metadata") or {}).get("annotations") or {}).get(_PORTS)
        place = f"{source}: spec.taskRoles[{position}] ({name})"
        count = int(role["taskNumber"])
        if name in seen or not 0 <= count <= MOST_TASKS:
            problem = "a second role of this name" if name in seen else f"{count} tasks"
            raise RuntimeConfigError(f"{place}: {problem}; fetch the Framework again")
        seen.add(name)
        yield FrameworkRole(
            name=name,
            task_count=count,
            port_rule=PortRule(annotation, place),
            placements=dict(_placements(statuses.get(name) or {})),
        )


def _placements(role: Mapping[str, Any]) -> Iterator[tuple[int, Placement]]:
    for status in role.get("taskStatuses") or []:
        attempt = status.get("attemptStatus") or {}
        yield (
            int(status["index"]),
            Placement(
                host=str(attempt.get("podHostIP") or ""), pod_uid=str(attempt.get("podUID") or "")
            ),
        )


def _statuses(document: Mapping[str, Any], source: str) -> list[Mapping[str, Any]]:
    attempt = ((document.get("status") or {}).get("attemptStatus")) or {}
    plain = attempt.get("taskRoleStatuses")
    if plain:
        return list(plain)
    packed = attempt.get("taskRoleStatusesCompressed")
    return list(json.loads(_unpack(packed, source)) or []) if packed else []


def _unpack(packed: str, source: str) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)  # 31: with a gzip header
        data = unpacker.decompress(base64.b64decode(packed, validate=True), MAXIMUM_BYTES)
        if not unpacker.eof:
            raise ValueError("cut short, or too large")
        return data
    except (binascii.Error, zlib.error, ValueError) as error:
        raise RuntimeConfigError(
            f"{source}: status.attemptStatus.taskRoleStatusesCompressed: not base64 of gzip "
            f"({_first_line(error)}); fetch the Framework again"
        ) from error
