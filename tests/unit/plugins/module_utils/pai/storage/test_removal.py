"""The end of real mounts: order, flushing, the last resort, and what is never touched."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import mountinfo
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.apply import Mounter
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.holders import holders
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.outcome import (
    FAILED,
    Outcome,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.removal import Remover
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import (
    STARTING,
    Store,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.together import (
    Bounds,
    failures,
    mount_all,
    unmount_all,
)
from tests.unit.storage_mounts import Ram, mount_fuse, ram_ways, request

pytestmark = pytest.mark.usefixtures("own_mounts")
NOBODY = Masker([])


class Mounts:
    """Some mounts of one tool."""

    def __init__(self, directory: Path) -> None:
        self.tool = Ram()
        self.state = directory / "state"
        self.root = directory / "mnt"

    def store(self) -> Store:
        return Store(self.state)

    def start(self, *names: str, workers: int = 1, **changes: Any) -> list[Outcome]:
        """Mount one storage at each path below the root; each is called like its path."""
        self.state.mkdir(exist_ok=True)
        wanted = [request(self.root / name, name=name, **changes) for name in names]
        mounter = Mounter(self.store(), ram_ways(self.tool))
        return mount_all(wanted, mounter, Bounds(workers, 20), NOBODY)

    def end(self, seconds: float = 20, workers: int = 1, check: bool = False) -> list[Outcome]:
        store = self.store()
        remover = Remover(store, {"ram": self.tool}, check=check)
        return unmount_all(store.records(), remover, Bounds(workers, seconds), NOBODY)

    def left(self) -> list[str]:
        """Return what is mounted below the root."""
        below = mountinfo.below(mountinfo.read(), self.root)
        return [str(entry.mount_point.relative_to(self.root)) for entry in below]


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    return Mounts(tmp_path)


def test_the_end_is_the_start_in_reverse(mounts: Mounts) -> None:
    mounts.start("a", "b", "c")
    mounts.tool.calls.clear()
    assert [outcome.state for outcome in mounts.end()] == ["unmounted"] * 3
    expected = [f"{verb} {name}" for name in ("c", "b", "a") for verb in ("flush", "unmount")]
    assert mounts.tool.calls == expected
    assert os.listdir(mounts.state) == []
    assert not mounts.root.exists()
    assert mounts.end() == []


def test_an_inner_mount_point_comes_last_and_goes_first(mounts: Mounts) -> None:
    outcomes = mounts.start("a/b", "a", "c", workers=4)
    assert [outcome.state for outcome in outcomes] == ["mounted"] * 3
    assert mounts.tool.calls.index("mount a") < mounts.tool.calls.index("mount b")
    mounts.end(workers=4)
    assert mounts.tool.calls.index("unmount b") < mounts.tool.calls.index("unmount a")
    assert mounts.left() == []


def test_one_that_fails_leaves_the_others_but_not_what_is_below_it(mounts: Mounts) -> None:
    mounts.root.mkdir()
    (mounts.root / "bad").write_text("")
    outcomes = mounts.start("good", "bad", "bad/inner")
    assert [outcome.state for outcome in outcomes] == ["mounted", FAILED, FAILED]
    bad = mounts.root / "bad"
    assert failures(outcomes) == (
        f"storage 'bad' at {bad}: {bad} is no directory; move it away or choose another mount"
        f" point; storage 'bad/inner' at {bad}/inner: it lies below bad at {bad}, which failed"
    )
    assert mounts.left() == ["good"]


def test_one_mount_point_for_two_is_refused(mounts: Mounts) -> None:
    with pytest.raises(RuntimeConfigError, match="/a: both 'a' and 'a' are to be mounted there"):
        mounts.start("a", "a")
    assert mounts.tool.calls == []


def test_check_mode_touches_nothing(mounts: Mounts) -> None:
    mounts.start("a")
    assert [(one.state, one.changed) for one in mounts.end(check=True)] == [("unmounted", True)]
    assert mounts.left() == ["a"]
    assert "unmount a" not in mounts.tool.calls


def test_files_in_and_below_a_mount_point_stay(mounts: Mounts) -> None:
    mounts.start("a/b")
    (mounts.root / "a" / "mine").write_text("x")
    mounts.end()
    assert os.listdir(mounts.root / "a") == ["mine"]


def test_what_was_there_before_stays(mounts: Mounts) -> None:
    (mounts.root / "a").mkdir(parents=True)
    mounts.start("a/b")
    mounts.end()
    assert os.listdir(mounts.root / "a") == []


def test_a_busy_mount_goes_lazily_and_tells_who_uses_it(mounts: Mounts) -> None:
    mounts.start("a")
    with (mounts.root / "a" / "open").open("w") as file:
        (outcome,) = mounts.end()
        file.write("still works")
    assert outcome.state == "unmounted"
    (warning,) = outcome.warnings
    assert warning.startswith(f"a: {mounts.root}/a was unmounted lazily, since an orderly unmount")
    assert "target is busy" in warning
    assert f"({os.getpid()})" in warning
    assert mounts.left() == []
    assert not mounts.root.exists()


def test_data_that_is_not_with_the_server_is_a_failure_and_kept(mounts: Mounts) -> None:
    mounts.start("a")
    (record,) = mounts.store().records()
    Path(record.private, "cache").mkdir()
    mounts.tool.pending = "2 files (10 bytes) are not uploaded"
    (outcome,) = mounts.end()
    assert outcome.state == FAILED
    assert outcome.msg == (
        "not all that was written is with the server: 2 files (10 bytes) are not uploaded; what ram"
        f" may have kept of it stays in {record.private}; give the end more time"
        " (PAI_TERMINATION_GRACE_SECONDS)"
    )
    assert mounts.left() == []
    assert sorted(os.listdir(record.private)) == ["cache", "credentials"]


def test_no_password_is_kept_for_data_that_only_the_kernel_had(mounts: Mounts) -> None:
    mounts.start("a")
    (record,) = mounts.store().records()
    mounts.tool.pending = "the server has not yet taken all that was written"
    (outcome,) = mounts.end()
    assert outcome.state == FAILED
    assert outcome.msg == (
        "not all that was written is with the server: the server has not yet taken all that was"
        " written; give the end more time (PAI_TERMINATION_GRACE_SECONDS)"
    )
    assert not Path(record.private).exists()


def test_nothing_of_a_read_only_mount_is_flushed(mounts: Mounts) -> None:
    mounts.start("a", read_only=True)
    mounts.end()
    assert "flush a" not in mounts.tool.calls


def test_a_dead_mount_goes_within_the_time(mounts: Mounts) -> None:
    mounts.start("a")
    point = mounts.root / "a"
    subprocess.run(["umount", str(point)], check=True)
    device = mount_fuse(point)
    entry = mountinfo.at(mountinfo.read(), point)
    assert entry is not None
    store = mounts.store()
    identity = (entry.major_minor, entry.root)
    store.put(dataclasses.replace(store.records()[0], identity=identity))
    started = time.monotonic()
    (outcome,) = mounts.end(seconds=3)
    assert time.monotonic() - started < 30  # and not for ever
    os.close(device)
    assert outcome.state == "unmounted"
    assert outcome.msg.startswith("it did not work any more: it did not answer within 1 seconds")
    assert mounts.left() == []


def test_a_mount_of_somebody_else_over_ours_stays(mounts: Mounts) -> None:
    mounts.start("a")
    subprocess.run(["mount", "-t", "tmpfs", "theirs", str(mounts.root / "a")], check=True)
    (outcome,) = mounts.end()
    assert outcome.state == FAILED
    assert outcome.msg.startswith("theirs (tmpfs) is mounted over ours and was left as it is")
    assert mounts.left() == ["a", "a"]


def test_a_mount_that_is_gone_is_forgotten(mounts: Mounts) -> None:
    mounts.start("a")
    subprocess.run(["umount", str(mounts.root / "a")], check=True)
    assert [outcome.state for outcome in mounts.end()] == ["unmounted"]
    assert os.listdir(mounts.state) == []


@pytest.mark.parametrize("mounted", [True, False], ids=["after the mount", "before the mount"])
def test_what_a_killed_start_has_left_goes(mounts: Mounts, mounted: bool) -> None:
    mounts.start("a")
    store = mounts.store()
    (record,) = store.records()
    store.put(dataclasses.replace(record, phase=STARTING, facts={}, identity=()))
    if not mounted:
        subprocess.run(["umount", str(mounts.root / "a")], check=True)
    private = Path(record.private)
    (private / "root").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "root", str(private / "root")], check=True)
    (outcome,) = mounts.end()
    assert outcome.state == "unmounted"
    assert mounts.left() == []
    assert mountinfo.below(mountinfo.read(), mounts.state) == []
    assert os.listdir(mounts.state) == []
    assert not mounts.root.exists()


def test_secrets_do_not_stand_in_messages(mounts: Mounts) -> None:
    mounts.tool.problem = "login failed with hunter2-hunter2"
    mounts.state.mkdir()
    mounter = Mounter(mounts.store(), ram_ways(mounts.tool))
    wanted = [request(mounts.root / "a")]
    (outcome,) = mount_all(wanted, mounter, Bounds(1, 20), Masker(["hunter2-hunter2"]))
    assert outcome.msg == "login failed with ******"


def test_who_holds_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ab").mkdir()
    command = ["sleep", "60"]
    with (
        subprocess.Popen(command, cwd=tmp_path / "a") as inside,
        subprocess.Popen(command, cwd=tmp_path / "ab") as beside,
    ):
        try:
            found = holders(tmp_path / "a", time.monotonic() + 30)
        finally:
            inside.kill()
            beside.kill()
    assert found == f"sleep ({inside.pid})"
