# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we have mounted, in a file that is written before a mount starts.

A start may be killed at any moment, and nothing of it runs afterwards. Whoever undoes it knows only
what stands here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..files import PRIVATE
from ..replacing import replace
from ..work_dir import read_json

#: The phases of a mount: its tool may be at work; its tool has done it; it has been probed (and,
#: in mode copy, copied).
STARTING, MOUNTED, READY = "starting", "mounted", "ready"
_REMEDY = "choose a directory for the state that can be written"


@dataclasses.dataclass(frozen=True)
class Record:
    """One mount of ours.

    ``mount_point`` is as it was asked for, ``local`` the same without symbolic links, ``target``
    where it is mounted: there, or for mode copy in our own directory; ``made`` are the directories
    that we made for the mount point, outermost first; ``facts`` what the tool wants to know again;
    ``wanted`` tells whether the request is another one now; ``identity`` is the device and root
    that the kernel gave to the mount, once it is there; ``persistent``: the machine mounts it by
    itself when it starts; ``order`` counts the mounts.
    """

    name: str
    mount_point: str
    local: str
    target: str
    source: str
    filesystems: tuple[str, ...]
    tool: str
    mode: str
    read_only: bool
    wanted: str
    made: tuple[str, ...]
    private: str
    phase: str = STARTING
    identity: tuple[str, ...] = ()
    persistent: bool = False
    order: int = 0
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Store:
    """The file ``mounts.json`` of a directory, and the private directories beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "mounts.json"
        self._records: dict[str, Record] | None = None
        self._guard = threading.RLock()  # mounts run side by side

    def private(self, mount_point: Path) -> Path:
        """Return the private directory of a mount: where it is does not depend on the state."""
        digest = hashlib.sha256(os.fsencode(mount_point)).hexdigest()[:16]
        return self.directory / f"mount-{digest}"

    def copy_index(self, mount_point: Path) -> Path:
        """Return the file that remembers a copy; it outlives the mount, as the copy does."""
        return self.private(mount_point).with_name(f"{self.private(mount_point).name}.copy.json")

    def records(self) -> list[Record]:
        """Return the mounts in the order in which they were started.

        Raises:
            RuntimeConfigError: the file is damaged.
        """
        with self._guard:
            if self._records is None:
                self._records = _load(self.path)
            return sorted(self._records.values(), key=lambda record: record.order)

    def get(self, mount_point: Path) -> Record | None:
        """Return our mount on a mount point, or None."""
        return {one.mount_point: one for one in self.records()}.get(str(mount_point))

    def put(self, record: Record) -> Record:
        """Write a record, in place of an earlier one of its mount point."""
        with self._guard:
            order = record.order or max((one.order for one in self.records()), default=0) + 1
            record = dataclasses.replace(record, order=order)
            self._write({**self._known(), record.mount_point: record})
        return record

    def remove(self, record: Record) -> None:
        """Forget a mount; the file goes with the last one."""
        with self._guard:
            self._write({k: v for k, v in self._known().items() if k != record.mount_point})

    @contextlib.contextmanager
    def locked(self, seconds: float) -> Iterator[None]:
        """Keep other runs away while the block runs; the kernel lets go for one that was killed.

        Raises:
            RuntimeConfigError: another run did not end within that many seconds.
        """
        path = self.directory / "mounts.lock"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise RuntimeConfigError(f"{path}: {error.strerror}; {_REMEDY}") from error
        try:
            _lock(descriptor, path, seconds)
            self._records = None
            yield
        finally:
            os.close(descriptor)

    def _known(self) -> dict[str, Record]:
        return {record.mount_point: record for record in self.records()}

    def _write(self, records: dict[str, Record]) -> None:
        content = json.dumps([dataclasses.asdict(one) for one in records.values()], indent=1)
        try:
            if records:
                replace(self.path, content.encode(), PRIVATE)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RuntimeConfigError(f"{self.path}: {error.strerror}; {_REMEDY}") from error
        self._records = records


def _load(path: Path) -> dict[str, Record]:
    try:
        return {one["mount_point"]: _record(one) for one in read_json(path, list) or []}
    except (KeyError, TypeError) as error:
        raise RuntimeConfigError(
            f"{path}: not a list of mounts; unmount by hand what is left (findmnt lists it), then"
            " remove the file"
        ) from error


def _record(value: dict[str, Any]) -> Record:
    lists = {name: tuple(value[name]) for name in ("filesystems", "made", "identity")}
    return Record(**{**value, **lists})


def _lock(descriptor: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise RuntimeConfigError(
                f"{path}: process {holder} has been changing mounts here for more than"
                f" {seconds:.3g} seconds; wait for it or end it"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return
