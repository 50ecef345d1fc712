"""Mounting with real mounts: what happens to a mount point, and what is undone."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import mountinfo
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.apply import Mounter
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import (
    Recipe,
    Request,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.outcome import Outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import (
    READY,
    STARTING,
    Store,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import TOOLS
from tests.unit.storage_mounts import Ram, mount_fuse, ram_ways, real_ways, request

pytestmark = pytest.mark.usefixtures("own_mounts")


class Place:
    """A state directory, a tool and a mount point."""

    def __init__(self, directory: Path) -> None:
        self.tool = Ram()
        self.state = directory / "state"
        self.point = directory / "mnt" / "data"
        self.state.mkdir()
        self.ways = ram_ways(self.tool)

    def store(self) -> Store:
        return Store(self.state)

    def present(self, wanted: Request, check: bool = False, seconds: float = 20) -> Outcome:
        mounter = Mounter(self.store(), self.ways, check=check)
        return mounter.present(wanted, time.monotonic() + seconds)

    def entry(self) -> mountinfo.MountEntry | None:
        return mountinfo.at(mountinfo.read(), self.point)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_check_run_check_run(place: Place) -> None:
    wanted = request(place.point)
    states = [place.present(wanted, check=True).state]
    assert not place.point.parent.exists()
    assert os.listdir(place.state) == []
    states += [place.present(wanted, check=check).state for check in (False, True, False)]
    assert states == ["mounted", "mounted", "unchanged", "unchanged"]
    assert place.tool.calls == ["mount data"]
    assert os.listdir(place.point) == []  # no file of a probe is left


def test_what_is_known_and_private_afterwards(place: Place) -> None:
    outcome = place.present(request(place.point))
    assert (outcome.source, outcome.filesystem) == ("ram-data", "tmpfs")
    assert outcome.before == ""
    assert outcome.after.startswith(f"{place.point}  ram-data  tmpfs  rw,")
    assert 0 < outcome.tool_seconds <= outcome.seconds
    (record,) = place.store().records()
    assert record.phase == READY
    assert record.facts == {"files": ["credentials"]}
    assert record.made == (str(place.point.parent), str(place.point))
    private = Path(record.private)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert stat.S_IMODE((private / "credentials").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.store().path.stat().st_mode) == 0o600
    assert "hunter2" not in place.store().path.read_text()


def test_another_mount_is_refused(place: Place) -> None:
    place.point.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "other", str(place.point)], check=True)
    message = (
        f"^other \\(tmpfs\\) is mounted at {place.point} already; unmount it or choose another"
        " mount point$"
    )
    with pytest.raises(RuntimeConfigError, match=message):
        place.present(request(place.point))
    assert place.tool.calls == []
    assert place.store().records() == []


def test_the_same_mount_by_somebody_else_is_taken_and_stays_theirs(place: Place) -> None:
    place.point.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "ram-data", str(place.point)], check=True)
    assert place.present(request(place.point)).state == "unchanged"
    assert place.store().records() == []


def make_file(point: Path) -> None:
    point.write_text("mine")


def make_link(point: Path) -> None:
    (point.parent / "there").mkdir()
    point.symlink_to(point.parent / "there")


def make_below_file(point: Path) -> None:
    point.parent.rmdir()
    point.parent.write_text("mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_file, "/data is no directory; move it away or choose another mount point"),
        (make_link, "/data is a symbolic link; give what it leads to, .*/there"),
        (make_below_file, "/mnt is no directory; move it away"),
    ],
    ids=["a file", "a symbolic link", "below a file"],
)
def test_what_is_no_mount_point(place: Place, make: Any, message: str) -> None:
    place.point.parent.mkdir()
    make(place.point)
    with pytest.raises(RuntimeConfigError, match=message):
        place.present(request(place.point))
    assert place.store().records() == []
    assert place.tool.calls == []


def test_an_azureblob_mount_point_may_be_a_link(place: Place) -> None:
    place.point.parent.mkdir()
    place.point.symlink_to(place.point.parent / "there")
    wanted = request(place.point, type="azureblob")
    states = [place.present(wanted).state for _ in range(2)]
    assert states == ["mounted", "unchanged"]
    assert mountinfo.at(mountinfo.read(), place.point.parent / "there") is not None


def test_a_directory_with_something_in_it_is_hidden_and_said_so(place: Place) -> None:
    place.point.mkdir(parents=True)
    (place.point / "mine").write_text("x")
    outcome = place.present(request(place.point))
    hidden = f"data: {place.point} is not empty; while it is mounted, what is in it is hidden"
    assert outcome.warnings == (hidden,)
    assert place.store().records()[0].made == ()


def test_a_missing_tool_is_named_before_anything_is_made(place: Place) -> None:
    place.tool.absent = "there is no program ram; install the package ram"
    with pytest.raises(RuntimeConfigError, match=r"^there is no program ram; install"):
        place.present(request(place.point))
    assert not place.point.parent.exists()
    assert os.listdir(place.state) == []


def test_a_failed_mount_leaves_nothing(place: Place) -> None:
    place.tool.problem = "mount error(13): Permission denied"
    with pytest.raises(RuntimeConfigError, match=r"^mount error\(13\): Permission denied$"):
        place.present(request(place.point))
    assert not place.point.parent.exists()
    assert os.listdir(place.state) == []


def test_a_mount_that_cannot_be_written_is_undone(place: Place) -> None:
    message = r"it was mounted but cannot be used \(write: Read-only file system\); correct"
    with pytest.raises(RuntimeConfigError, match=message):
        place.present(request(place.point, options=("ro",)))
    assert not place.point.parent.exists()
    assert os.listdir(place.state) == []


def test_a_read_only_mount_is_not_written(place: Place) -> None:
    assert place.present(request(place.point, read_only=True)).state == "mounted"
    with pytest.raises(OSError, match="Read-only"):
        (place.point / "x").write_text("")


@pytest.mark.parametrize(
    "change", [{"read_only": True}, {"options": ("size=1m",)}], ids=["read-only", "options"]
)
def test_changed_settings_mount_again(place: Place, change: dict[str, Any]) -> None:
    place.present(request(place.point))
    outcome = place.present(request(place.point, **change))
    assert (outcome.state, outcome.msg) == ("repaired", "its settings have changed")
    entry = place.entry()
    assert entry is not None
    assert entry.read_only is bool(change.get("read_only"))
    assert place.present(request(place.point, **change)).state == "unchanged"
    assert len([one for one in mountinfo.read() if one.mount_point == place.point]) == 1


def test_who_works_in_a_mount_is_not_pushed_out(place: Place) -> None:
    place.present(request(place.point))
    with (place.point / "open").open("w"):
        message = f"cannot be unmounted: .*target is busy.*; in use by .*\\({os.getpid()}\\)"
        with pytest.raises(RuntimeConfigError, match=message):
            place.present(request(place.point, read_only=True))
    assert place.present(request(place.point)).state == "unchanged"


def test_a_mount_that_is_gone_comes_back(place: Place) -> None:
    place.present(request(place.point))
    subprocess.run(["umount", str(place.point)], check=True)
    outcome = place.present(request(place.point))
    assert (outcome.state, outcome.msg) == ("repaired", "its mount was gone")
    assert place.store().records()[0].made == (str(place.point.parent), str(place.point))


@pytest.mark.parametrize("served", [False, True], ids=["its process was killed", "no answer"])
def test_a_dead_mount_is_repaired(place: Place, served: bool) -> None:
    wanted = request(place.point)
    place.present(wanted)
    subprocess.run(["umount", str(place.point)], check=True)
    device = mount_fuse(place.point)
    store = place.store()
    entry = place.entry()
    assert entry is not None
    identity = (entry.major_minor, entry.root)
    store.put(dataclasses.replace(store.records()[0], identity=identity))
    if not served:
        os.close(device)
    # its source is another one than Ram's
    place.ways = dataclasses.replace(
        place.ways,
        recipe_for=lambda one, private: dataclasses.replace(
            ram_ways(place.tool).recipe_for(one, private), source="server:/x"
        ),
    )
    said = "stat: Transport endpoint is not connected" if not served else "did not answer within"
    store.put(
        dataclasses.replace(store.records()[0], source="server:/x", wanted="another fingerprint")
    )
    outcome = place.present(wanted, seconds=4)
    assert outcome.state == "repaired"
    assert said in outcome.msg
    assert [e.filesystem for e in mountinfo.read() if e.mount_point == place.point] == ["tmpfs"]
    assert os.listdir(place.point) == []
    if served:
        os.close(device)


def test_somebody_elses_dead_mount_is_refused(place: Place) -> None:
    place.point.mkdir(parents=True)
    os.close(mount_fuse(place.point))
    place.ways = dataclasses.replace(
        place.ways,
        recipe_for=lambda one, private: dataclasses.replace(
            ram_ways(place.tool).recipe_for(one, private), source="server:/x"
        ),
    )
    message = (
        r"server:/x \(fuse\) is mounted at .* already, not by this runtime, and does not work"
        r" \(stat: Transport endpoint is not connected\); unmount it with umount -l"
    )
    with pytest.raises(RuntimeConfigError, match=message):
        place.present(request(place.point))


def test_an_interrupted_start_is_begun_again(place: Place) -> None:
    place.present(request(place.point))
    store = place.store()
    (record,) = store.records()
    store.put(dataclasses.replace(record, phase=STARTING, facts={}, identity=()))
    outcome = place.present(request(place.point))
    assert (outcome.state, outcome.msg) == ("repaired", "an earlier start was interrupted")
    assert place.tool.calls == ["mount data", "unmount data", "mount data"]


def hostpath(place: Place, root: Path, **changes: Any) -> Request:
    place.ways = real_ways(TOOLS)
    return request(place.point, server={"rootPath": str(root)}, **changes)


def test_a_directory_of_this_machine(place: Place, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to("root")
    wanted = hostpath(place, tmp_path / "link")
    assert [place.present(wanted).state for _ in range(2)] == ["mounted", "unchanged"]
    (place.point / "x").write_text("1")
    assert (tmp_path / "root" / "x").read_text() == "1"
    other = hostpath(place, tmp_path)
    with pytest.raises(RuntimeConfigError, match=f"/root\\) is mounted at {place.point} already"):
        place.present(other)


def test_a_missing_directory_is_made_for_all(place: Place, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    assert place.present(hostpath(place, tmp_path / "root", path="a/b")).state == "mounted"
    for made in (tmp_path / "root" / "a", tmp_path / "root" / "a" / "b"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o777
    assert len([e for e in mountinfo.read() if tmp_path in e.mount_point.parents]) == 1


@pytest.mark.parametrize(
    ("mode", "of_root"), [("mount", "mount"), ("cached", "cached"), ("copy", "mount")]
)
def test_a_missing_directory_is_made_by_the_tool_of_the_mode(
    place: Place, tmp_path: Path, mode: str, of_root: str
) -> None:
    (tmp_path / "root").mkdir()
    wanted = hostpath(place, tmp_path / "root", path="a", mode=mode)
    asked = []

    def recipe_for(wish: Request, private: Path) -> Recipe:
        asked.append((wish.path, wish.mode))
        return real.recipe_for(wish, private)

    real, place.ways = place.ways, dataclasses.replace(place.ways, recipe_for=recipe_for)
    assert place.present(wanted).state == "mounted"
    assert asked[-1] == ("", of_root)


def test_a_missing_directory_is_not_made_read_only(place: Place, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    wanted = hostpath(place, tmp_path / "root", path="a", read_only=True)
    with pytest.raises(RuntimeConfigError, match=r"there is no directory .*/root/a on"):
        place.present(wanted)
    assert os.listdir(tmp_path / "root") == []
    assert not place.point.parent.exists()


def test_a_missing_directory_is_not_made_through_a_link(place: Place, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path / "outside")
    wanted = hostpath(place, tmp_path / "root", path="a/b")
    message = "there is no directory a/b on the server, and it cannot be made there: /a: Not a dir"
    with pytest.raises(RuntimeConfigError, match=message):
        place.present(wanted)
    assert os.listdir(tmp_path / "outside") == []
    assert os.listdir(place.state) == []
