# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What touches a mount, run in a process of its own: see child.py.

A system call on a mount whose server is gone may never return, and no signal ends it. So nothing
here imports anything of ours: child.py passes this file's text to a fresh Python.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys

TYPE_CHECKING = False  # as the type checkers know it: to import typing would cost a third more
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_DETACH_NOFOLLOW = 2 | 8  # MNT_DETACH | UMOUNT_NOFOLLOW, umount(2)


def look(path: str) -> dict[str, Any]:
    """Tell what stands at a path: its real path, its kind, and whether it is an empty directory.

    ``missing`` are the directories that are to be made for it, outermost first.
    """
    found: dict[str, Any] = {
        "resolved": os.path.realpath(path),
        "link": os.path.islink(path),
        "kind": "missing",
        "empty": True,
        "missing": [],
    }
    here = found["resolved"]
    while (mode := _mode(here)) is None:
        found["missing"].insert(0, here)
        here = os.path.dirname(here)
    if not stat.S_ISDIR(mode):
        found.update(kind="file", resolved=here)
    elif not found["missing"]:
        found.update(kind="directory", empty=next(_names(here), None) is None)
    return found


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def probe(path: str, name: str | None) -> dict[str, Any]:
    """Read through a mount and, with the name of a file, write through it."""
    status = _step("stat", lambda: os.stat(path))
    is_directory = stat.S_ISDIR(status.st_mode)
    if is_directory:
        _step("list", lambda: next(_names(path), None))
    if name is not None:
        _write(os.path.join(path, name))
    return {"directory": is_directory}


def space(path: str) -> dict[str, Any]:
    """Tell how many bytes the file system has, and how many an ordinary user may still take."""
    found = _step("statvfs", lambda: os.statvfs(path))
    is_directory = stat.S_ISDIR(_step("stat", lambda: os.stat(path)).st_mode)
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    return {"total": total, "free": free, "directory": is_directory}


def make_directories(base: str, path: str) -> dict[str, Any]:
    """Make ``path`` below ``base`` for everybody to write; a symbolic link on the way is an error.

    The link would be followed on this machine and not on the server.
    """
    os.umask(0)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    here, made, done = os.open(base, flags), 0, ""
    for part in filter(None, path.split("/")):
        done = f"{done}/{part}"
        try:
            os.mkdir(part, 0o777, dir_fd=here)
            made += 1
        except FileExistsError:
            pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, done) from error
        here = _open(part, flags, here, done)
    return {"made": made}


def detach(path: str) -> dict[str, Any]:
    """Take a mount out of the tree without asking its server: a lazy unmount."""
    import ctypes  # for this question only: it takes as long as all others

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(os.fsencode(path), _DETACH_NOFOLLOW):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return {}


def _open(name: str, flags: int, folder: int, path: str) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _write(path: str) -> None:
    content = os.urandom(16)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = _step("write", lambda: os.open(path, flags, 0o600))
    try:
        try:
            _step("write", lambda: os.write(descriptor, content))
        finally:
            _step("write", lambda: os.close(descriptor))  # where NFS and CIFS tell a full disk
        with open(path, "rb") as file:
            if _step("read back", file.read) != content:
                raise OSError(errno.EIO, "other content than was written", "read back")
    finally:
        _step("remove", lambda: os.unlink(path))


def _names(path: str) -> Iterator[str]:
    with os.scandir(path) as entries:
        for entry in entries:
            yield entry.name


def _step(name: str, call: Callable[[], Any]) -> Any:
    """Do one step; its error carries the step's name in place of a file's."""
    try:
        return call()
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "look": look,
    "probe": probe,
    "space": space,
    "make_directories": make_directories,
    "detach": detach,
}


def say(answer: dict[str, Any]) -> None:
    """Write an answer as a line of JSON, at once."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main(text: str) -> None:
    """Answer one question, ``[name, arguments…]`` as JSON, by one line of JSON."""
    name, *arguments = json.loads(text)
    try:
        answer = QUESTIONS[name](*arguments)
    except OSError as error:
        step = error.filename if isinstance(error.filename, str) else name
        answer = {"errno": error.errno, "error": error.strerror or str(error), "step": step}
    say(answer)


if __name__ == "__main__":
    main(sys.argv[1])
