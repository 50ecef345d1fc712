# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full the file systems are on which the task writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only looked at
#: Full is what has less than both: a part of all, and so many bytes; or hardly an inode. Of a
#: small one the part is larger: pai-runtime has just given room back (supervisor/reserve.py).
_PART, _SMALL, _BYTES, INODES = 0.01, 1024 * 1024, 64 * 1024 * 1024, 16


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return a row for each file system below ``paths``, told by the first path that is on it."""
    rows: dict[int, dict[str, Any]] = {}
    for path in paths:
        try:
            device = os.stat(path).st_dev
            if device not in rows:
                rows[device] = describe(path, os.statvfs(path))
        except OSError:  # not there in this image
            continue
    return [row for row in rows.values() if row["totalBytes"]]


def describe(path: Path, found: os.statvfs_result) -> dict[str, Any]:
    """Return the row of one file system: bytes and inodes, all and free, and whether it is full.

    ``inodes`` is None where the file system makes them as it needs them.
    """
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    counted = found.f_files > 0
    no_bytes = free < _BYTES and free < max(total * _PART, min(total / 4, _SMALL))
    return {
        "path": str(path),
        "totalBytes": total,
        "freeBytes": free,
        "inodes": found.f_files if counted else None,
        "inodesFree": found.f_favail if counted else None,
        "full": no_bytes or (counted and found.f_favail < INODES),
    }
