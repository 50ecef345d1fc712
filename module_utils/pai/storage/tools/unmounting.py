# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a mount away in an orderly way, as the kernel or fusermount does it."""

from __future__ import annotations

from pathlib import Path

from .. import mountinfo
from . import programs


def mounted(mount_point: Path) -> mountinfo.MountEntry | None:
    """Return what is mounted there, without touching it."""
    return mountinfo.at(mountinfo.read(), mount_point)


def unmount(mount_point: Path, deadline: float) -> str | None:
    """Unmount what is seen at the mount point; None when it is gone, else why it is not."""
    entry = mounted(mount_point)
    if entry is None:
        return None
    words = command(mount_point, fuse=entry.filesystem.startswith("fuse"))
    ended = programs.run(words, deadline=deadline)
    if mounted(mount_point) != entry:
        return None
    return str(programs.failed(Path(words[0]).name, ended))


def command(mount_point: Path, *, fuse: bool) -> list[str]:
    """Return the words that unmount.

    FUSE's own program is the only one for a user who is not root, and the better one for root: it
    asks the file system nothing, where umount waits for a server that does not answer.
    """
    helper = programs.find("fusermount3") or programs.find("fusermount")
    if fuse and helper:
        return [helper, "-u", str(mount_point)]
    return [programs.find("umount") or "/bin/umount", str(mount_point)]


def undo(source: str, mount_point: Path, deadline: float) -> None:
    """Take away what a failed mount may have left; what is there from others stays."""
    entry = mounted(mount_point)
    if entry is not None and entry.source == source:
        unmount(mount_point, deadline)


def sync(mount_point: Path, deadline: float) -> str | None:
    """Have the kernel send to the server what it keeps; None when it has, else why not."""
    program = programs.find("sync")
    if program is None:
        return "the program sync is missing (package coreutils)"
    ended = programs.run([program, "-f", str(mount_point)], deadline=deadline)
    if ended.code == 0:
        return None
    if ended.code is None:
        return "the server has not yet taken all that was written"
    return ended.words or f"sync ended with exit code {ended.code}"
