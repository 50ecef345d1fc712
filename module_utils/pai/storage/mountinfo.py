# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted, as the kernel tells it in /proc/self/mountinfo: see proc_pid_mountinfo(5).

Reading it touches no mount, so that one whose server is gone holds nobody up.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path

FILE = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclasses.dataclass(frozen=True)
class MountEntry:
    """One mount.

    ``root`` is the directory of the file system that is seen at the mount point: more than ``/``
    for a bind mount. ``options`` are those of the mount, then those of the file system;
    ``major_minor`` is the number of the device.
    """

    mount_point: Path
    source: str
    filesystem: str
    options: tuple[str, ...]
    root: str
    major_minor: str

    @property
    def read_only(self) -> bool:
        """Whether the mount or its file system refuses to be written."""
        return "ro" in self.options

    @property
    def label(self) -> str:
        """What is mounted, in a few words."""
        below = "" if self.root == "/" else f", of which {self.root}"
        return f"{self.source or 'something without a name'} ({self.filesystem}{below})"


def read(path: Path = FILE) -> tuple[MountEntry, ...]:
    """Return all mounts of this process's mount namespace, in the kernel's order."""
    return parse(path.read_bytes())


def parse(content: bytes) -> tuple[MountEntry, ...]:
    r"""Return the entries of ``content``; a line that is none is left out.

    >>> parse(b"36 35 98:0 /a /mnt/x\\040y rw shared:1 - nfs4 srv:/a rw,vers=4.2\n")[0].mount_point
    PosixPath('/mnt/x y')
    """
    entries = (_entry(line) for line in content.split(b"\n"))
    return tuple(entry for entry in entries if entry is not None)


def at(entries: Iterable[MountEntry], mount_point: Path) -> MountEntry | None:
    """Return what is seen at ``mount_point``, or None where nothing is mounted.

    Of several mounts on one point the last one is seen. An autofs that waits there for somebody to
    look is nothing yet: what it mounts comes as another entry.
    """
    found = [entry for entry in entries if entry.mount_point == mount_point]
    return found[-1] if found and found[-1].filesystem != "autofs" else None


def below(entries: Iterable[MountEntry], mount_point: Path) -> list[MountEntry]:
    """Return the mounts on directories below ``mount_point``."""
    return [entry for entry in entries if mount_point in entry.mount_point.parents]


def origin(entries: Iterable[MountEntry], path: Path) -> tuple[str, str] | None:
    """Return device and root that a bind mount of ``path`` has: it keeps no other trace of it."""
    best: MountEntry | None = None
    for entry in entries:
        inside = entry.mount_point == path or entry.mount_point in path.parents
        if inside and (best is None or len(entry.mount_point.parts) >= len(best.mount_point.parts)):
            best = entry
    if best is None:
        return None
    inner = path.relative_to(best.mount_point).as_posix()
    return best.major_minor, os.path.normpath(f"{best.root.rstrip('/')}/{inner}")


def _entry(line: bytes) -> MountEntry | None:
    # A source may be empty, so that two spaces follow each other: not split() without argument.
    before, dash, after = line.partition(b" - ")
    fields, rest = before.split(b" "), after.split(b" ")
    if not dash or len(fields) < 6 or len(rest) < 3:
        return None
    options = (*fields[5].split(b","), *b" ".join(rest[2:]).split(b","))
    return MountEntry(
        mount_point=Path(_text(fields[4])),
        source=_text(rest[1]),
        filesystem=_text(rest[0]),
        options=_options(_text(option) for option in options),
        root=_text(fields[3]),
        major_minor=_text(fields[2]),
    )


def _options(options: Iterable[str]) -> tuple[str, ...]:
    """Return each option once; one ``ro`` outweighs what else says ``rw``."""
    once = dict.fromkeys(option for option in options if option)
    if "ro" in once:
        once.pop("rw", None)
    return tuple(once)


def _text(field: bytes) -> str:
    return os.fsdecode(_ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field))
