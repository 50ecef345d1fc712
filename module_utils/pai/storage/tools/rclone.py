# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rclone: object stores (and cached SFTP) through FUSE."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from ..types.buckets import SERVER
from . import daemon, fuse_daemon, needs, programs, rclone_cache, rclone_secrets, unmounting
from .tool import Facts, MountError

_REMOTE = "pai:"  # types/buckets.py writes the environment that defines it
_NO_DIRECTORY = re.compile(r"directory not found$")
# One try, so that what is wrong is heard at once.
_TRY = ("--retries=1", "--low-level-retries=1", "--contimeout=10s", "--timeout=30s")
_SECONDS_TO_MOUNT = 5.0  # of the time limit, at most
_PREFIX = re.compile(
    r'^.*(?:error in ListJSON|error listing|system for "pai:"): (?:NewFs: )?|^Failed to [a-z]+: '
)


class Rclone:
    """``rclone mount`` in the foreground, so that we know its process and hear its words."""

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it."""
        return (
            needs.program(["rclone"], "rclone", "rclone", environment)
            # Also for root: rclone has no other way to mount.
            or needs.program(["fusermount3", "fusermount"], "fuse3", "fuse3", environment)
            or needs.fuse(environment)
        )

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """See that the server can be listed, start rclone and wait until the mount is there."""
        program = programs.needed("rclone")
        environment = rclone_secrets.environment(program, recipe, deadline)
        _check(program, environment, recipe, deadline)
        words = command(recipe, private, mount_point, read_only, needs.others_allowed())
        return fuse_daemon.start(
            fuse_daemon.Start("rclone", [program, *words], _NO_DIRECTORY),
            environment,
            recipe,
            private,
            mount_point,
            deadline,
        )

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return what rclone last complained about."""
        return programs.quote_file(private / daemon.LOG, recipe.secrets) or None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Wait until rclone has uploaded all; a file that is still open counts as not uploaded."""
        running = daemon.alive(daemon.recalled(facts, private)) or _answers(mount_point, deadline)
        files = rclone_cache.wait(private, deadline if running else time.monotonic())
        if not files:
            return None
        dead = "" if running else "; rclone has ended, mount it again to go on"
        return rclone_cache.told(files) + dead

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount and wait for the end of rclone; it does not wait for its uploads: flush first."""
        return fuse_daemon.unmount("rclone", facts, private, mount_point, deadline)


def command(
    recipe: Recipe, private: Path, mount_point: Path, read_only: bool, others: bool
) -> list[str]:
    """Return the arguments of rclone; ``others``: other users may use the mount."""
    flags = [
        f"--devname={recipe.source}",
        f"--cache-dir={private / rclone_cache.CACHE}",
        "--allow-non-empty",  # as every other mount
        *(["--allow-other"] if others else []),
        *(["--read-only"] if read_only else []),
        *(f"--{option}" for option in recipe.options),
    ]
    return ["mount", *flags, "--", _REMOTE, str(mount_point)]


def _answers(mount_point: Path, deadline: float) -> bool:
    """Return whether rclone serves the mount, whoever has started it: here or a unit of systemd."""
    return unmounting.mounted(mount_point) is not None and programs.touch(mount_point, deadline)


def _check(program: str, environment: Mapping[str, str], recipe: Recipe, deadline: float) -> None:
    """List the directory once: rclone mounts what is not there, too, and shows it empty.

    Programs could write to it, and hear nothing of the uploads that fail.
    """
    rest = deadline - time.monotonic()
    until = deadline - min(_SECONDS_TO_MOUNT, rest / 4)
    words = [program, "lsf", "--max-depth=1", *_TRY, "--", _REMOTE]
    ended = programs.run(words, deadline=until, environment=environment, secrets=recipe.secrets)
    if ended.code == 0:
        return
    if ended.code is None:
        raise MountError(
            f"the server did not list the directory within {rest:.0f} s; see that it can be"
            " reached, or raise the time limit where the directory is very large"
        )
    said = _PREFIX.sub("", ended.words) or f"rclone ended with exit code {ended.code}"
    if not _NO_DIRECTORY.search(said):
        raise MountError(said)
    if environment.get(f"{SERVER}TYPE") == "sftp":
        raise MountError(said, path_missing=True)
    raise MountError("there is no such bucket or container")
