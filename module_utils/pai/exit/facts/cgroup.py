# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of the container as its cgroup counts it: limit, peak, and processes killed for it.

Both versions of cgroups, see the kernel's Documentation/admin-guide/cgroup-v2.rst and
cgroup-v1/memory.rst. pai-runtime itself reads this before the command: so it imports nothing that
takes long, as dataclasses do, and not the storages' mountinfo either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_CGROUPS, _MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
#: From here on version 1 means "no limit": the largest page-aligned number of the kernel.
_UNLIMITED = 1 << 60


class Mount(NamedTuple):
    """A mounted cgroup: ``cgroup`` with its controllers as options, or ``cgroup2``."""

    point: Path
    root: str
    filesystem: str
    options: tuple[str, ...]


class Place(NamedTuple):
    """Where the memory files of this process's cgroup are; ``top`` is as far as can be seen."""

    version: int
    directory: Path
    top: Path


def find(cgroups: str, mounts: Sequence[Mount]) -> Place | None:
    """Return the place from the text of /proc/self/cgroup; None where no cgroup counts memory."""
    for line in cgroups.splitlines():
        _number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if "memory" in controllers.split(","):
            for mount in mounts:
                if mount.filesystem == "cgroup" and "memory" in mount.options:
                    return _place(1, mount, path)
    for line in cgroups.splitlines():
        if line.startswith("0::"):
            for mount in mounts:
                if mount.filesystem == "cgroup2":
                    return _place(2, mount, line[3:])
    return None


def _place(version: int, mount: Mount, path: str) -> Place:
    # A container sees its cgroup mounted as if it were the root, or the machine's path of it.
    root = mount.root.rstrip("/")
    inner = path[len(root) :] if f"{path}/".startswith(f"{root}/") else ""
    directory = mount.point / inner.strip("/")
    inside = ".." not in directory.parts and directory.is_dir()
    return Place(version, directory if inside else mount.point, mount.point)


def here() -> Place | None:
    """Return the place of this process.

    Raises:
        OSError: /proc cannot be read.
    """
    return find(_CGROUPS.read_text(), list(mounted(_MOUNTS.read_text(errors="replace"))))


def mounted(table: str) -> Iterator[Mount]:
    """Yield the cgroups of the text of /proc/self/mountinfo.

    >>> next(mounted("1 2 0:3 /a /sys/fs/cgroup rw - cgroup2 none rw,nsdelegate")).root
    '/a'
    """
    for line in table.splitlines():
        before, _dash, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if rest[0] in ("cgroup", "cgroup2") and len(fields) > 4 and len(rest) > 2:
            yield Mount(Path(fields[4]), fields[3], rest[0], tuple(rest[2].split(",")))


def counters(place: Place) -> dict[str, Any]:
    """Return the counters as they stand, in bytes and in events; None where there is no file."""
    names = ("memory.max", "memory.peak", "memory.current")
    if place.version == 1:
        names = ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.usage_in_bytes")
    limits = [_number(folder / names[0]) for folder in _upwards(place)]
    known = [limit for limit in limits if limit is not None and limit < _UNLIMITED]
    kills, hits = _events(place)
    return {
        "directory": str(place.directory),
        "limitBytes": min(known, default=None),
        "peakBytes": _number(place.directory / names[1]),
        "usedBytes": _number(place.directory / names[2]),
        "oomKills": kills,
        "limitHits": hits,
    }


def since(start: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counters of now with the events since ``start``; None where it is of elsewhere.

    >>> since({"directory": "/x", "oomKills": 1}, {"directory": "/x", "oomKills": 3})["oomKills"]
    2
    """
    same = start.get("directory") == now["directory"]
    events = {name: _more(start.get(name) if same else None, now.get(name)) for name in _EVENTS}
    return {**{k: v for k, v in now.items() if k != "directory"}, **events}


_EVENTS = ("oomKills", "limitHits")


def _more(start: object, now: object) -> int | None:
    if not isinstance(start, int) or not isinstance(now, int):
        return None
    return max(0, now - start)


def _events(place: Place) -> tuple[int | None, int | None]:
    """Return how many processes were killed for memory, and how often the limit was hit."""
    if place.version == 1:
        table = _table(place.directory / "memory.oom_control")
        return table.get("oom_kill"), _number(place.directory / "memory.failcnt")
    table = _table(place.directory / "memory.events")
    return table.get("oom_kill"), table.get("max")


def _upwards(place: Place) -> list[Path]:
    """Return the cgroup's directory and those above it, as far as they can be seen."""
    above = [folder for folder in place.directory.parents if place.top in (folder, *folder.parents)]
    return [place.directory, *above]


def _table(path: Path) -> dict[str, int]:
    rows = [line.split() for line in _text(path).splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # an older kernel, or the root cgroup, has no such file
        return ""
