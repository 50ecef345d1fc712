# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a machine mounts a storage by itself when it starts: by /etc/fstab, or a unit of systemd."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import RuntimeConfigError
from ..files import PRIVATE
from ..replacing import replace
from . import systemd
from .mountinfo import MountEntry, at
from .sight import Wish
from .state import Record, Store
from .tools import needs, programs, rclone, rclone_secrets, ssh_login, sshfs, unmounting

FSTAB = Path("/etc/fstab")
_ENVIRONMENT = "environment"
#: The start of the machine waits for the network, but not for a storage that is gone.
_AT_BOOT = ("_netdev", "nofail")
_FSTAB_TOOLS, _DAEMONS = ("mount_helper", "bind"), ("sshfs", "rclone")
_CANNOT = {
    "tunnel": "its tunnel is open only as long as this runtime's ssh runs; leave out its proxy",
    "existing": "the platform mounts it; see to it there",
}


@dataclasses.dataclass(frozen=True)
class Boot:
    """What has to be there, or not any more, for the start of the machine, as the module tells it.

    ``fstab`` are lines of fstab(5): path, src, fstype, opts. ``units`` are units of systemd: name,
    and their settings as systemd.service(5) wants them quoted. Each has ``state``.
    """

    fstab: tuple[Mapping[str, str], ...] = ()
    units: tuple[Mapping[str, str], ...] = ()

    def public(self) -> dict[str, list[Mapping[str, str]]]:
        """Return it as JSON types."""
        return {"fstab": list(self.fstab), "units": list(self.units)}


def present(wishes: Sequence[Wish], store: Store, persistent: bool) -> Boot:
    """Return what is to be there for these storages, or not any more, since it was before."""
    if persistent:
        return Boot(
            tuple(_line(wish) for wish in wishes if wish.recipe.tool in _FSTAB_TOOLS),
            tuple(_unit(wish) for wish in wishes if wish.recipe.tool in _DAEMONS),
        )
    records = [store.get(wish.request.mount_point) for wish in wishes]
    return absent([record for record in records if record is not None], (), fstab_text())


def absent(records: Sequence[Record], wishes: Sequence[Wish], fstab: str) -> Boot:
    """Return what is not to be there any more: for records that were persistent, and for wishes.

    A line of another source is somebody else's.
    """
    ours = {one.mount_point: (one.source, one.tool) for one in records if one.persistent}
    for wish in wishes:
        place = str(wish.request.mount_point)
        ours.setdefault(place, (wish.recipe.source, wish.recipe.tool))
    lines = [
        place for place, (source, _tool) in ours.items() if fstab_source(fstab, place) == source
    ]
    units = [place for place, (_source, tool) in ours.items() if tool in _DAEMONS]
    return Boot(
        tuple({"path": place, "state": "absent"} for place in lines),
        tuple({"name": systemd.unit_name(place), "state": "absent"} for place in units),
    )


def refuse(wishes: Sequence[Wish], store: Store, entries: Sequence[MountEntry], fstab: str) -> None:
    """Refuse what cannot be made persistent.

    Raises:
        RuntimeConfigError: all such storages, and why, in one line.
    """
    problems = []
    for wish in wishes:
        why = _problem(wish, wishes, store, entries, fstab)
        if why:
            name, place = wish.request.name, wish.request.mount_point
            problems.append(f"storage {name!r} at {place} cannot be made persistent: {why}")
    if problems:
        raise RuntimeConfigError("; ".join(problems))


def keep(wish: Wish, store: Store, persistent: bool, deadline: float, *, anew: bool) -> None:
    """Remember whether a mount of ours is persistent, and write or remove what its unit needs.

    ``anew``: it has just been mounted, maybe with other passwords than before.
    """
    record = store.get(wish.request.mount_point)
    if record is None:
        return
    file = wish.private / _ENVIRONMENT
    if not persistent:
        file.unlink(missing_ok=True)
    elif wish.recipe.tool in _DAEMONS and (anew or not file.exists()):
        found = programs.environment_for(_environment(wish, deadline))
        replace(file, systemd.environment_file(found).encode(), PRIVATE)
    if record.persistent != persistent:
        store.put(dataclasses.replace(record, persistent=persistent))


def fstab_text() -> str:
    """Return the content of /etc/fstab; nothing where there is none."""
    try:
        return FSTAB.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def fstab_source(fstab: str, mount_point: str) -> str | None:
    """Return what a line of fstab(5) mounts at a mount point, or None.

    >>> fstab_source("# x\\nsrv:/a\\\\040b /mnt/a nfs4 rw 0 0\\n", "/mnt/a")
    'srv:/a b'
    """
    for line in fstab.splitlines():
        fields = [_unescaped(field) for field in line.split()]
        if len(fields) > 1 and not fields[0].startswith("#") and fields[1] == mount_point:
            return fields[0]
    return None


def _problem(
    wish: Wish, wishes: Sequence[Wish], store: Store, entries: Sequence[MountEntry], fstab: str
) -> str | None:
    request, recipe, place = wish.request, wish.recipe, wish.request.mount_point
    if request.mode == "copy":
        return "a copy is made once; take the mode mount"
    if recipe.tool in _CANNOT:
        return _CANNOT[recipe.tool]
    if recipe.tool in _DAEMONS and not systemd.is_here():
        return "the machine has no systemd, which would have to start it"
    outer = [one for one in wishes if one.request.mount_point in place.parents]
    if any(one.recipe.tool in _DAEMONS for one in outer):
        return "it lies below a storage that /etc/fstab does not mount; choose another mount point"
    there, record = fstab_source(fstab, str(place)), store.get(place)
    if there is not None and there != recipe.source:
        return f"{FSTAB} mounts {there} there; remove that line or choose another mount point"
    if record is None and (entry := at(entries, place)) is not None:
        return f"{entry.label} is mounted there already, not by this runtime; unmount it before"
    if recipe.tool in _FSTAB_TOOLS and "#" in f"{recipe.source}{place}":
        return f"a line of {FSTAB} cannot hold '#'; choose other names"
    return None


def _line(wish: Wish) -> Mapping[str, str]:
    recipe = wish.recipe
    bind = recipe.tool == "bind"
    options = ["ro" if wish.request.read_only else "rw", *recipe.options]
    ours = ("bind", "nofail") if bind else _AT_BOOT
    return {
        "path": str(wish.request.mount_point),
        "src": recipe.source,
        "fstype": "none" if bind else recipe.filesystems[0],
        "opts": ",".join([*options, *ours]),
        "state": "present",
    }


def _unit(wish: Wish) -> Mapping[str, str]:
    recipe, place, tool = wish.recipe, wish.request.mount_point, wish.recipe.tool
    command = {"sshfs": sshfs.command, "rclone": rclone.command}[tool]
    words = command(recipe, wish.private, place, wish.request.read_only, needs.others_allowed())
    program = programs.find(tool) or f"/usr/bin/{tool}"
    return {
        "name": systemd.unit_name(str(place)),
        "description": systemd.text(f"Storage at {place}"),
        "needs": systemd.path(place.parent),
        "environment_file": systemd.text(str(wish.private / _ENVIRONMENT)),
        "start": systemd.command([program, *words]),
        "stop": systemd.command(unmounting.command(place, fuse=True)),
        "mount_point": systemd.command([str(place)]),
        "state": "present",
    }


def _environment(wish: Wish, deadline: float) -> Mapping[str, str]:
    if wish.recipe.tool == "sshfs":
        return ssh_login.environment(wish.private)
    return rclone_secrets.environment(programs.needed("rclone"), wish.recipe, deadline)


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
