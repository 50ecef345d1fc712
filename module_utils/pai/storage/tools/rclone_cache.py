# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rclone has taken from programs and the server does not have yet.

rclone keeps a JSON file beside each cached one, ``vfsMeta/REMOTE/PATH``, whose ``Dirty`` says so
(vfs/vfscache/item.go, type Info). To read them works with every rclone since 1.53, needs no open
port, and also works when rclone has died; its remote control does neither before 1.61.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

CACHE = "cache"
_META = "vfsMeta"
_PAUSE = 0.1  # seconds
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Pending:
    """A file that still has to go to the server; ``size`` in bytes."""

    path: str
    size: int


def pending(private: Path) -> tuple[Pending, ...]:
    """Return the files that only the cache has."""
    return tuple(sorted(_pending(private / CACHE / _META), key=lambda file: file.path))


def wait(private: Path, deadline: float) -> tuple[Pending, ...]:
    """Wait until nothing is pending, and return what is at the deadline."""
    while (found := pending(private)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return found


def told(files: tuple[Pending, ...]) -> str:
    """Say what is pending.

    >>> told((Pending("a/b", 2500000),))
    '1 file (2.5 MB) is not on the server yet: a/b'
    """
    size = sum(file.size for file in files) / 1e6
    many = "1 file" if len(files) == 1 else f"{len(files)} files"
    names = ", ".join(file.path for file in files[:_SHOWN])
    more = ", …" if len(files) > _SHOWN else ""
    verb = "is" if len(files) == 1 else "are"
    return f"{many} ({size:.1f} MB) {verb} not on the server yet: {names}{more}"


def _pending(meta: Path) -> Iterator[Pending]:
    for folder, _folders, names in os.walk(meta):
        for name in names:
            path = Path(folder, name)
            size = _dirty_size(path)
            if size is not None:
                # Below vfsMeta first comes the name of the remote.
                yield Pending("/".join(path.relative_to(meta).parts[1:]), size)


def _dirty_size(path: Path) -> int | None:
    try:
        info = json.loads(path.read_bytes())
        return int(info.get("Size", 0)) if info.get("Dirty") else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):
        # rclone is about to write it: so there is news of the file.
        return 0
