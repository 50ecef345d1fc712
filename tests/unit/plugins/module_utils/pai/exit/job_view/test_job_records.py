"""Exit records in a directory that all tasks see, whatever else is in it, and if it answers."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view import (
    job_records_child,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.job_records import (
    SharedRecords,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import child
from tests.unit.storage_mounts import mount_fuse, namespace

LONG = 60.0
OTHERS = frozenset(f"worker-{index}" for index in range(1, 9))
ONE = ExitRecord("worker-1", 1, ready=True, attempt="uid", evidence='it\'s "bad" $HOME')


@pytest.fixture
def shared(tmp_path: Path) -> SharedRecords:
    return SharedRecords(tmp_path, "alice~train", "uid")


def test_a_record_is_there_for_all_but_its_own_task(shared: SharedRecords) -> None:
    assert shared.write(ONE, LONG) is None
    assert shared.read(OTHERS, LONG) == ([ONE], None)
    assert shared.read(OTHERS - {"worker-1"}, LONG) == ([], None)
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
    assert shared.read(OTHERS, LONG)[0] == [newer]


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
    assert SharedRecords(shared.directory, job, attempt).read(OTHERS, LONG) == ([], None)


def test_a_record_that_says_another_attempt_or_name_is_not_taken(shared: SharedRecords) -> None:
    shared.write(ONE, LONG)
    folder = shared.directory / "alice~train" / "uid"
    (folder / "worker-2.json").write_text(ONE.encode())
    other = ExitRecord("worker-3", 1, ready=True, attempt="earlier")
    (folder / "worker-3.json").write_text(other.encode())
    assert shared.read(OTHERS, LONG) == ([ONE], None)


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
    assert shared.read(OTHERS, LONG) == ([ONE], None)


@pytest.mark.parametrize("job", ["..", "a/b", "../../x", "\0", ""])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, job: str) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    shared = SharedRecords(place, job, "../..")
    record = ExitRecord("../../evil-0", 1, ready=True, attempt="../..")
    assert shared.write(record, LONG) is None
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]
    assert shared.read({record.alias}, LONG) == ([record], None)


@pytest.mark.parametrize("mode", [0o2770, 0o3777])
def test_a_directory_for_a_group_stays_one(shared: SharedRecords, mode: int) -> None:
    shared.directory.chmod(mode)
    shared.write(ONE, LONG)
    folder = shared.directory / "alice~train"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "uid")] == [mode] * 2


def test_only_the_names_of_the_jobs_tasks_are_opened(shared: SharedRecords) -> None:
    shared.write(ONE, LONG)
    folder = shared.directory / "alice~train" / "uid"
    for index in range(2500):
        (folder / f"a-{index}.json").touch()
    names = ["worker-01.json", "worker-9.json", "worker-².json", "worker-.json", "worker-1.json~"]
    for name in names:
        (folder / name).write_text(ONE.encode())
    asked = ("read", str(shared.directory), ["alice~train", "uid"], {"worker": 9, "x": 1})
    answer = child.ask(job_records_child, *asked, seconds=LONG)
    assert answer == {"records": {"worker-1.json": f"{ONE.encode()}\n"}}
    assert shared.read(OTHERS, LONG) == ([ONE], None)


def test_a_job_of_very_many_tasks_can_be_asked_for(shared: SharedRecords) -> None:
    shared.write(ONE, LONG)
    many = frozenset(f"worker-{index}" for index in range(50_000))
    assert shared.read(many, LONG) == ([ONE], None)


@pytest.mark.parametrize("part", ["alice~train", "alice~train/uid"])
def test_no_link_leads_out_of_the_directory(tmp_path: Path, part: str) -> None:
    place, elsewhere = tmp_path / "shared", tmp_path / "elsewhere"
    (place / part).parent.mkdir(parents=True)
    elsewhere.mkdir()
    (place / part).symlink_to(elsewhere)
    shared = SharedRecords(place, "alice~train", "uid")
    assert shared.write(ONE, LONG) == f"exit records not written to {place}: Not a directory"
    assert list(elsewhere.iterdir()) == []
    assert shared.read(OTHERS, LONG) == ([], f"exit records not read from {place}: Not a directory")


def test_without_a_temporary_file_the_problem_is_told(
    shared: SharedRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(shared.directory / "none")
    monkeypatch.setattr("tempfile.tempdir", missing)
    told = f"{shared.directory}: No such file or directory"
    assert shared.write(ONE, LONG) == f"exit records not written to {told}"
    assert shared.read(OTHERS, LONG) == ([], f"exit records not read from {told}")


def test_a_directory_that_is_missing_is_told(tmp_path: Path) -> None:
    shared = SharedRecords(tmp_path / "none", "train", "uid")
    told = f"{tmp_path}/none: No such file or directory"
    assert shared.write(ONE, LONG) == f"exit records not written to {told}"
    assert shared.read(OTHERS, LONG) == ([], f"exit records not read from {told}")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_without_an_answer_holds_nobody_up(tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    with namespace():
        device = mount_fuse(place)
        try:
            shared, began = SharedRecords(place, "train", "uid"), time.monotonic()
            told = shared.write(ONE, 0.5)
            read = shared.read(OTHERS, 0.5)
            assert time.monotonic() - began < LONG / 2
        finally:
            os.close(device)
    assert told == f"exit records not written to {place}: no answer within 0.5 s"
    assert read == ([], f"exit records not read from {place}: no answer within 0.5 s")
