# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's own network file systems, through mount(8) and its helpers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import needs, programs, unmounting
from .tool import Facts, MountError

# File system → package with its helper on Debian and Ubuntu, and on RHEL.
_PACKAGES = {"nfs4": ("nfs-common", "nfs-utils"), "cifs": ("cifs-utils", "cifs-utils")}
# As mount.nfs and mount.cifs say it of the server's directory, not of the mount point.
_NO_DIRECTORY = re.compile(
    r"reason given by server: No such file|mount error\(2\)|failed: No such file or directory"
)
# mount.cifs keeps this capability and drops the others; a container's default set lacks it.
_NO_CAPABILITY = re.compile(r"Unable to apply new capability set")
_NO_KERNEL = re.compile(r"[Uu]nknown filesystem type|No such device|mount error\(19\)")


class MountHelper:
    """``mount -t nfs4`` and ``mount -t cifs``."""

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it."""
        filesystem = recipe.filesystems[0]
        debian, red_hat = _PACKAGES[filesystem]
        return (
            needs.program([f"mount.{filesystem}"], debian, red_hat, environment)
            or needs.program(["mount"], "mount", "util-linux", environment)
            or needs.right_to_mount()
        )

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Mount; nothing is to be remembered of it."""
        words = command(recipe, mount_point, read_only)
        ended = programs.run(
            [programs.needed("mount"), *words], deadline=deadline, secrets=recipe.secrets
        )
        if ended.code == 0:
            return {}
        unmounting.undo(recipe.source, mount_point, deadline)
        raise _explained(programs.failed("mount", ended, _NO_DIRECTORY), recipe.filesystems[0])

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return None: the kernel writes no log for us."""
        return None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Have the kernel send what it keeps."""
        return unmounting.sync(mount_point, deadline)

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount; the kernel sends before what it keeps."""
        return unmounting.unmount(mount_point, deadline)


def _explained(error: MountError, filesystem: str) -> MountError:
    """Add what to do where the container or the kernel lacks what no image can bring."""
    if _NO_CAPABILITY.search(str(error)):
        return MountError(
            f"{error} {filesystem} also needs the capability CAP_DAC_READ_SEARCH (--cap-add"
            " DAC_READ_SEARCH; on Kubernetes securityContext.capabilities.add)"
        )
    if not _NO_KERNEL.search(str(error)):
        return error
    return MountError(f"{error}; the kernel has no {filesystem}: load its module on the node")


def command(recipe: Recipe, mount_point: Path, read_only: bool) -> list[str]:
    """Return the arguments of mount(8).

    >>> command(Recipe("mount_helper", "srv:/a", ("nfs4",), ("retry=0",)), Path("/mnt/a"), True)
    ['-t', 'nfs4', '-o', 'ro,retry=0', 'srv:/a', '/mnt/a']
    """
    options = ",".join(["ro" if read_only else "rw", *recipe.options])
    return ["-t", recipe.filesystems[0], "-o", options, recipe.source, str(mount_point)]
