# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes keep a mount busy, read from /proc: the links there touch no mount."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_NAMED = 5


def holders(mount_point: Path, deadline: float, proc: Path = PROC) -> str:
    """Return who uses a mount, in words: ``python3 (12), bash (40)``; empty where nobody is seen.

    Other users' processes are seen by root only.
    """
    found: list[str] = []
    for pid in sorted(int(one) for one in os.listdir(proc) if one.isdigit()):
        if time.monotonic() > deadline:
            break
        if any(_inside(link, mount_point) for link in _links(proc / str(pid))):
            found.append(f"{_name(proc / str(pid))} ({pid})")
    more = len(found) - _NAMED
    named = ", ".join(found[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _links(process: Path) -> Iterator[str]:
    """Yield where a process is, what it runs, and what it has open or mapped."""
    names = ["cwd", "root", "exe"]
    for folder in ("fd", "map_files"):
        try:
            names += [f"{folder}/{one}" for one in os.listdir(process / folder)]
        except OSError:  # it has ended, or is somebody else's
            continue
    for name in names:
        try:
            yield os.readlink(process / name)
        except OSError:
            continue


def _inside(link: str, mount_point: Path) -> bool:
    text = str(mount_point)
    return link == text or link.startswith(f"{text.rstrip('/')}/")


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "?"
