# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PAI job file (job protocol version 2) may hold, as one table."""

from __future__ import annotations

from .model import IDENTIFIER, MOST_PORTS, MOST_TASKS
from .rules import Rule

_TEXT = Rule("text")
_ANY = Rule("any")
_COUNT = Rule("integer", minimum=0)
_PORTS = Rule("integer", minimum=0, maximum=MOST_PORTS)
_TEXTS = Rule("list", items=_TEXT)
_ENV = Rule("mapping", items=_ANY, key_pattern=IDENTIFIER.pattern)

_TASK_ROLE = Rule(
    "mapping",
    required=("dockerImage", "resourcePerInstance", "commands"),
    keys={
        "instances": Rule("integer", minimum=1, maximum=MOST_TASKS),
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
                    "mapping", items=_PORTS, key_pattern=IDENTIFIER.pattern, nullable=True
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
        "name": Rule("text", pattern=r"[a-zA-Z0-9_-]{1,255}"),
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
#: Their values are never shown.
SECRETS = Rule("mapping", items=_ANY, private=True)
