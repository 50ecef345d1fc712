"""Real mounts for tests, in a mount namespace of their own, so that nothing of them is left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import sight
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import (
    Recipe,
    Request,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import unmounting
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools.tool import (
    MountError,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.types import recipe_for

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_FS = 0x20000, 0x200


def call(function: Callable[..., int], *arguments: Any) -> None:
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def namespace() -> Iterator[None]:
    """Give this thread, and all that it starts, mounts that nobody else sees."""
    before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    directory = os.getcwd()
    try:
        call(LIBC.unshare, CLONE_NEWNS)
    except OSError as error:
        os.close(before)
        pytest.skip(f"a mount namespace of one's own needs root ({error.strerror})")
    try:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        yield
    finally:
        call(LIBC.unshare, CLONE_FS)  # a thread that is about to end may still share it
        call(LIBC.setns, before, CLONE_NEWNS)
        os.close(before)
        os.chdir(directory)


def mount_fuse(mount_point: Path) -> int:
    """Mount a FUSE file system that nobody serves: without an answer until the descriptor closes.

    From then on it says what one says whose process was killed.
    """
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no /dev/fuse here ({error.strerror})")
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    call(LIBC.mount, b"server:/x", os.fsencode(mount_point), b"fuse", 0, options)
    return device


def request(mount_point: Path, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "name": "data",
        "type": "hostpath",
        "server": {},
        "path": "",
        "mount_point": mount_point,
        "read_only": False,
        "mode": "mount",
        "options": (),
        "place": "test",
    }
    return Request(**{**values, **changes})


class Ram:
    """A tool that mounts a tmpfs, and does wrong what a test asks for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.problem = ""
        self.absent = ""
        self.pending: str | None = None
        self.busy: str | None = None
        self.seconds = 0.0

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        return self.absent or None

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        self.calls.append(f"mount {mount_point.name}")
        time.sleep(self.seconds)
        if self.problem:
            raise MountError(self.problem)
        words = ["-o", ",".join(["ro" if read_only else "rw", *recipe.options])]
        subprocess.run(
            ["mount", "-t", "tmpfs", *words, recipe.source, str(mount_point)], check=True
        )
        return {"files": sorted(os.listdir(private))}

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        return None

    def flush(
        self, facts: Mapping[str, Any], private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        self.calls.append(f"flush {mount_point.name}")
        return self.pending

    def unmount(
        self, facts: Mapping[str, Any], private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        self.calls.append(f"unmount {mount_point.name}")
        return self.busy or unmounting.unmount(mount_point, deadline)


def ram_recipe(wanted: Request, private: Path) -> Recipe:
    files = {"credentials": "password=hunter2-hunter2\n"}
    return Recipe("ram", f"ram-{wanted.name}", ("tmpfs", "fuse"), wanted.options, files)


def ram_ways(tool: Ram) -> sight.Ways:
    return sight.Ways(ram_recipe, {"ram": tool}, os.environ)


def real_ways(tools: Mapping[str, Any]) -> sight.Ways:
    return sight.Ways(recipe_for, tools, os.environ)
