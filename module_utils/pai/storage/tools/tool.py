# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tool that mounts can do; every deadline is a value of time.monotonic()."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ...errors import RuntimeConfigError
from ..model import Recipe

Facts = Mapping[str, Any]


class MountError(RuntimeConfigError):
    """A tool could not mount; the message is the tool's own, without secrets.

    ``path_missing``: the server has no such directory, so that making it may help.
    """

    def __init__(self, message: str, *, path_missing: bool = False) -> None:
        super().__init__(message)
        self.path_missing = path_missing


class Tool(Protocol):
    """A way to mount: a mount helper or a FUSE program.

    ``private`` is the mount's own directory (0700) with the recipe's files in it; what a tool needs
    after its process has ended (logs, caches, process ids) lies there, too.
    """

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it; None: nothing."""

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Mount, and return what the other methods need to know of it later, as JSON.

        Raises:
            MountError: it is not mounted, and nothing that was started for it runs any more.
        """

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return what a daemon last complained about, without secrets; None: nothing."""

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Wait until the server has all that was written; else return what is still pending.

        While something is pending, a cache in ``private`` holds the only copy of it.
        """

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount and end what belongs to the mount; else return why it is still there.

        Empty ``facts`` are understood: of a mount that was interrupted before it returned any.
        """
