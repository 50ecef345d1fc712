# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one exit record and read the others', in a process of its own: see storage/child.py.

The directory may be on a storage whose server is gone. So nothing here imports anything of ours.
"""

from __future__ import annotations

import json
import os
import stat
import sys

_MOST_BYTES = 4097
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


TYPE_CHECKING = False  # as the type checkers know it: to import typing would cost a third more
if TYPE_CHECKING:
    from typing import Any


def write(root: str, parts: list[str], name: str, line: str) -> dict[str, Any]:
    """Leave a record below ``root``, which must be there; its new directories are as it is."""
    folder = _open(root, parts, make=True)
    content = f"{line}\n".encode()
    if _content(name, folder) == content:
        return {}
    fresh = f".{name[:200]}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            _allow(descriptor, 0o644)
        os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(fresh, dir_fd=folder)
        raise
    return {}


def read(root: str, parts: list[str], tasks: dict[str, int]) -> dict[str, Any]:
    """Tell what the records below ``root`` hold; ``tasks`` are how many there may be by name."""
    try:
        folder = _open(root, parts)
    except FileNotFoundError:
        os.stat(root)  # that it is missing is an error; that nobody has written yet is none
        return {"records": {}}
    # of whatever else is there nothing is opened, however much it is
    names = [name for name in os.listdir(folder) if _is_of(name, tasks)]
    found = {name: _content(name, folder) for name in names}
    return {
        "records": {name: (each or b"").decode("utf-8", "replace") for name, each in found.items()}
    }


def _is_of(name: str, tasks: dict[str, int]) -> bool:
    stem, ending = os.path.splitext(name)
    task, _dash, number = stem.rpartition("-")
    short = ending == ".json" and number.isascii() and number.isdigit() and len(number) < 10
    return short and number == str(int(number)) and int(number) < tasks.get(task, 0)


def _open(root: str, parts: list[str], make: bool = False) -> int:
    """Return the directory of the records, as a descriptor; no part below ``root`` is a link."""
    folder = os.open(root, _FOLDER)
    mode = stat.S_IMODE(os.fstat(folder).st_mode) & 0o3777
    for part in parts:
        made = make and _make(part, folder)
        folder = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        if made:
            _allow(folder, mode)  # tasks may be different users
    return folder


def _make(name: str, folder: int) -> bool:
    """Make a directory; tell whether it is new."""
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _allow(descriptor: int, mode: int) -> None:
    """Set the permissions, where the storage knows any."""
    try:
        os.chmod(descriptor, mode)
    except OSError:
        return


def _content(name: str, folder: int) -> bytes | None:
    """Return what a file holds, if it is one: a pipe would have to be waited for."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _MOST_BYTES) if regular else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def main(text: str) -> None:
    """Do what is asked, ``[name, arguments…]`` as JSON, and answer by one line of JSON."""
    name, *arguments = json.loads(text)
    try:
        answer = write(*arguments) if name == "write" else read(*arguments)
    except OSError as error:
        answer = {"error": error.strerror or str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
