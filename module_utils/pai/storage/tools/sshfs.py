# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sshfs: a directory of an SSH server through FUSE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import daemon, fuse_daemon, needs, programs, ssh_login
from .tool import Facts

_NO_DIRECTORY = re.compile(r": No such file or directory$")


class Sshfs:
    """``sshfs -f``: in the foreground, so that we know its process and hear its words."""

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it."""
        return (
            needs.program(["sshfs"], "sshfs", "fuse-sshfs", environment)
            or needs.program(["ssh"], "openssh-client", "openssh-clients", environment)
            or needs.fuse(environment)
        )

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Start sshfs and wait until the mount is there."""
        words = command(recipe, private, mount_point, read_only, needs.others_allowed())
        return fuse_daemon.start(
            fuse_daemon.Start("sshfs", [programs.needed("sshfs"), *words], _NO_DIRECTORY),
            ssh_login.environment(private),
            recipe,
            private,
            mount_point,
            deadline,
        )

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return what sshfs or its ssh last complained about."""
        return programs.quote_file(private / daemon.LOG, recipe.secrets) or None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Return None: when a program has closed a file, the server has it."""
        return None

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount and wait for the end of sshfs."""
        return fuse_daemon.unmount("sshfs", facts, private, mount_point, deadline)


def command(
    recipe: Recipe, private: Path, mount_point: Path, read_only: bool, others: bool
) -> list[str]:
    """Return the arguments of sshfs; ``others``: other users may use the mount."""
    options = ["ro" if read_only else "rw", *(["allow_other"] if others else []), *recipe.options]
    login = ssh_login.words(private)
    return ["-f", *login, "-o", ",".join(options), recipe.source, str(mount_point)]
