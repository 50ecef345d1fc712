"""Exit records in a directory that all tasks see, whatever else is in it, and if it answers."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.job_records import (
    SharedRecords,
)
from tests.unit.storage_mounts import mount_fuse, namespace

LONG = 60.0
ONE = ExitRecord("worker-1", 1, ready=True, attempt="uid", evidence='it\'s "bad" $HOME')


@pytest.fixture
def shared(tmp_path: Path) -> SharedRecords:
    return SharedRecords(tmp_path, "alice~train", "uid")


def test_a_record_is_there_for_all_but_its_own_task(shared: SharedRecords) -> None:
    assert shared.write(ONE, LONG) is None
    assert shared.read("worker-0", LONG) == ([ONE], None)
    assert shared.read("worker-1", LONG) == ([], None)
    path = shared.directory / "alice~train" / "uid" / "worker-1.json"
    assert path.read_text() == f"{ONE.encode()}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in path.parent.iterdir()] == ["worker-1.json"]


def test_the_same_again_writes_nothing(shared: SharedRecords) -> None:
    shared.write(ONE, LONG)
    path = shared.directory / "alice~train" / "uid" / "worker-1.json"
    before = path.stat().st_ino
    assert shared.write(ONE, LONG) is None
    assert path.stat().st_ino == before
    newer = ExitRecord("worker-1", 2, ready=True, attempt="uid")
    assert shared.write(newer, LONG) is None
    assert shared.read("worker-0", LONG)[0] == [newer]


def test_the_new_directories_are_open_to_whom_the_given_one_is(shared: SharedRecords) -> None:
    shared.directory.chmod(0o1777)
    shared.write(ONE, LONG)
    for path in (shared.directory / "alice~train", shared.directory / "alice~train" / "uid"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o1777


@pytest.mark.parametrize(
    ("job", "attempt"), [("alice~train", "other"), ("bob~train", "uid"), ("alice~train", "")]
)
def test_records_of_others_are_not_taken(shared: SharedRecords, job: str, attempt: str) -> None:
    shared.write(ONE, LONG)
    assert SharedRecords(shared.directory, job, attempt).read("worker-0", LONG) == ([], None)


def test_a_record_that_says_another_attempt_or_name_is_not_taken(shared: SharedRecords) -> None:
    shared.write(ONE, LONG)
    folder = shared.directory / "alice~train" / "uid"
    (folder / "worker-2.json").write_text(ONE.encode())
    other = ExitRecord("worker-3", 1, ready=True, attempt="earlier")
    (folder / "worker-3.json").write_text(other.encode())
    assert shared.read("worker-0", LONG) == ([ONE], None)


def test_what_is_no_record_holds_nobody_up(shared: SharedRecords, tmp_path: Path) -> None:
    shared.write(ONE, LONG)
    folder = shared.directory / "alice~train" / "uid"
    os.mkfifo(folder / "worker-2.json")
    (folder / "worker-3.json").mkdir()
    (folder / "worker-4.json").write_bytes(b"\xff\0{" * 9000)
    (folder / "worker-5.json").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text(ExitRecord("worker-5", 1, True, "uid").encode())
    (folder / "worker-6.json").touch()
    (folder / ".worker-7.json").write_text(ONE.encode())
    assert shared.read("worker-0", LONG) == ([ONE], None)


@pytest.mark.parametrize("job", ["..", "a/b", "../../x", "\0", ""])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, job: str) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    shared = SharedRecords(place, job, "../..")
    record = ExitRecord("../../evil", 1, ready=True, attempt="../..")
    assert shared.write(record, LONG) is None
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]
    assert shared.read("worker-0", LONG) == ([record], None)


def test_a_directory_that_is_missing_is_told(tmp_path: Path) -> None:
    shared = SharedRecords(tmp_path / "none", "train", "uid")
    told = f"{tmp_path}/none: No such file or directory"
    assert shared.write(ONE, LONG) == f"exit records not written to {told}"
    assert shared.read("worker-0", LONG) == ([], f"exit records not read from {told}")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_without_an_answer_holds_nobody_up(tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    with namespace():
        device = mount_fuse(place)
        try:
            shared, began = SharedRecords(place, "train", "uid"), time.monotonic()
            told = shared.write(ONE, 0.5)
            read = shared.read("worker-0", 0.5)
            assert time.monotonic() - began < LONG / 2
        finally:
            os.close(device)
    assert told == f"exit records not written to {place}: no answer within 0.5 s"
    assert read == ([], f"exit records not read from {place}: no answer within 0.5 s")
