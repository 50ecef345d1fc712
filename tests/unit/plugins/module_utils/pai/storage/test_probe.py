"""Probing with a limit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import child_look
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.child import ask
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.probe import (
    Health,
    look,
    probe,
    space,
)
from tests.unit.storage_mounts import mount_fuse


def test_a_directory_that_works(tmp_path: Path) -> None:
    assert probe(tmp_path, write=True, seconds=20).health is Health.ALIVE
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("point", "reason"),
    [("missing", "stat: No such file or directory"), ("/proc", "write: No such file or directory")],
)
def test_what_cannot_be_used(tmp_path: Path, point: str, reason: str) -> None:
    found = probe(tmp_path / point, write=True, seconds=20)
    assert (found.health, found.reason) == (Health.REFUSED, reason)


def test_a_killed_process_is_seen_and_a_hanging_one_not_waited_for(
    tmp_path: Path, own_mounts: None
) -> None:
    device = mount_fuse(tmp_path)
    try:
        started = time.monotonic()
        hanging = [probe(tmp_path, write=False, seconds=0.5), space(tmp_path, seconds=0.5).probe]
        assert {found.health for found in hanging} == {Health.SLOW}
        assert hanging[0].reason == "it did not answer within 0.5 seconds"
        assert time.monotonic() - started < 30  # and not for ever
        assert look(tmp_path / "x", seconds=0.5).kind == "unknown"
    finally:
        os.close(device)
    dead = probe(tmp_path, write=False, seconds=20)
    assert dead.health is Health.STALE
    assert dead.reason == "stat: Transport endpoint is not connected"


def test_what_stands_at_a_place(tmp_path: Path) -> None:
    (tmp_path / "full" / "x").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("full/new")
    seen = {
        name: look(tmp_path / name, seconds=20)
        for name in ("full", "full/x", "file", "file/a", "link", "new/a b/c")
    }
    kinds = {name: (place.kind, place.empty, place.link) for name, place in seen.items()}
    assert kinds == {
        "full": ("directory", False, False),
        "full/x": ("directory", True, False),
        "file": ("file", True, False),
        "file/a": ("file", True, False),
        "link": ("missing", True, True),
        "new/a b/c": ("missing", True, False),
    }
    assert seen["link"].path == tmp_path / "full" / "new"
    folders = ("new", "new/a b", "new/a b/c")
    assert seen["new/a b/c"].missing == tuple(str(tmp_path / folder) for folder in folders)


def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    path.mkdir()
    assert look(path, seconds=20).path == path


def test_the_size_of_a_file_system(tmp_path: Path) -> None:
    found = space(tmp_path, seconds=20)
    status = os.statvfs(tmp_path)
    assert found.directory
    assert found.total == status.f_blocks * status.f_frsize


def test_a_question_that_breaks_is_an_error_and_no_answer() -> None:
    answer = ask(child_look, "unknown", seconds=20)
    assert answer is not None
    assert answer["error"] == "the probing process failed: KeyError: 'unknown'"
