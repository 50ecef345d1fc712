# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are planned first and then written whole, with their mode from the first byte on."""

from __future__ import annotations

import contextlib
import dataclasses
import stat
from collections.abc import Sequence
from pathlib import Path

from .errors import RuntimeConfigError
from .masking import Masker
from .replacing import replace

#: For everybody to read.
PUBLIC = 0o644
#: For files that hold, or may hold, secrets.
PRIVATE = 0o600


@dataclasses.dataclass(frozen=True)
class FileChange:
    """What a file is and what it should be; ``after`` None means that it should not exist."""

    path: Path
    before: bytes | None
    before_mode: int | None
    after: bytes | None
    mode: int

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        if self.after is None:
            return self.before is not None
        return self.before != self.after or self.before_mode != self.mode

    @property
    def action(self) -> str:
        """What is to be done, in words."""
        verb = "remove" if self.after is None else "write"
        return f"{verb} {self.path.name}"

    def diff(self, masker: Masker) -> dict[str, str]:
        """Return Ansible's diff of the text, without secrets."""
        before, after = (_text(side, masker) for side in (self.before, self.after))
        return {
            "before": before,
            "after": after,
            "before_header": str(self.path),
            "after_header": str(self.path),
        }


def _text(content: bytes | None, masker: Masker) -> str:
    return masker.text((content or b"").decode("utf-8", "replace").replace("\0", "\n"))


def plan(path: Path, after: bytes | str | None, mode: int = PUBLIC) -> FileChange:
    """Compare the file at ``path`` with what it should hold.

    Raises:
        RuntimeConfigError: the path cannot be read.
    """
    content = after.encode("utf-8") if isinstance(after, str) else after
    try:
        before: bytes | None = path.read_bytes()
        before_mode: int | None = stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        before, before_mode = None, None
    except OSError as error:
        raise RuntimeConfigError(f"{path}: {error.strerror}; a file is expected there") from error
    return FileChange(path, before, before_mode, content, mode)


def apply(changes: Sequence[FileChange]) -> None:
    """Write every change that is one: each file whole or not at all.

    Raises:
        RuntimeConfigError: a file or its directory cannot be written.
    """
    for change in changes:
        if not change.changed:
            continue
        try:
            if change.after is None:
                change.path.unlink()
            else:
                change.path.parent.mkdir(parents=True, exist_ok=True)
                replace(change.path, change.after, change.mode)
        except OSError as error:
            raise RuntimeConfigError(
                f"{change.path}: {error.strerror}; choose a place that can be written"
            ) from error


def make_private(directory: Path) -> None:
    """Make a directory that is its owner's alone.

    Raises:
        RuntimeConfigError: it cannot be made.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        if stat.S_IMODE(directory.stat().st_mode) & 0o077:
            directory.chmod(0o700)
    except OSError as error:
        raise RuntimeConfigError(
            f"{directory}: {error.strerror}; choose a place that can be written"
        ) from error
