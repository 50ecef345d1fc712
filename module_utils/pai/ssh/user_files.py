# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin leaves in ``~/.ssh``: one Include line and, for old programs, a key."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..files import PRIVATE, FileChange, plan

_MARK = "# OpenPAI Runtime; this line and the next one are removed at the end of the task"
#: For programs that look for a key at its oldest place and nowhere else.
KEY_NAME = "id_rsa"
_READ_ONLY = 0o400


def plan_present(ssh_dir: Path, directory: Path, job_key: bytes) -> list[FileChange]:
    """Return the changes that bring our files in; a key that stands there stays.

    Raises:
        RuntimeConfigError: the directory cannot be read.
    """
    config = ssh_dir / "config"
    before = plan(config, None)
    text = (before.before or b"").decode("utf-8", "surrogateescape")
    after = _lines(directory) + _without(text, directory)
    changes = [plan(config, after.encode("utf-8", "surrogateescape"), PRIVATE)]
    key = plan(ssh_dir / KEY_NAME, job_key, _READ_ONLY)
    if key.before is None or key.before == job_key:
        changes.append(key)
    return changes


def plan_absent(ssh_dir: Path, directory: Path, job_key: bytes | None) -> list[FileChange]:
    """Return the changes that take our files out again.

    Raises:
        RuntimeConfigError: the directory cannot be read.
    """
    config, key = plan(ssh_dir / "config", None), plan(ssh_dir / KEY_NAME, None)
    changes = []
    text = (config.before or b"").decode("utf-8", "surrogateescape")
    after = _without(text, directory)
    if after != text:
        rest = after.encode("utf-8", "surrogateescape") or None
        changes.append(plan(config.path, rest, config.before_mode or PRIVATE))
    if key.before is not None and key.before == job_key:
        changes.append(key)
    return changes


def _lines(directory: Path) -> str:
    return f"{_MARK}\nInclude {directory}/ssh_config\n"


def _without(text: str, directory: Path) -> str:
    return text.replace(_lines(directory), "")


@contextlib.contextmanager
def locked(ssh_dir: Path) -> Iterator[None]:
    """Keep other tasks on this machine from changing ``~/.ssh`` at the same time."""
    try:
        descriptor = os.open(ssh_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # nothing there, so nothing to lose
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
