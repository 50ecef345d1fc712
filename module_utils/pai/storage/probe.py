# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a mount works: asked through the mount itself, never for longer than a limit."""

from __future__ import annotations

import dataclasses
import enum
import errno
import os
import secrets
import socket
from pathlib import Path
from typing import Any

from . import child_look
from .child import ask

#: A mount that has worked before gets so long to answer.
PROBE_SECONDS = 10.0
#: Errors by which the kernel tells that the server or the FUSE process behind a mount is gone.
_GONE = frozenset(
    {
        errno.ENOTCONN,
        errno.ESTALE,
        errno.EIO,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENODEV,
        errno.ENXIO,
        errno.ESHUTDOWN,
        errno.ETIMEDOUT,
    }
)


class Health(enum.Enum):
    """What a probe says of a mount."""

    ALIVE = "alive"
    STALE = "stale"  # the server, or the process behind the mount, is gone
    SLOW = "slow"  # no answer within the limit
    REFUSED = "refused"  # it answers, but not with what was asked for: permission, a full disk


@dataclasses.dataclass(frozen=True)
class Probe:
    """The health of a mount, and why it is not alive (in words, empty where it is)."""

    health: Health
    reason: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether mounting it again may help."""
        return self.health in (Health.STALE, Health.SLOW)


@dataclasses.dataclass(frozen=True)
class Place:
    """What stands at a mount point where nothing is mounted.

    ``path`` has no symbolic links left. ``kind``: directory, missing, file, or ``unknown``, and
    then ``problem`` says why. ``missing`` are the directories to be made, outermost first.
    """

    path: Path
    kind: str
    link: bool = False
    empty: bool = True
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Space:
    """How large a mounted file system is, in bytes; None where it did not answer."""

    probe: Probe
    directory: bool = False
    total: int | None = None
    free: int | None = None


def probe(mount_point: Path, *, write: bool, seconds: float) -> Probe:
    """Stat and list a mount; with ``write`` write, read back, remove a small hidden file."""
    name = f".pai-probe-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    answer = ask(child_look, "probe", str(mount_point), name if write else None, seconds=seconds)
    left = f"; it may have left the file {name} there" if write else ""
    return _judge(answer, seconds, left)


def look(mount_point: Path, *, seconds: float) -> Place:
    """Tell what stands at a mount point; symbolic links on the way are resolved."""
    answer = ask(child_look, "look", str(mount_point), seconds=seconds)
    found = _judge(answer, seconds, "")
    if answer is None or found.reason:
        return Place(mount_point, "unknown", problem=found.reason)
    missing = tuple(answer["missing"])
    path = Path(answer["resolved"])
    return Place(path, answer["kind"], answer["link"], answer["empty"], missing)


def space(mount_point: Path, *, seconds: float) -> Space:
    """Ask a mounted file system for its size."""
    answer = ask(child_look, "space", str(mount_point), seconds=seconds)
    found = _judge(answer, seconds, "")
    if answer is None or found.reason:
        return Space(found)
    return Space(found, answer["directory"], answer["total"], answer["free"])


def _judge(answer: dict[str, Any] | None, seconds: float, left: str) -> Probe:
    if answer is None:
        return Probe(Health.SLOW, f"it did not answer within {round(seconds, 1):g} seconds{left}")
    if "errno" not in answer:
        return Probe(Health.ALIVE)
    health = Health.STALE if answer["errno"] in _GONE else Health.REFUSED
    return Probe(health, f"{answer['step']}: {answer['error']}")
