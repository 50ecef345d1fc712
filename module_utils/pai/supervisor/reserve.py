# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on disks that a command may fill, so that its end can still be analysed and written down."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

#: Where the locks of Ansible's processes are; full after many a bus error.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only room is taken there
_MOUNTS = Path("/proc/self/mountinfo")
#: There a file without a name gets one after all, that people see, or is sent to a server.
_REMOTE = ("nfs", "cifs", "smb3", "fuse")


class Room(NamedTuple):
    """What is held on the file system of a directory: so many files, of so many bytes each."""

    directory: Path
    files: int
    size: int


def rooms(work_dir: Path, log_dir: Path) -> list[Room]:
    """Return what the end needs: results and Ansible's own files, and its locks."""
    # Below the 1 MiB and the 16 inodes from which on any disk counts as full (exit/facts/disks.py).
    results = [Room(directory, 12, 48 * 1024) for directory in (work_dir, log_dir)]
    return [*results, Room(SHARED_MEMORY, 16, 4096)]


def is_remote(device: int, mounts: str) -> bool:
    """Whether a file system is one of a server, from the text of /proc/self/mountinfo.

    >>> is_remote(35, "61 41 0:35 / /data rw - nfs4 server:/data rw")
    True
    """
    number = f"{os.major(device)}:{os.minor(device)}"
    lines = (line.partition(" - ") for line in mounts.splitlines())
    return any(f" {number} " in place and kind.startswith(_REMOTE) for place, _dash, kind in lines)


class Reserve:
    """Files that hold the room. They have no name, so that nothing is left if we are killed."""

    def __init__(self) -> None:
        self._held: list[int] = []

    def take(self, wanted: Iterable[Room]) -> None:
        """Take the room, once on every file system; a full one gives what it has."""
        devices: set[int] = set()
        for room in wanted:
            with contextlib.suppress(OSError):  # not there, or full already: the end tries anyway
                device = os.stat(room.directory).st_dev
                if device not in devices and not is_remote(device, _MOUNTS.read_text()):
                    self._fill(room)
                devices.add(device)

    def release(self) -> None:
        """Give the room back, for whoever writes next."""
        while self._held:
            os.close(self._held.pop())

    def _fill(self, room: Room) -> None:
        content = os.urandom(room.size)  # what is all zeros may take no room
        for number in range(room.files):
            path = room.directory / f".reserve-{os.getpid()}-{number}"
            self._held.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            path.unlink()
            os.write(self._held[-1], content)
