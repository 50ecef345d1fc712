"""Copies: there, back, and what is never overwritten."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.copy_mode import (
    copy_in,
    copy_out,
)


class Sides:
    """A storage and its copy."""

    def __init__(self, directory: Path) -> None:
        self.remote, self.local = directory / "remote", directory / "local"
        self.index = directory / "index.json"
        self.remote.mkdir()
        self.local.mkdir()
        (self.remote / "deep" / "er").mkdir(parents=True)
        (self.remote / "a").write_text("one")
        (self.remote / "deep" / "er" / "b").write_text("two")
        (self.remote / "deep" / "er" / "b").chmod(0o750)
        (self.remote / "link").symlink_to("a")

    def bring(self) -> str:
        return copy_in(self.remote, self.local, self.index)

    def take(self, seconds: float = 60) -> str:
        return copy_out(self.remote, self.local, self.index, seconds)


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def test_there_and_back(sides: Sides) -> None:
    assert sides.bring() == f"copied 3 files (7 bytes) to {sides.local}"
    assert (sides.local / "deep" / "er" / "b").read_text() == "two"
    assert stat.S_IMODE((sides.local / "deep" / "er" / "b").stat().st_mode) == 0o750
    assert os.readlink(sides.local / "link") == "a"
    assert stat.S_IMODE(sides.index.stat().st_mode) == 0o600
    assert sides.bring().startswith("copied 0 files")
    assert sides.take() == "copied 0 files (0 bytes) back"
    (sides.local / "a").write_text("changed")
    (sides.local / "new").mkdir()
    (sides.local / "new" / "c").write_text("three")
    (sides.local / "deep" / "er" / "b").unlink()
    assert sides.take() == "copied 2 files (12 bytes) back"
    assert (sides.remote / "a").read_text() == "changed"
    assert (sides.remote / "new" / "c").read_text() == "three"
    assert (sides.remote / "deep" / "er" / "b").read_text() == "two"  # nothing is ever deleted
    assert sides.take() == "copied 0 files (0 bytes) back"
    assert not [name for name in os.listdir(sides.remote) if name.startswith(".pai")]


def test_what_other_tasks_have_there_for_a_moment_is_no_data(sides: Sides) -> None:
    for name in (".pai-probe-host-1-ab", "deep/.pai-copy-ab-b"):
        (sides.remote / name).write_text("gone soon")
    assert sides.bring() == f"copied 3 files (7 bytes) to {sides.local}"


def test_a_later_copy_takes_what_is_new_on_the_server(sides: Sides) -> None:
    sides.bring()
    (sides.remote / "a").write_text("newer")
    assert sides.bring() == f"copied 1 files (5 bytes) to {sides.local}"
    assert (sides.local / "a").read_text() == "newer"


@pytest.mark.parametrize("copied_before", [False, True], ids=["another file", "changed since"])
def test_a_file_that_is_no_copy_is_not_overwritten(sides: Sides, copied_before: bool) -> None:
    if copied_before:
        sides.bring()
    (sides.local / "a").write_text("mine")
    message = f"{sides.local}/a is there already and is not what the storage has; move it away"
    with pytest.raises(RuntimeConfigError, match=message):
        sides.bring()
    assert (sides.local / "a").read_text() == "mine"
    assert copied_before or not (sides.local / "deep").exists()


def test_an_interrupted_copy_goes_on(sides: Sides) -> None:
    sides.bring()
    sides.index.unlink()
    (sides.local / "deep" / "er" / "b").unlink()
    assert sides.bring() == f"copied 1 files (3 bytes) to {sides.local}"


def test_a_file_that_cannot_be_copied_is_named_and_the_others_go(sides: Sides) -> None:
    sides.bring()
    (sides.local / "x").write_text("1")
    (sides.local / "y").write_text("1")
    (sides.remote / "x" / "full").mkdir(parents=True)
    message = r"1 of 2 files could not be copied back: x: Is a directory; correct the cause"
    with pytest.raises(RuntimeConfigError, match=message):
        sides.take()
    assert (sides.remote / "y").read_text() == "1"
    assert "x" not in json.loads(sides.index.read_text())


def test_no_time_is_said(sides: Sides) -> None:
    sides.bring()
    (sides.local / "x").write_text("1")
    message = f"not all changed files were copied back within 0 seconds; .* in {sides.local}; give"
    with pytest.raises(RuntimeConfigError, match=message):
        sides.take(seconds=0)


def test_pipes_are_no_data(sides: Sides) -> None:
    sides.bring()
    os.mkfifo(sides.local / "pipe")
    assert sides.take() == "copied 0 files (0 bytes) back"


def test_a_remote_side_that_is_gone(sides: Sides) -> None:
    sides.remote = sides.remote / "gone"
    message = "the copy failed: .*/gone: No such file or directory; the local files are in "
    with pytest.raises(RuntimeConfigError, match=message):
        sides.bring()
