# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the message where a container engine reads it: often a device or a mounted file."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

from ..replacing import not_written, write_in_place


@dataclasses.dataclass(frozen=True)
class InPlace:
    """A file whose content is replaced but never the file: a mount would not see a new one.

    ``device`` says that it is a device or a pipe, which keeps nothing to compare with;
    ``problem`` says why nothing can be written there.
    """

    path: Path
    before: bytes | None
    after: bytes
    device: bool = False
    problem: str | None = None

    @property
    def changed(self) -> bool:
        """Whether a file will differ afterwards."""
        return not self.device and not self.problem and self.before != self.after

    def write(self) -> str | None:
        """Write the content where that changes something; return what went wrong, or None."""
        if self.problem or not (self.changed or self.device):
            return self.problem
        return write_in_place(self.path, self.after)


def plan_in_place(path: Path, after: bytes) -> InPlace:
    """Compare what stands at ``path`` with the message."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return InPlace(path, None, after, device=True)
        return InPlace(path, path.read_bytes(), after, problem=_denied(path, path))
    except FileNotFoundError:
        return InPlace(path, None, after, problem=_denied(path, path.parent))
    except OSError as error:
        return InPlace(path, None, after, problem=not_written(path, error))


def _denied(path: Path, place: Path) -> str | None:
    """Ask before writing, so that check mode and the real run say the same."""
    if os.access(place, os.W_OK):
        return None
    return f"termination message not written to {path}: {place} is missing or not writable"
