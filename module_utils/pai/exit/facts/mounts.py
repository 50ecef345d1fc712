# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the storages that the runtime mounted still work."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...storage import mountinfo
from ...storage.mountinfo import MountEntry
from ...storage.probe import Health, Space, space
from ...storage.state import STARTING, Record, Store

#: So many are asked, side by side: each by a process of its own, since a dead mount holds it up.
_MOST = 32
_GONE = "nothing is mounted there any more"


def read(state_directory: Path, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each mount in the state of the storage plugin.

    Raises:
        RuntimeConfigError: the state is damaged.
        OSError: the kernel does not tell what is mounted.
    """
    store = Store(state_directory)
    records = [one for one in store.records() if one.phase != STARTING][:_MOST]
    if not records:
        return []
    entries = mountinfo.read()
    with concurrent.futures.ThreadPoolExecutor(len(records)) as pool:
        return list(pool.map(lambda record: _row(record, entries, seconds), records))


def _row(record: Record, entries: Sequence[MountEntry], seconds: float) -> dict[str, Any]:
    target = Path(record.target)
    if mountinfo.at(entries, target) is None:
        return describe(record, None)
    return describe(record, space(target, seconds=seconds))


def describe(record: Record, found: Space | None) -> dict[str, Any]:
    """Return the row of one mount; ``found`` None: there is none any more."""
    alive = found is not None and not found.probe.is_dead
    reason = _GONE if found is None else found.probe.reason
    refused = found is not None and found.probe.health is Health.REFUSED
    return {
        "path": record.mount_point,
        "source": record.source,
        "alive": alive,
        "reason": reason if refused or not alive else "",
        "totalBytes": found.total if found else None,
        "freeBytes": found.free if found else None,
    }
