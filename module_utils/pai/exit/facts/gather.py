# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather what the machine, its GPUs and its mounts tell of a failure: side by side, for a while.

What does not apply, cannot be read, or does not answer in time is absent, and nothing else.
"""

from __future__ import annotations

import calendar
import dataclasses
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import RuntimeConfigError
from .. import gpu
from ..outcome import read_json
from . import cgroup, disks, gpus, kernel_log, names, torch_error

#: Seconds that all may take together.
SECONDS = 2.0
#: The driver's list of the GPUs of this container; one that is lost stays in it.
_NVIDIA = Path("/proc/driver/nvidia/gpus")
#: Between the clocks of the kernel's log, of files, and ours.
_SLACK = 1.5
_EXPECTED = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeConfigError)

Facts = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Scene:
    """Where and when the task ran; times as in outcome.json, None where they are not known."""

    work_dir: Path
    log_dir: Path
    started_at: str | None = None
    ended_at: str | None = None


class Gathering:
    """The collectors at work; what uses them goes on meanwhile."""

    def __init__(self, scene: Scene, seconds: float = SECONDS) -> None:
        """Start them all."""
        self._deadline = time.monotonic() + seconds
        self._found: dict[str, Facts] = {}
        self._threads = [
            # Not waited for at the end of the process: one may hang in the kernel.
            threading.Thread(target=self._collect, args=(name, collector, scene), daemon=True)
            for name, collector in COLLECTORS.items()
        ]
        for thread in self._threads:
            thread.start()

    def facts(self) -> Facts:
        """Return what was found in time."""
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))
        found = dict(self._found)
        return {key: value for name in COLLECTORS for key, value in found.get(name, {}).items()}

    def _collect(self, name: str, collector: Callable[[Scene], Facts], scene: Scene) -> None:
        try:
            self._found[name] = collector(scene)
        except _EXPECTED:  # then this one knows nothing
            self._found[name] = {}


def earlier(report: Path, outcome: Path, started_at: str | None) -> Facts:
    """Return the facts that exit.json has of this very end: repeated later, it is another scene."""
    try:
        fresh = report.stat().st_mtime_ns >= outcome.stat().st_mtime_ns
    except OSError:
        return {}
    known = read_json(report, []) if fresh else {}
    facts = known.get("facts")
    same = known.get("startedAt") == started_at
    return facts if same and isinstance(facts, dict) else {}


def broken_gpus(facts: Mapping[str, Any]) -> str | None:
    """Return which GPUs have memory errors since they were last reset, or None."""
    rows = facts.get("gpus", [])
    keys = ("index", "name", "id", "uncorrectedVolatile")
    return "\n".join(filter(None, (gpu.told(*(row[k] for k in keys)) for row in rows))) or None


def seconds(moment: str | None) -> float | None:
    """Return a moment of outcome.json (UTC) in seconds since the epoch; None where it is none.

    >>> seconds("1970-01-02T00:00:00Z")
    86400.0
    """
    try:
        return float(calendar.timegm(time.strptime(moment or "", "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return None


def _memory(scene: Scene) -> Facts:
    place = cgroup.here()
    if place is None:
        return {}
    start = read_json(scene.work_dir / names.START, []).get("memory")
    now = cgroup.counters(place)
    found = cgroup.since(start if isinstance(start, dict) else {}, now)
    counted = any(value is not None for value in found.values())  # not at the root of version 2
    return {"memory": found} if counted else {}


def _disks(scene: Scene) -> Facts:
    paths = (scene.work_dir, scene.log_dir, Path(tempfile.gettempdir()), Path("/"))
    return {"disks": disks.read((*paths, disks.SHARED_MEMORY))}


def _mounts(scene: Scene) -> Facts:
    directory = scene.work_dir / "storage"
    if not directory.is_dir():
        return {}
    from . import mounts  # 15 ms, which a task without the plugin storage need not take

    rows = mounts.read(directory, SECONDS - 0.5)
    return {"mounts": rows} if rows else {}


def _gpus(scene: Scene) -> Facts:
    found = gpus.parse(gpu.query(SECONDS - 0.2))
    begin = seconds(scene.started_at)
    own = [row["id"] for row in found.get("gpus", [])]
    own += [folder.name for folder in _NVIDIA.iterdir()] if _NVIDIA.is_dir() else []
    if begin is None or not own:
        return found
    try:
        lines = kernel_log.read(begin - _SLACK)
    except OSError:  # seldom allowed inside a container
        return found
    rows = kernel_log.xids(lines, own)
    return {**found, "xids": rows} if rows else found


def _torch(scene: Scene) -> Facts:
    begin = seconds(scene.started_at)
    if begin is None:  # then nothing tells this run's files from an earlier one's
        return {}
    temporary = Path(tempfile.gettempdir())
    error = torch_error.read(scene.work_dir, scene.log_dir, begin - _SLACK, temporary)
    return {"torchError": {"message": error.message, "traceback": error.traceback}} if error else {}


def _quiet(scene: Scene) -> Facts:
    """How long before the end the command wrote its last line: long where it hung."""
    end = seconds(scene.ended_at)
    names = ("user-all", "user-stdout", "user-stderr")
    logs = [scene.log_dir / name / "current" for name in names]
    written = [path.stat().st_mtime for path in logs if path.exists() and path.stat().st_size]
    return {"quietSeconds": int(max(0.0, end - max(written)))} if end and written else {}


COLLECTORS: Mapping[str, Callable[[Scene], Facts]] = {
    "memory": _memory,
    "disks": _disks,
    "mounts": _mounts,
    "gpus": _gpus,
    "torch": _torch,
    "quiet": _quiet,
}
