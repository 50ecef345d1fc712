# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mounting needs of the machine: programs, /dev/fuse, the right to mount."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import programs

_STATUS = Path("/proc/self/status")
_FUSE = Path("/dev/fuse")
_FUSE_CONFIG = Path("/etc/fuse.conf")
_SYS_ADMIN = 21  # capabilities(7)


def program(
    names: Sequence[str], debian: str, red_hat: str, environment: Mapping[str, str]
) -> str | None:
    """Return how to get one of these programs, or None where there is one."""
    if any(programs.find(name, environment) for name in names):
        return None
    package = f"package {debian}" + ("" if red_hat == debian else f", on RHEL {red_hat}")
    return f"the program {' or '.join(names)} is missing; install it in the image ({package})"


def right_to_mount() -> str | None:
    """Return how to get the right to mount, or None where this process has it."""
    if _capability("CapEff"):
        return None
    return _no_right()


def fuse(environment: Mapping[str, str]) -> str | None:
    """Return what a FUSE program lacks here, or None."""
    return _device() or _fuse_right(environment)


def others_allowed() -> bool:
    """Return whether FUSE lets this user open a mount to others (allow_other)."""
    if os.geteuid() == 0:
        return True
    try:
        lines = _FUSE_CONFIG.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.strip() == "user_allow_other" for line in lines)


def _device() -> str | None:
    give = (
        "give it to the container (--device /dev/fuse; on Kubernetes privileged, or a device"
        " plugin), or let the platform mount the storage"
    )
    try:
        os.close(os.open(_FUSE, os.O_RDWR))
    except FileNotFoundError:
        return f"the device {_FUSE} is missing; {give}"
    except OSError as error:
        return f"the device {_FUSE} cannot be opened ({error.strerror}); {give}"
    return None


def _fuse_right(environment: Mapping[str, str]) -> str | None:
    if _capability("CapEff"):
        return None
    # Another user's programs mount through fusermount3, which is root's and set-user-ID.
    if os.geteuid() == 0 or not _capability("CapBnd"):
        return _no_right()
    return program(["fusermount3", "fusermount"], "fuse3", "fuse3", environment)


def _capability(which: str) -> bool:
    found = re.search(rf"^{which}:\s*([0-9a-f]+)$", _STATUS.read_text(), re.MULTILINE)
    return bool(found and int(found[1], 16) >> _SYS_ADMIN & 1)


def _no_right() -> str:
    who = "this process" if os.geteuid() == 0 else "this process is not root and"
    return (
        f"{who} lacks the capability CAP_SYS_ADMIN, which mounting needs; give it to the container"
        " (--cap-add SYS_ADMIN; on Kubernetes securityContext.capabilities.add), or let the"
        " platform mount the storage"
    )
