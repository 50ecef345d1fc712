# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a file at its place in one step, and write into a file that must stay the same file.

Standard library only: pai-runtime itself uses this, too.
"""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, content: bytes, mode: int) -> None:
    """Put ``content`` at ``path`` in one step; nobody ever sees a part of it or another mode.

    Raises:
        OSError: it cannot be written; what stood there stays.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # of a process that had our number and was killed
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # the umask may have taken bits away
            file.write(content)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def write_in_place(path: Path, content: bytes) -> str | None:
    """Write the termination message into the file, device or pipe that a container engine reads.

    The file itself stays: a mount would not see a new one. Returns what went wrong, or None.
    """
    # A pipe without a reader, or a full one, must not hold up the end of the container.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags, 0o644)
        try:
            rest = content
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
    except OSError as error:
        return not_written(path, error)
    return None


def not_written(path: Path, error: OSError) -> str:
    """Say that the termination message is not at ``path``, and why."""
    return f"termination message not written to {path}: {error.strerror}"
