# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of GPUs (Xid) that the kernel logged while the task ran, where its log can be read.

The format of /dev/kmsg is that of the kernel's Documentation/ABI/testing/dev-kmsg; the numbers are
those of NVIDIA's "Xid Errors".
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

KMSG = Path("/dev/kmsg")
_RECORD = 8192
#: So many records are read: a kernel keeps at most about that many.
_MOST, _KEPT = 100_000, 16
_SHOWN = 200
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)\b")
#: Those that stand for broken hardware; 13, 31, 43, 45, 69 and so on mostly are the program's.
HARDWARE = frozenset(
    {
        *(38, 48, 54, 56, 57, 58, 60, 61, 62, 63, 64, 72, 74, 78, 79, 81, 92, 93, 94, 95, 96, 97),
        *(110, 119, 120, 121, 122, 123, 136, 140, 143, *range(144, 151), *range(155, 159)),
    }
)


def read(begin: float, path: Path = KMSG) -> list[str]:
    """Return what the kernel logged since ``begin`` (seconds since the epoch), oldest first.

    Raises:
        OSError: the log cannot be read here: mostly a matter of rights.
    """
    booted = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return list(messages(_records(path), begin - booted))


def messages(records: Iterable[bytes], begin: float) -> Iterator[str]:
    """Yield the texts of records since ``begin``, in seconds of the kernel's clock.

    >>> list(messages([b"6,1,2000000,-;old", b"3,2,9000000,-;new\\n SUBSYSTEM=pci"], 5.0))
    ['new']
    """
    for record in records:
        prefix, mark, text = record.partition(b";")
        fields = prefix.split(b",")
        if mark and len(fields) > 2 and fields[2].isdigit() and int(fields[2]) >= begin * 1e6:
            yield text.split(b"\n", 1)[0].decode("utf-8", "replace")


def xids(lines: Iterable[str], own: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return a row for each Xid of the GPUs with the bus ids ``own``.

    A machine's log tells of the GPUs of all its containers.
    """
    ours = {_bus(each) for each in own if each}
    rows = []
    for line in lines:
        found = _XID.search(line)
        if found and _bus(found[1]) in ours:
            code = int(found[2])
            text = line[found.start() :][:_SHOWN]
            rows.append({"code": code, "id": found[1], "hardware": code in HARDWARE, "text": text})
    return rows[:_KEPT]


def _bus(identity: str) -> tuple[str, ...]:
    """Return domain, bus and device alike for ``0000:3b:00`` and ``00000000:3B:00.0``."""
    parts = identity.lower().partition(".")[0].split(":")
    domain = parts[0].lstrip("0") if len(parts) > 2 else ""
    return (domain, *parts[-2:])


def _records(path: Path) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _count in range(_MOST):
            try:
                record = os.read(descriptor, _RECORD)
            except BlockingIOError:  # all is read
                return
            except OSError as error:
                if error.errno != errno.EPIPE:  # overwritten meanwhile: the next one can be read
                    raise
                continue
            if not record:
                return
            yield record
    finally:
        os.close(descriptor)
