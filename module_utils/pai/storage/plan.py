# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a mount: decided from what is wanted and what is there, nothing is touched."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from .model import Recipe, Request
from .mountinfo import MountEntry, origin
from .probe import Health, Place, Probe
from .requests import to_dict
from .state import READY, STARTING, Record

#: Types whose mount point may be a symbolic link to where it lies, as OpenPAI allowed it.
_LINKS_ALLOWED = ("azureblob",)


class Act(enum.Enum):
    """What is to be done."""

    NOTHING = "nothing"
    MOUNT = "mount"
    REPAIR = "repair"  # take away what is there of it, and mount again
    REFUSE = "refuse"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What there is at a mount point.

    ``ours``: the mount is the one that the record tells of. ``place`` is known where nothing is
    mounted, ``probe`` where what is wanted is.
    """

    entry: MountEntry | None = None
    matches: bool = False
    ours: bool = False
    place: Place | None = None
    probe: Probe | None = None
    record: Record | None = None


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to do, why, and what the user should know beside it."""

    act: Act
    reason: str = ""
    warning: str = ""


def decide(request: Request, wanted: str, seen: Seen) -> Decision:
    """Return what makes ``request``, whose fingerprint is ``wanted``, true."""
    if seen.entry is None:
        return _unmounted(request, seen)
    where, what = request.mount_point, seen.entry.label
    if not seen.matches:
        # also where it is ours: somebody may be at work in it
        return Decision(
            Act.REFUSE,
            f"{what} is mounted at {where} already; unmount it or choose another mount point",
        )
    if seen.ours:
        return _ours(wanted, seen)
    if seen.probe is not None and seen.probe.is_dead:
        return Decision(
            Act.REFUSE,
            f"{what} is mounted at {where} already, not by this runtime, and does not work"
            f" ({seen.probe.reason}); unmount it with umount -l and start again",
        )
    return _foreign(request, seen, seen.entry)


def _unmounted(request: Request, seen: Seen) -> Decision:
    place, where = seen.place, request.mount_point
    if place is not None and place.kind == "unknown":
        return Decision(
            Act.REFUSE, f"{where} cannot be looked at ({place.problem}); choose another mount point"
        )
    if place is not None and place.kind == "file":
        return Decision(
            Act.REFUSE, f"{place.path} is no directory; move it away or choose another mount point"
        )
    if place is not None and place.link and request.type not in _LINKS_ALLOWED:
        return Decision(
            Act.REFUSE, f"{where} is a symbolic link; give what it leads to, {place.path}"
        )
    if seen.record is not None:
        interrupted = seen.record.phase != READY
        reason = "an earlier start was interrupted" if interrupted else "its mount was gone"
        return Decision(Act.REPAIR, reason)
    if place is None or place.empty or request.mode == "copy":
        return Decision(Act.MOUNT)
    return Decision(
        Act.MOUNT, warning=f"{where} is not empty; while it is mounted, what is in it is hidden"
    )


def _ours(wanted: str, seen: Seen) -> Decision:
    if seen.record is None or seen.record.phase != READY:
        return Decision(Act.REPAIR, "an earlier start was interrupted")
    if seen.probe is not None and seen.probe.is_dead:
        return Decision(Act.REPAIR, seen.probe.reason)
    if seen.record.wanted != wanted:
        return Decision(Act.REPAIR, "its settings have changed")
    return _usable(seen)


def _foreign(request: Request, seen: Seen, entry: MountEntry) -> Decision:
    where = request.mount_point
    if entry.read_only and not request.read_only:
        return Decision(
            Act.REFUSE,
            f"{entry.label} is mounted at {where} already, not by this runtime, and read-only;"
            " ask for it read-only or choose another mount point",
        )
    decision = _usable(seen)
    writable = request.read_only and not entry.read_only
    # a volume of the platform is as the platform wants it
    if decision.act is Act.NOTHING and writable and request.type != "pvc":
        return dataclasses.replace(
            decision, warning=f"{where} was mounted before, and so that it can be written"
        )
    return decision


def _usable(seen: Seen) -> Decision:
    if seen.probe is not None and seen.probe.health is Health.REFUSED:
        return Decision(
            Act.REFUSE,
            f"it is mounted but cannot be used ({seen.probe.reason}); correct the permissions on"
            " the server, or ask for it read-only",
        )
    return Decision(Act.NOTHING)


def fingerprint(request: Request, recipe: Recipe) -> str:
    """Return what changes when a request does that has been mounted before.

    It stands in a file for our own eyes, beside files with the same secrets in clear. The recipe's
    files are left out: a tool may encrypt them differently each time.
    """
    told = {k: v for k, v in to_dict(request).items() if k not in ("name", "place")}
    text = json.dumps([told, recipe.tool, recipe.source, recipe.options], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def matches(wanted: Recipe | Record, entry: MountEntry, entries: Iterable[MountEntry]) -> bool:
    """Tell whether a mount is the wanted one: by source and kind, or where a bind leads."""
    if wanted.tool == "bind":
        return origin(entries, Path(wanted.source)) == (entry.major_minor, entry.root)
    if wanted.filesystems and entry.filesystem not in wanted.filesystems:
        return False
    return not wanted.source or _trimmed(entry.source) == _trimmed(wanted.source)


def is_ours(record: Record | None, entry: MountEntry, entries: Iterable[MountEntry]) -> bool:
    """Tell whether a mount is the one that a record tells of.

    One whose start was interrupted is known by its source only: before it, nothing was there. So is
    one that the machine has mounted again when it started.
    """
    if record is None:
        return False
    if record.phase == STARTING or record.persistent:
        return matches(record, entry, entries)
    return (entry.major_minor, entry.root) == record.identity


def _trimmed(source: str) -> str:
    return source.rstrip("/") or "/"
