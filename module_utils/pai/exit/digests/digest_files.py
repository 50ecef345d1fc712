# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished files of a log: those that are there, and those that have left a digest."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
from collections.abc import Callable, Iterator
from pathlib import Path

from ...errors import RuntimeConfigError
from ..reading.logs import CURRENT, rotated
from ..search.line_scan import LineScanner
from . import digest_make
from .digest import NAME, Digest, read

_MEGABYTE = 10**6


@dataclasses.dataclass(frozen=True)
class File:
    """A finished file: whether it is still there, and what is known of it."""

    path: Path
    there: bool
    digests: tuple[Digest, ...] = ()
    size: int = 0

    @property
    def searched(self) -> int:
        """How many bytes of it were searched."""
        return max((each.searched for each in self.digests), default=0)


def files_of(path: Path, problems: list[str]) -> list[File]:
    """Return the finished files that are there or have a digest, the oldest first."""
    there = {each.name: each for each in rotated(path)}
    digests: tuple[Digest, ...] = ()
    try:
        digests = read(path.parent) if path.name == CURRENT else ()
    except RuntimeConfigError as error:
        problems.append(str(error))
    kept = {each.name: each for each in digests}
    files = []
    for name in sorted({*there, *kept}):
        known = (kept[name],) if name in kept else ()
        size = known[0].size if known else 0
        with contextlib.suppress(FileNotFoundError, KeyError):
            size = size or there[name].stat().st_size
        files.append(File(path.parent / name, name in there, known, size))
    return files


def searched(file: File, end: int, scanner: LineScanner, late: Callable[[], bool]) -> File:
    """Return the file with a digest of what was not searched yet, as far as time allows.

    The child that searched while the command ran may still do, and be done with it before us.
    """
    while file.there and file.searched < end and not late():
        with mapped(file.path) as text:
            within = file.searched, min(end, len(text))
            stopped = _or_written(late, file.path.parent)
            digest = digest_make.make(file.path.name, text, scanner, within, stopped)
        file = _or_newer(dataclasses.replace(file, digests=(*file.digests, digest)))
        if within[0] >= within[1]:  # somebody made it shorter
            break
    return file if file.searched >= end else _or_newer(file)


def _or_written(late: Callable[[], bool], directory: Path) -> Callable[[], bool]:
    """Return what tells that time is over, or that a digest was written."""
    before = _written(directory)
    return lambda: late() or _written(directory) != before


def _written(directory: Path) -> int:
    """Return when the digests were written, in nanoseconds; 0 where there are none."""
    try:
        return (directory / NAME).stat().st_mtime_ns
    except OSError:
        return 0


def _or_newer(file: File) -> File:
    """Return the file with the digest that is kept now, where more of it was searched."""
    with contextlib.suppress(RuntimeConfigError):
        for digest in read(file.path.parent):
            if digest.name == file.path.name and digest.searched > file.searched:
                return dataclasses.replace(file, digests=(digest,))
    return file


def unsearched(file: File, end: int) -> str:
    """Say how much of the file before ``end`` was not searched, and why."""
    return missing(file.path, end - file.searched, file.there)


def missing(path: Path, size: int, there: bool) -> str:
    """Say how many bytes of a file were not searched, and why."""
    why = "there was no more time" if there else "it is deleted"
    return f"log {path}: {size / _MEGABYTE:.1f} MB of it were not searched: {why}"


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Give the content of a file, which is not read before it is needed.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not file.seek(0, 2):
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            yield text
