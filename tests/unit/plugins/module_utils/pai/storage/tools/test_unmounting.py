"""Unmounting: what does not answer goes all the same."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import unmounting
from tests.unit.storage_mounts import mount_fuse


@pytest.mark.usefixtures("own_mounts")
@pytest.mark.skipif(shutil.which("fusermount3") is None, reason="no fusermount3 here (fuse3)")
def test_a_fuse_mount_that_does_not_answer_is_unmounted(tmp_path: Path) -> None:
    device = mount_fuse(tmp_path)
    try:
        assert unmounting.unmount(tmp_path, time.monotonic() + 30) is None
        assert unmounting.mounted(tmp_path) is None
    finally:
        os.close(device)
