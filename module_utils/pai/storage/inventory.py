# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of what is mounted: source, kind, options, size, and whether it works."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import mountinfo
from .mountinfo import MountEntry
from .parallel import run_ordered
from .plan import is_ours
from .probe import Health, Space, space
from .state import Record

#: File systems that hold nothing but what the kernel or the container engine shows.
_NO_STORAGE = frozenset(
    {
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fuse.lxcfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "ramfs",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
    }
)
_NO_STORAGE_BELOW = tuple(Path(one) for one in ("/proc", "/sys", "/dev", "/run"))
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only looked at


def chosen(
    entries: Sequence[MountEntry], records: Sequence[Record], every: bool
) -> list[tuple[MountEntry, Record | None]]:
    """Return the mounts that are seen, each with our record of it; ``every``: all of them."""
    seen = {entry.mount_point: entry for entry in entries}
    ours = {
        Path(record.target): record
        for record in records
        if (entry := seen.get(Path(record.target))) is not None and is_ours(record, entry, entries)
    }
    return [
        (entry, ours.get(entry.mount_point))
        for entry in seen.values()
        if every or entry.mount_point in ours or is_storage(entry)
    ]


def is_storage(entry: MountEntry) -> bool:
    """Tell whether data may lie in a mount."""
    if entry.mount_point == _SHARED_MEMORY:
        return True
    folders = (entry.mount_point, *entry.mount_point.parents)
    if any(folder in folders for folder in _NO_STORAGE_BELOW):
        return False
    return entry.filesystem not in _NO_STORAGE


def describe(
    found: Sequence[tuple[MountEntry, Record | None]], workers: int, seconds: float
) -> list[dict[str, Any]]:
    """Ask each mount for its size, no longer than ``seconds``; single files are left out."""
    needs: dict[int, set[int]] = {index: set() for index in range(len(found))}

    def work(one: tuple[MountEntry, Record | None], _needed: list[Space]) -> Space:
        return space(one[0].mount_point, seconds=seconds)

    sizes = run_ordered(found, needs, work, workers)
    return [
        _described(entry, record, size)
        for (entry, record), size in zip(found, sizes)
        if size.directory or size.probe.health is not Health.ALIVE
    ]


def read(
    records: Sequence[Record],
    places: Sequence[Path] | None,
    *,
    every: bool,
    workers: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Return the list for what is mounted now, in the kernel's order; ``places``: only there."""
    found = chosen(mountinfo.read(), records, every or places is not None)
    wanted = [one for one in found if places is None or one[0].mount_point in places]
    return describe(wanted, workers, seconds)


def _described(entry: MountEntry, record: Record | None, size: Space) -> dict[str, Any]:
    return {
        "mount_point": str(entry.mount_point),
        "source": entry.source,
        "filesystem": entry.filesystem,
        "root": entry.root,
        "options": list(entry.options),
        "read_only": entry.read_only,
        "total_bytes": size.total,
        "free_bytes": size.free,
        "alive": size.probe.health is Health.ALIVE,
        "problem": size.probe.reason,
        "ours": record is not None,
        "name": record.name if record is not None else "",
    }
