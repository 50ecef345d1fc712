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

_MOST_FILES = 2000
_MOST_BYTES = 4097


TYPE_CHECKING = False  # as the type checkers know it: to import typing would cost a third more
if TYPE_CHECKING:
    from typing import Any


def write(root: str, parts: list[str], name: str, line: str) -> dict[str, Any]:
    """Leave a record below ``root``, which must be there; its new directories are as it is."""
    mode = stat.S_IMODE(os.stat(root).st_mode) & 0o1777
    folder = root
    for part in parts:
        folder = os.path.join(folder, part)
        try:
            os.mkdir(folder)
            os.chmod(folder, mode)  # tasks may be different users
        except FileExistsError:
            pass
    content = f"{line}\n".encode()
    path = os.path.join(folder, name)
    if _content(path) == content:
        return {}
    fresh = os.path.join(folder, f".{name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(fresh, 0o644)
        os.replace(fresh, path)
    except OSError:
        os.unlink(fresh)
        raise
    return {}


def read(root: str, parts: list[str], own: str) -> dict[str, Any]:
    """Tell what the files of records below ``root`` hold, but for the one of this name."""
    os.stat(root)  # that it is missing is an error; that nobody has written yet is none
    folder = os.path.join(root, *parts)
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        names = []
    theirs = [name for name in names if name.endswith(".json") and name[0] != "." and name != own]
    found = {name: _content(os.path.join(folder, name)) for name in theirs[:_MOST_FILES]}
    return {
        "records": {name: (each or b"").decode("utf-8", "replace") for name, each in found.items()}
    }


def _content(path: str) -> bytes | None:
    """Return what a file holds, if it is one: a pipe would have to be waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _MOST_BYTES) if regular else None
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
