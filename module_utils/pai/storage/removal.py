# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of one mount: a copy goes back, caches are flushed, then it is unmounted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from ..errors import RuntimeConfigError
from . import mountinfo
from .copy_mode import copy_out
from .mountinfo import MountEntry
from .outcome import UNMOUNTED, Outcome, Stopwatch, line_of
from .probe import Probe, probe
from .state import READY, Record, Store
from .tools.tool import Tool
from .unmounting import Unmounter

#: A mount that does not answer within this time is not asked for anything else.
_PROBE_SECONDS = 5.0


class Remover:
    """Ends mounts of ours; with ``check`` it only tells what it would do."""

    def __init__(self, store: Store, tools: Mapping[str, Tool], *, check: bool = False) -> None:
        self._store = store
        self._check = check
        self._unmounter = Unmounter(store, tools)

    def absent(self, record: Record, deadline: float) -> Outcome:
        """End a mount, within the time there is.

        Raises:
            RuntimeConfigError: it is still there, or not all that was written is with the server.
        """
        clock, told, failure = Stopwatch(), "", ""
        entry = self._unmounter.entry(record)
        before, warnings = line_of(record.mount_point, entry), list[str]()
        if not self._check:
            self._refuse_foreign(record, entry)
            health = _probe(record, entry, deadline)
            try:
                told = self._copy_back(record, health, deadline)
            except RuntimeConfigError as error:
                failure = str(error)  # the local copy stays; so the mount need not
            alive = health is not None and not health.is_dead
            if health is not None and not alive:
                told = f"it did not work any more: {health.reason}"
            warnings = self._unmounter.take_down(record, clock, deadline, alive=alive, detach=True)
            if failure:
                raise RuntimeConfigError(failure)
        kind = entry.filesystem if entry is not None else (*record.filesystems, record.tool)[0]
        total, of_tools = clock.seconds()
        return Outcome(
            name=record.name,
            mount_point=record.mount_point,
            source=record.source,
            filesystem=kind,
            state=UNMOUNTED,
            seconds=total,
            tool_seconds=of_tools,
            msg=told,
            before=before,
            warnings=tuple(warnings),
        )

    def _refuse_foreign(self, record: Record, entry: MountEntry | None) -> None:
        there = mountinfo.at(mountinfo.read(), Path(record.target))
        if entry is None and there is not None:
            raise RuntimeConfigError(
                f"{there.label} is mounted over ours and was left as it is; unmount it, then end"
                " ours again"
            )

    def _copy_back(self, record: Record, health: Probe | None, deadline: float) -> str:
        if record.mode != "copy" or record.read_only or record.phase != READY:
            return ""
        local = Path(record.local)
        if health is None or health.is_dead:
            why = "it is not mounted any more" if health is None else health.reason
            raise RuntimeConfigError(
                f"nothing could be copied back, since {why}; the files are in {local}"
            )
        rest = max(deadline - time.monotonic(), 0.0)
        index = self._store.copy_index(Path(record.mount_point))
        return copy_out(Path(record.target), local, index, rest * 0.8)


def _probe(record: Record, entry: MountEntry | None, deadline: float) -> Probe | None:
    """Ask whether our mount still answers; None where it is not there."""
    if entry is None:
        return None
    rest = max(deadline - time.monotonic(), 0.3)
    return probe(Path(record.target), write=False, seconds=min(_PROBE_SECONDS, rest / 3))
