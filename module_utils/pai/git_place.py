# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a clone is made and how it comes to its place: completely, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import RuntimeConfigError

STAGING = ".pai-clone-"
# Neither what a new file system has in its root nor what a killed clone left is content.
_NO_CONTENT = ("lost+found", STAGING)
_REMEDY = "name another clone_dir, one that is absent or empty and can be written"


def is_free(clone_dir: Path) -> bool:
    """Return whether a clone may be put there: nothing, or a directory without content.

    Raises:
        RuntimeConfigError: something is there that is no directory, or cannot be read.
    """
    try:
        return not any(not name.startswith(_NO_CONTENT) for name in os.listdir(clone_dir))
    except FileNotFoundError:
        return not clone_dir.is_symlink()
    except OSError as error:
        raise _unusable(clone_dir, error) from error


def _unusable(clone_dir: Path, error: OSError) -> RuntimeConfigError:
    return RuntimeConfigError(f"clone_dir {clone_dir}: {error.strerror}; {_REMEDY}")


@contextlib.contextmanager
def staging(clone_dir: Path) -> Iterator[Path]:
    """Give a path for a clone on the file system of its target; what is left there goes at the end.

    It is beside a target that is not there yet, and inside an empty one: that may be a mount point,
    and its parent may be closed to us.
    """
    made = [] if clone_dir.is_dir() else _make_parents(clone_dir)
    parent = clone_dir if clone_dir.is_dir() else clone_dir.parent
    place = parent / f"{STAGING}{secrets.token_hex(6)}"
    try:
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        for directory in made:
            with contextlib.suppress(OSError):  # by now somebody else's, or not empty
                directory.rmdir()
        raise


def put_in_place(place: Path, clone_dir: Path) -> None:
    """Move a complete clone to its target; an existing directory keeps its owner and mode.

    Raises:
        RuntimeConfigError: somebody else has filled the target meanwhile, or it cannot be written.
    """
    try:
        if place.parent != clone_dir:
            place.rename(clone_dir)
            return
        if not is_free(clone_dir):
            raise RuntimeConfigError(
                f"clone_dir {clone_dir}: it was filled while the clone ran; {_REMEDY}"
            )
        _move_entries(place, clone_dir)
    except OSError as error:
        raise _unusable(clone_dir, error) from error


def _move_entries(source: Path, target: Path) -> None:
    moved: list[Path] = []
    try:
        for entry in sorted(source.iterdir(), key=lambda entry: entry.name == ".git"):
            entry.rename(target / entry.name)
            moved.append(target / entry.name)
        source.rmdir()
    except BaseException:
        for entry in moved:
            entry.rename(source / entry.name)
        raise


def _make_parents(clone_dir: Path) -> list[Path]:
    """Make the directories above; return those that are new, the deepest first."""
    missing = [parent for parent in clone_dir.parents if not parent.exists()]
    try:
        clone_dir.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(clone_dir, error) from error
    return missing
