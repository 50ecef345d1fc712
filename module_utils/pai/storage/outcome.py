# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of one mount, as the module returns it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

from .model import Recipe
from .mountinfo import MountEntry

#: The states of a result.
MOUNTED, UNCHANGED, REPAIRED, UNMOUNTED, FAILED = (
    "mounted",
    "unchanged",
    "repaired",
    "unmounted",
    "failed",
)


class Stopwatch:
    """Seconds since it was made, and those of them that the tools took."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._tool = 0.0

    @contextlib.contextmanager
    def tool(self) -> Iterator[None]:
        """Count the time of the block as a tool's."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._tool += time.monotonic() - started

    def seconds(self) -> tuple[float, float]:
        """Return both, rounded to milliseconds."""
        return round(time.monotonic() - self._started, 3), round(self._tool, 3)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result for one mount.

    ``before`` and ``after`` are lines of the table that a diff shows; empty: nothing is mounted.
    """

    name: str
    mount_point: str
    source: str
    filesystem: str
    state: str
    seconds: float = 0.0
    tool_seconds: float = 0.0
    msg: str = ""
    before: str = ""
    after: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the mount is, or would be, another one than before."""
        return self.state in (MOUNTED, REPAIRED, UNMOUNTED)

    @property
    def action(self) -> str:
        """What was done, in words."""
        verb = {MOUNTED: "mount", REPAIRED: "mount again", UNMOUNTED: "unmount"}[self.state]
        reason = f": {self.msg}" if self.msg else ""
        return f"{verb} {self.name} at {self.mount_point}{reason}"

    def public(self) -> dict[str, Any]:
        """Return what the module returns of it."""
        left_out = ("before", "after", "warnings")
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in left_out}


def line_of(mount_point: str, shown: MountEntry | None) -> str:
    """Return the line of a table that tells what is mounted."""
    if shown is None:
        return ""
    return _line(mount_point, shown.source, shown.filesystem, shown.read_only, shown.options)


def line_wanted(mount_point: str, recipe: Recipe, read_only: bool) -> str:
    """Return the line of a table for a mount that is to be made."""
    filesystem = recipe.filesystems[0] if recipe.filesystems else recipe.tool
    return _line(mount_point, recipe.source, filesystem, read_only, recipe.options)


def _line(
    mount_point: str, source: str, filesystem: str, read_only: bool, options: Sequence[str]
) -> str:
    rest = [option for option in options if option not in ("ro", "rw")]
    told = ",".join(["ro" if read_only else "rw", *rest])
    return f"{mount_point}  {source}  {filesystem}  {told}\n"


def diff(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return Ansible's diff: the mounts before and after, as far as they have changed."""
    changed = [outcome for outcome in outcomes if outcome.changed]
    return {
        "before": "".join(outcome.before for outcome in changed),
        "after": "".join(outcome.after for outcome in changed),
        "before_header": "mounts",
        "after_header": "mounts",
    }
