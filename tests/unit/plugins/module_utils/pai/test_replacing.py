"""A file is replaced in one step or stays; a message reaches every kind of place or is given up."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.replacing import (
    replace,
    write_in_place,
)


def test_what_a_killed_process_left_is_no_obstacle_and_no_way_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / f".file.{os.getpid()}").symlink_to(victim)
    replace(tmp_path / "file", b"new", 0o600)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"victim": "kept", "file": "new"}


def test_an_interrupted_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fchmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace(tmp_path / "file", b"new", 0o600)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"file": "old"}


def test_a_message_is_written_into_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_text("x" * 10_000)
    before = path.stat().st_ino
    assert write_in_place(path, b"words") is None
    assert (path.read_text(), path.stat().st_ino) == ("words", before)
    assert write_in_place(tmp_path / "new", b"words") is None


@pytest.mark.parametrize("reader", [False, True], ids=["nobody reads it", "it is full"])
def test_a_pipe_never_holds_us_up(tmp_path: Path, reader: bool) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    why = "No such device or address"
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK) if reader else -1
    if reader:
        why = "Resource temporarily unavailable"
        os.write(descriptor, b"x" * 1024 * 1024)  # as much as there is room for
    assert write_in_place(path, b"words") == f"termination message not written to {path}: {why}"
    if reader:
        os.close(descriptor)
