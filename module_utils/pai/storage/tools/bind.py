# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of this machine, mounted at another place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import needs, programs, unmounting
from .tool import Facts, MountError


class Bind:
    """``mount --bind``, and a second call where the mount is to be restricted."""

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it."""
        mount = needs.program(["mount"], "mount", "util-linux", environment)
        return mount or needs.right_to_mount()

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Mount; nothing is to be remembered of it."""
        if not os.path.isdir(recipe.source):
            raise MountError(
                f"there is no directory {recipe.source} on this machine", path_missing=True
            )
        program = programs.needed("mount")
        for number, words in enumerate(commands(recipe, mount_point, read_only)):
            ended = programs.run([program, *words], deadline=deadline, secrets=recipe.secrets)
            if ended.code == 0:
                continue
            if number > 0:
                unmounting.unmount(mount_point, deadline)
            raise programs.failed("mount", ended)
        return {}

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return None: there is no daemon."""
        return None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Return None: what is written is in the directory at once."""
        return None

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount; the directory itself stays."""
        return unmounting.unmount(mount_point, deadline)


def commands(recipe: Recipe, mount_point: Path, read_only: bool) -> list[list[str]]:
    """Return the arguments of one or two calls of mount(8).

    >>> commands(Recipe("bind", "/data", (), ()), Path("/mnt/a"), False)
    [['--bind', '/data', '/mnt/a']]
    """
    options = [*(["ro"] if read_only else []), *recipe.options]
    calls = [["--bind", recipe.source, str(mount_point)]]
    if options:
        # The first call ignores all options but those of the binding itself: see mount(8).
        calls.append(["-o", ",".join(["remount", "bind", *options]), str(mount_point)])
    return calls
