"""The module pai_mount_info: what it lists, and that a dead mount does not hold it up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.inventory import (
    is_storage,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.mountinfo import (
    MountEntry,
)
from ansible_collections.openpai.runtime.plugins.modules import pai_mount_info
from tests.unit.storage_mounts import mount_fuse, namespace

Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("mount_point", "filesystem", "wanted"),
    [
        ("/", "overlay", True),
        ("/mnt/a", "nfs4", True),
        ("/mnt/a", "fuse.rclone", True),
        ("/dev/shm", "tmpfs", True),
        ("/dev/pts", "devpts", False),
        ("/proc/acpi", "tmpfs", False),
        ("/run/secrets", "tmpfs", False),
        ("/mnt/a", "cgroup2", False),
        ("/var/lib/lxcfs", "fuse.lxcfs", False),
    ],
)
def test_what_is_a_storage(mount_point: str, filesystem: str, wanted: bool) -> None:
    entry = MountEntry(Path(mount_point), "x", filesystem, (), "/", "0:1")
    assert is_storage(entry) is wanted


def test_without_a_state_nothing_is_ours(run_module: Run) -> None:
    result = run_module(pai_mount_info.main, {"timeout": 30}, check=True)
    assert not result["changed"]
    (root,) = (one for one in result["mounts"] if one["mount_point"] == "/")
    assert root["total_bytes"] > 0
    assert not any(one["ours"] for one in result["mounts"])


def test_all_of_them(run_module: Run) -> None:
    listed = run_module(pai_mount_info.main, {"every": True, "timeout": 30})["mounts"]
    assert any(one["filesystem"] == "proc" for one in listed)


def test_some_of_them(run_module: Run) -> None:
    args = {"mount_points": ["/proc", "/nothing"], "timeout": 30}
    listed = run_module(pai_mount_info.main, args)["mounts"]
    assert [one["filesystem"] for one in listed] == ["proc"]


def test_a_mount_without_an_answer(tmp_path: Path, run_module: Run) -> None:
    with namespace():
        device = mount_fuse(tmp_path)
        slow, dead = (find(tmp_path, run_module, device if n else None) for n in range(2))
        assert (slow["alive"], slow["total_bytes"]) == (False, None)
        assert slow["problem"] == "it did not answer within 2 seconds"
        assert (dead["alive"], dead["total_bytes"]) == (False, None)
        assert dead["problem"] == "statvfs: Transport endpoint is not connected"


def find(mount_point: Path, run_module: Run, closing: int | None) -> dict[str, Any]:
    """Return what is told of one mount, after a descriptor was closed."""
    if closing is not None:
        os.close(closing)
    listed = run_module(pai_mount_info.main, {"timeout": 2})["mounts"]
    (found,) = (one for one in listed if one["mount_point"] == str(mount_point))
    return dict(found)


def test_a_limit_that_is_none(run_module: Run) -> None:
    result = run_module(pai_mount_info.main, {"timeout": 0})
    assert result["msg"] == "timeout: 0 is not above 0; give more"
