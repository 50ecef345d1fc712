# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume that the platform mounts: it is there or not, and stays when we go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import unmounting
from .tool import Facts, MountError


class Existing:
    """Mounts nothing, and says so where nothing is mounted."""

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return None: nothing is needed."""
        return None

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Look whether something is mounted there."""
        if unmounting.mounted(mount_point) is None:
            raise MountError(
                f"nothing is mounted at {mount_point}; add the volume to the pod's volumes and"
                " volumeMounts"
            )
        return {}

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return None: there is no daemon of ours."""
        return None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Have the kernel send what it keeps: the platform may unmount without us."""
        return unmounting.sync(mount_point, deadline)

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Return None: what the platform mounted is not ours to unmount."""
        return None
