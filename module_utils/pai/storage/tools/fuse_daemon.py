# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the FUSE programs have in common: a daemon that is there exactly as long as its mount."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import daemon, programs, unmounting
from .tool import Facts, MountError

_SECONDS_TO_END = 2.0


@dataclasses.dataclass(frozen=True)
class Start:
    """A program with its arguments, and how it says that the server has no such directory."""

    name: str
    words: Sequence[str]
    no_directory: re.Pattern[str]


def start(
    program: Start,
    environment: Mapping[str, str],
    recipe: Recipe,
    private: Path,
    mount_point: Path,
    deadline: float,
) -> dict[str, Any]:
    """Start the program and wait until the mount is seen.

    Raises:
        MountError: it is not; the program runs no more then.
    """
    before = unmounting.mounted(mount_point)

    def ready() -> bool:
        entry = unmounting.mounted(mount_point)
        return entry is not None and entry != before and entry.filesystem in recipe.filesystems

    process = daemon.start(program.name, program.words, private, environment)
    try:
        daemon.wait_until(ready, process, private, deadline, recipe.secrets, program.name)
        # sshfs mounts first and logs in then: only an answer shows that it is ready.
        answered = programs.touch(mount_point, deadline)
        daemon.wait_until(
            lambda: answered, process, private, deadline, recipe.secrets, program.name
        )
    except MountError as error:
        _undo(ready, mount_point, deadline)
        missing = bool(program.no_directory.search(str(error)))
        raise MountError(str(error), path_missing=missing) from error
    except BaseException:  # our own end: no daemon must stay without a mount
        programs.end(process)
        raise
    return daemon.facts_of(process.pid)


def _undo(ready: Any, mount_point: Path, deadline: float) -> None:
    # It may have mounted in the moment in which it was killed.
    if ready():
        unmounting.unmount(mount_point, max(deadline, time.monotonic() + _SECONDS_TO_END))


def unmount(
    name: str, facts: Facts, private: Path, mount_point: Path, deadline: float
) -> str | None:
    """Unmount, and wait for the program's end; None when both are gone, else why not.

    The program is not told to end before: rclone would go with files open, and what is written to
    them would be lost.
    """
    problem = unmounting.unmount(mount_point, deadline)
    if problem:
        return problem
    known = daemon.recalled(facts, private)
    if daemon.gone(known, min(deadline, time.monotonic() + _SECONDS_TO_END)):
        return None
    if daemon.end(known, deadline):
        return None
    return f"{name} (process {known['pid']}) does not end"
