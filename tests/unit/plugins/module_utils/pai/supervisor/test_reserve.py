"""Room is held without a name, once on every file system, and given back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.reserve import (
    Reserve,
    Room,
    is_remote,
    rooms,
)


def held(directory: Path) -> list[int]:
    """Return how many bytes each file takes that we have open in a directory without a name."""
    ours = Path("/proc/self/fd")
    names = {file.name: os.path.realpath(file) for file in ours.iterdir()}
    return [
        os.stat(int(name)).st_blocks * 512
        for name, path in names.items()
        if path.startswith(f"{directory}/") and path.endswith(" (deleted)")
    ]


def test_room_is_taken_without_a_name_and_given_back(tmp_path: Path) -> None:
    reserve = Reserve()
    reserve.take([Room(tmp_path, 3, 8192)])
    assert [size >= 8192 for size in held(tmp_path)] == [True] * 3
    assert list(tmp_path.iterdir()) == []
    reserve.release()
    reserve.release()
    assert held(tmp_path) == []


def test_one_file_system_is_asked_once_and_one_that_is_missing_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    reserve = Reserve()
    reserve.take([Room(tmp_path / name, 2, 4096) for name in ("none", "logs", "..")])
    assert len(held(tmp_path)) == 2
    assert [room.directory for room in rooms(tmp_path, tmp_path / "logs")] == [
        tmp_path,
        tmp_path / "logs",
        Path("/dev/shm"),
    ]
    reserve.release()


@pytest.mark.parametrize(
    ("mount", "remote"),
    [
        ("61 41 0:35 / /logs rw,relatime shared:2 - nfs4 server:/logs rw,vers=4.2", True),
        ("61 41 0:35 / /logs rw - fuse.rclone bucket: rw", True),
        ("61 41 0:35 / /logs rw - cifs //server/logs rw", True),
        ("61 41 0:35 / / rw - overlay overlay rw,lowerdir=/nfs - nfs", False),
        ("61 41 0:36 / /other rw - nfs4 server:/other rw", False),
        ("", False),
    ],
    ids=["NFS", "a bucket", "SMB", "a container's", "another one", "nobody knows"],
)
def test_nothing_is_held_on_a_server(mount: str, remote: bool) -> None:
    assert is_remote(os.makedev(0, 35), f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n{mount}\n") is remote


def test_the_command_sees_nothing_of_it(runtime) -> None:
    find = f"find {runtime.home} -name '.reserve*'; ls -l /proc/self/fd | grep reserve"
    assert runtime.bash(f"{find}; echo looked").log("user-stdout") == b"looked\n"
