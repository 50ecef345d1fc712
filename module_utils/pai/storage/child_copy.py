# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a storage to the local disk and back, in a process of its own: see child.py.

Nothing here imports anything of ours: child.py passes this file's text to a fresh Python. The index
of a copy tells of each local file the size and time that it had when both sides were alike; what
differs from it has been changed here. Nothing is ever deleted on either side.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import stat
import sys
import time
from collections.abc import Iterator
from typing import Any

Index = dict[str, list[int]]
_FAILURES_TOLD = 3
_PR_SET_PDEATHSIG = 1
#: What other tasks of ours have in a storage for a moment, when they probe it or copy to it.
_OF_OTHERS = (".pai-probe-", ".pai-copy-")


class Copier:
    """Copies files one by one and tells about once a second how far it is."""

    def __init__(self, of: int) -> None:
        self.answer: dict[str, Any] = {"copied": 0, "bytes": 0, "of": of, "failed": 0, "told": []}
        self._said = time.monotonic()

    def copy(self, source: str, target: str, name: str) -> bool:
        """Copy a file or a symbolic link; an error is counted, told, and ends nothing."""
        try:
            size = _copy(source, target)
        except OSError as error:
            self.answer["failed"] += 1
            if len(self.answer["told"]) < _FAILURES_TOLD:
                self.answer["told"].append(f"{name}: {error.strerror}")
            return False
        self.answer["copied"] += 1
        self.answer["bytes"] += size
        if time.monotonic() - self._said >= 1:
            self._said = time.monotonic()
            say({**self.answer, "unfinished": True})
        return True


def copy_in(remote: str, local: str, index_path: str) -> dict[str, Any]:
    """Copy all that the local side has not; refuse to overwrite what is not an earlier copy."""
    index = _read_index(index_path)
    due, made = [], []
    for name, is_directory in _walk(remote):
        if is_directory:
            made.append(name)
        elif (here := _state(_join(local, name))) is not None and not os.path.isdir(
            _join(local, name)
        ):
            if here == _state(_join(remote, name)):
                index[name] = here
            elif here == index.get(name):
                due.append(name)
            else:
                return {"conflict": name}
        else:
            due.append(name)
    for name in made:
        _make_directory(_join(remote, name), _join(local, name))
    copier = Copier(len(due))
    for name in due:
        if copier.copy(_join(remote, name), _join(local, name), name):
            index[name] = _state(_join(local, name)) or []
    _write_index(index_path, index)
    return copier.answer


def copy_out(remote: str, local: str, index_path: str) -> dict[str, Any]:
    """Copy what was changed or made on the local side."""
    index = _read_index(index_path)
    due = []
    for name, is_directory in _walk(local):
        if is_directory:
            if not os.path.isdir(_join(remote, name)):
                _make_directory(_join(local, name), _join(remote, name))
        elif _state(_join(local, name)) != index.get(name):
            due.append(name)
    copier = Copier(len(due))
    for name in due:
        before = _state(_join(local, name))
        if copier.copy(_join(local, name), _join(remote, name), name):
            index[name] = before or []  # what is written meanwhile is copied next time
    _write_index(index_path, index)
    return copier.answer


def _walk(root: str) -> Iterator[tuple[str, bool]]:
    """Yield name and kind of all directories, files and links below ``root``, the outer first."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(_join(root, folder)) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                name = os.path.join(folder, entry.name)
                if entry.name.startswith(_OF_OTHERS):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                    yield name, True
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    yield name, False  # sockets, pipes and devices are no data


def _copy(source: str, target: str) -> int:
    """Put a copy in the place of ``target`` in one step, and return its size."""
    status = os.lstat(source)
    folder, name = os.path.split(target)
    fresh = os.path.join(folder, f".pai-copy-{secrets.token_hex(4)}-{name}"[:200])
    try:
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source), fresh)
        else:
            shutil.copyfile(source, fresh)
            _keep(fresh, status)
        os.replace(fresh, target)
    except BaseException:
        if os.path.lexists(fresh):
            os.unlink(fresh)
        raise
    return status.st_size


def _keep(path: str, status: os.stat_result) -> None:
    """Give a copy the mode and time of its original, as far as the file system keeps them."""
    try:
        os.chmod(path, stat.S_IMODE(status.st_mode))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError:
        return


def _make_directory(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    try:
        os.chmod(target, stat.S_IMODE(os.stat(source).st_mode))
    except OSError:
        return


def _state(path: str) -> list[int] | None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [status.st_size, 0 if stat.S_ISLNK(status.st_mode) else status.st_mtime_ns]


def _join(root: str, name: str) -> str:
    return os.path.join(root, name) if name else root


def _read_index(path: str) -> Index:
    try:
        with open(path, encoding="ascii") as file:
            index: Index = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return index


def _write_index(path: str, index: Index) -> None:
    descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(index, file)
    os.replace(f"{path}.new", path)


def say(answer: dict[str, Any]) -> None:
    """Write an answer as a line of JSON, at once."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main(text: str) -> None:
    """Do one copy, ``[direction, remote, local, index]`` as JSON; the last line is the answer."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # whoever asked is gone
    direction, *places = json.loads(text)
    try:
        answer = copy_in(*places) if direction == "in" else copy_out(*places)
    except OSError as error:
        answer = {"errno": error.errno, "error": error.strerror, "step": str(error.filename or "")}
    say(answer)


if __name__ == "__main__":
    main(sys.argv[1])
