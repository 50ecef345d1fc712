"""What counts as a full file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import disks

MEBIBYTE, GIBIBYTE = 2**20, 2**30


def found(total: int, free: int, inodes: int = 1000, left: int = 500) -> os.statvfs_result:
    blocks = (1024, 1024, total // 1024, free // 1024, free // 1024, inodes, left, left, 0, 255)
    return os.statvfs_result(blocks)


@pytest.mark.parametrize(
    ("result", "full"),
    [
        pytest.param(found(100 * GIBIBYTE, 0), True, id="nothing left"),
        pytest.param(found(100 * GIBIBYTE, 50 * MEBIBYTE), True, id="hardly anything"),
        pytest.param(found(100 * GIBIBYTE, GIBIBYTE // 2), False, id="half a GiB"),
        pytest.param(found(64 * MEBIBYTE, 40 * MEBIBYTE), False, id="a small one"),
        pytest.param(found(64 * MEBIBYTE, 100 * 1024), True, id="a small one that is full"),
        pytest.param(
            found(8 * MEBIBYTE, 600 * 1024), True, id="a small one, of which room is kept"
        ),
        pytest.param(found(MEBIBYTE, 300 * 1024), False, id="a tiny one"),
        pytest.param(found(GIBIBYTE, GIBIBYTE, left=0), True, id="no inode left"),
        pytest.param(found(GIBIBYTE, GIBIBYTE, inodes=0, left=0), False, id="inodes as needed"),
    ],
)
def test_full(result: os.statvfs_result, full: bool) -> None:
    row = disks.describe(Path("/x"), result)
    assert row["full"] is full
    assert row["totalBytes"] == result.f_blocks * 1024


def test_one_file_system_is_told_once_and_what_is_missing_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    rows = disks.read((tmp_path / "a", tmp_path, tmp_path / "missing"))
    assert [row["path"] for row in rows] == [str(tmp_path / "a")]
    assert rows[0]["totalBytes"] >= rows[0]["freeBytes"] > 0
