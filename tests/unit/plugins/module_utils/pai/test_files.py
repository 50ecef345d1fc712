"""Files are written whole, with their mode, and only where something is to be changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.files import apply, plan
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_its_mode_under_any_umask(tmp_path: Path, mask: int, mode: int) -> None:
    path = tmp_path / "deep" / "file"
    path.parent.mkdir()
    before = os.umask(mask)
    try:
        apply([plan(path, "text", mode)])
    finally:
        os.umask(before)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("text", mode)
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_plan_knows_what_is_to_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert not plan(path, None).changed
    assert plan(path, "a").changed
    apply([plan(path, "a")])
    assert not plan(path, "a").changed
    assert plan(path, "a", 0o600).changed
    assert plan(path, None).action == "remove file"
    apply([plan(path, None)])
    assert not path.exists()


def test_a_diff_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old hunter2-hunter2")
    diff = plan(tmp_path / "file", "new hunter2-hunter2").diff(Masker(["hunter2-hunter2"]))
    assert (diff["before"], diff["after"]) == ("old ******", "new ******")


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        RuntimeConfigError, match=r"file/inner: File exists; choose a place that can"
    ):
        apply([plan(tmp_path / "file" / "inner", "x")])
    (tmp_path / "directory").mkdir()
    with pytest.raises(RuntimeConfigError, match=r"directory: Is a directory; a file is expected"):
        plan(tmp_path / "directory", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["directory", "file"]
