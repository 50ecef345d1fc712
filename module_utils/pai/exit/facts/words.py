# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in words what of the facts is out of order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..gpu import told as told_of_memory
from .disks import INODES

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def notable(facts: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing that is out of order; none where nothing is.

    >>> notable({"disks": [{"path": "/x", "full": True, "freeBytes": 0, "totalBytes": 2048}]})
    ['/x is full: 0 bytes of 2.0 KiB are free']
    """
    return [
        *_memory(facts.get("memory", {})),
        *(_disk(row) for row in facts.get("disks", []) if row["full"]),
        *(f"{row['path']}: {row['reason']}" for row in facts.get("mounts", []) if row["reason"]),
        *([facts["gpuProblem"]] if facts.get("gpuProblem") else []),
        *(line for row in facts.get("gpus", []) for line in _gpu(row)),
        *(row["text"] for row in facts.get("xids", [])),
    ]


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"


def _memory(memory: Mapping[str, Any]) -> list[str]:
    kills, peak, limit = (memory.get(name) for name in ("oomKills", "peakBytes", "limitBytes"))
    if not kills:
        return []
    shown = f"; the most was {size(peak)}" if peak else ""
    bound = f" of {size(limit)}" if limit and peak else ""
    return [f"processes that the kernel killed for memory: {kills}{shown}{bound}"]


def _disk(row: Mapping[str, Any]) -> str:
    free = f"{size(row['freeBytes'])} of {size(row['totalBytes'])}"
    left = row.get("inodesFree")
    if left is not None and left < INODES:
        free = f"{left} of {row.get('inodes')} inodes"
    return f"{row['path']} is full: {free} are free"


def _gpu(row: Mapping[str, Any]) -> list[str]:
    name = f"GPU {row['index']} ({row['name']}, {row['id']})"
    parts = {
        "lost": "does not answer",
        "needsReset": "needs a reset",
        "resetAdvised": "should be reset when its processes have ended",
        "repairPending": "a part of it is to be repaired at the next reset",
        "rowRemapFailed": "a row of its memory could not be replaced",
        "rowRemapPending": "a row of its memory is to be replaced at the next reset",
        "pageRetirementPending": "a page of its memory is to be retired at the next reset",
    }
    errors = told_of_memory(row["index"], row["name"], row["id"], row["uncorrectedVolatile"])
    told = [f"{name}: {words}" for key, words in parts.items() if row.get(key)]
    return [errors, *told] if errors else told
