# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a mount of ours away: flush, unmount, and detach where that does not help."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from ..errors import RuntimeConfigError
from ..processes import find_program, with_system_path
from . import child_look, mountinfo
from .child import ask
from .holders import holders
from .mountinfo import MountEntry
from .outcome import Stopwatch
from .plan import is_ours
from .state import READY, Record, Store
from .tools.rclone_cache import CACHE
from .tools.tool import Tool

#: Below a mount's private directory: where its server's root is mounted for a moment, and where
#: the remote side of a copy is; and the private directory of the first.
ROOT, REMOTE, ROOT_FILES = "root", "remote", "root-files"
#: At most so many seconds are kept for unmounting, when a flush takes all the time there is.
_RESERVE = 5.0
_SECONDS_TO_DETACH = 5.0


class Unmounter:
    """Takes mounts away; data is never deleted, and a mount point never with what is in it."""

    def __init__(self, store: Store, tools: Mapping[str, Tool]) -> None:
        self._store = store
        self._tools = tools

    def take_down(
        self,
        record: Record,
        clock: Stopwatch,
        deadline: float,
        *,
        alive: bool,
        detach: bool,
        again: bool = False,
    ) -> list[str]:
        """Flush and unmount what a record tells of, and forget it; return warnings.

        ``alive``: the mount works. ``detach``: as the last resort it is unmounted lazily.
        ``again``: it is mounted again at once, so mount point and record stay, and what a tool
        still has for the server it sends then.

        Raises:
            RuntimeConfigError: it is still mounted, or not all data is with the server.
        """
        with clock.tool():
            pending = self._flush(record, alive, deadline)
        with clock.tool():
            problem = self._unmount(record, alive, deadline)
        warnings = []
        if self.entry(record) is not None:
            why = _why(record, problem)
            if not detach:
                raise RuntimeConfigError(f"it cannot be unmounted: {why}; end what uses it")
            self._detach(record, why, alive)
            warnings.append(
                f"{record.name}: {record.mount_point} was unmounted lazily, since an orderly"
                f" unmount was not possible: {why}"
            )
        lost = _lost(record, pending, alive) if pending else ""
        if not pending or not _kept(record):
            remove_private(Path(record.private))
        if again:
            return [*warnings, *([lost] if lost else [])]
        remove_empty([Path(one) for one in record.made])
        self._store.remove(record)
        if lost:
            raise RuntimeConfigError("; ".join([lost, *warnings]))
        return warnings

    def entry(self, record: Record) -> MountEntry | None:
        """Return what is mounted where the record says, if it is ours."""
        entries = mountinfo.read()
        entry = mountinfo.at(entries, Path(record.target))
        return entry if entry is not None and is_ours(record, entry, entries) else None

    def _flush(self, record: Record, alive: bool, deadline: float) -> str | None:
        if record.phase != READY or record.read_only:
            return None
        rest = max(deadline - time.monotonic(), 0.0)
        until = time.monotonic() + (rest - min(_RESERVE, rest / 3) if alive else min(rest / 3, 2.0))
        tool, private = self._tools[record.tool], Path(record.private)
        return tool.flush(record.facts, private, Path(record.target), until)

    def _unmount(self, record: Record, alive: bool, deadline: float) -> str | None:
        # An unmount that asks a dead server waits for it in vain.
        rest = max(deadline - time.monotonic(), 1.0)
        until = time.monotonic() + (rest * 0.7 if alive else min(rest / 2, _SECONDS_TO_DETACH))
        tool, private = self._tools[record.tool], Path(record.private)
        if mountinfo.at(mountinfo.read(), private / ROOT) is not None:
            tool.unmount({}, private / ROOT_FILES, private / ROOT, until)
            if mountinfo.at(mountinfo.read(), private / ROOT) is not None:
                detach_lazily(private / ROOT)
        return tool.unmount(record.facts, private, Path(record.target), until)

    def _detach(self, record: Record, why: str, alive: bool) -> None:
        problem = detach_lazily(Path(record.target))
        if problem or self.entry(record) is not None:
            told = problem or "something else of ours is below it"
            raise RuntimeConfigError(
                f"it is still mounted: {why}; a lazy unmount was not possible either: {told}"
            )
        if not alive:  # what hangs there would hang forever; what works is left to its users
            until = time.monotonic() + _SECONDS_TO_DETACH
            tool, private = self._tools[record.tool], Path(record.private)
            tool.unmount(record.facts, private, Path(record.target), until)


def detach_lazily(mount_point: Path) -> str | None:
    """Take a mount out of the tree at once; return why it is still there, or None."""
    answer = ask(child_look, "detach", str(mount_point), seconds=_SECONDS_TO_DETACH)
    if answer is None:
        return f"no answer within {_SECONDS_TO_DETACH:g} seconds"
    if "errno" not in answer:
        return None
    # Without privileges a FUSE mount of one's own goes this way only.
    folders = with_system_path(os.environ)
    for name in ("fusermount3", "fusermount"):
        program = find_program(name, folders, None)
        if program and _ends_well([program, "-u", "-z", str(mount_point)]):
            return None
    return str(answer["error"])


def remove_private(private: Path) -> None:
    """Remove a private directory, unless something is still mounted below it."""
    if mountinfo.below(mountinfo.read(), private):
        return
    remove_empty([private / ROOT, private / REMOTE])
    if not (private / ROOT).exists() and not (private / REMOTE).exists():
        shutil.rmtree(private, ignore_errors=True)


def remove_empty(directories: list[Path]) -> None:
    """Remove directories that are empty, the innermost (last) first; others stay as they are."""
    for directory in reversed(directories):
        try:
            directory.rmdir()
        except OSError:
            continue


def _ends_well(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_SECONDS_TO_DETACH, cwd="/"
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _why(record: Record, problem: str | None) -> str:
    held = holders(Path(record.target), time.monotonic() + 3.0)
    told = problem or "its tool says nothing"
    return f"{told}; in use by {held}" if held else told


def _kept(record: Record) -> bool:
    """Tell whether what was not sent is still there: what only the kernel had is gone."""
    return Path(record.private, CACHE).is_dir()


def _lost(record: Record, pending: str, alive: bool) -> str:
    told = f"not all that was written is with the server: {pending}"
    if _kept(record):
        told += f"; what {record.tool} may have kept of it stays in {record.private}"
    more = "; give the end more time (PAI_TERMINATION_GRACE_SECONDS)" if alive else ""
    return told + more
