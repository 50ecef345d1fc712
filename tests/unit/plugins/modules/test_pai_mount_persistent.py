"""The module pai_mount where a machine is to mount a storage by itself when it starts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import boot
from ansible_collections.openpai.runtime.plugins.modules import pai_mount
from tests.unit.storage_mounts import namespace

Run = Callable[..., dict[str, Any]]


class Machine:
    """A machine with a directory that serves as storage, and a file of its own for /etc/fstab."""

    def __init__(self, directory: Path, run: Run) -> None:
        self.run, self.state, self.fstab = run, directory / "state", directory / "fstab"
        self.root, self.point = directory / "root", directory / "point"
        self.root.mkdir()

    def call(self, check: bool = False, **changes: Any) -> dict[str, Any]:
        server = {"rootPath": str(self.root)}
        mount = {"name": "a", "type": "hostpath", "server": server, "mount_point": str(self.point)}
        args = {"state_dir": str(self.state), "mounts": [mount], "persistent": True, **changes}
        return self.run(pai_mount.main, args, check=check)

    def write_line(self) -> None:
        (line,) = self.call(check=True)["boot"]["fstab"]
        fields = [line[name] for name in ("src", "path", "fstype", "opts")]
        self.fstab.write_text(" ".join([*fields, "0", "0\n"]))


@pytest.fixture
def machine(tmp_path: Path, run_module: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path, run_module)
    monkeypatch.setattr(boot, "FSTAB", made.fstab)
    with namespace():
        yield made


def test_check_run_check_run_both_ways(machine: Machine) -> None:
    runs = [machine.call(check=True)]
    assert not machine.state.exists()
    runs += [machine.call(check=check) for check in (False, True, False)]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    line = {"src": str(machine.root), "fstype": "none", "opts": "rw,bind,nofail"}
    line |= {"path": str(machine.point), "state": "present"}
    assert [run["boot"] for run in runs] == [{"fstab": [line], "units": []}] * 4
    machine.write_line()
    absent = {"fstab": [{"path": str(machine.point), "state": "absent"}], "units": []}
    ends = [machine.call(check=check, state="absent") for check in (True, False, True, False)]
    assert [run["changed"] for run in ends] == [True, True, False, False]
    # the line is still there, so that each of them says that it is to be removed
    assert [run["boot"] for run in ends] == [absent] * 4


def test_what_the_machine_has_mounted_again_is_ours(machine: Machine) -> None:
    machine.call()
    machine.write_line()
    subprocess.run(["umount", machine.point], check=True)
    words = ["mount", "--fstab", machine.fstab, "--target", machine.point]
    subprocess.run(words, check=True)
    assert [one["state"] for one in machine.call()["mounts"]] == ["unchanged"]
    assert [one["state"] for one in machine.call(state="absent")["mounts"]] == ["unmounted"]
    assert not machine.point.exists()


def test_what_is_not_to_be_persistent_any_more_stays_mounted(machine: Machine) -> None:
    machine.call()
    machine.write_line()
    again = machine.call(persistent=False)
    assert [one["state"] for one in again["mounts"]] == ["unchanged"]
    absent = {"path": str(machine.point), "state": "absent"}
    assert again["boot"] == {"fstab": [absent], "units": []}
    machine.fstab.write_text("")
    assert machine.call(persistent=False)["boot"] == {"fstab": [], "units": []}


def test_a_refusal_changes_nothing(machine: Machine) -> None:
    machine.fstab.write_text(f"srv:/a {machine.point} nfs4 rw 0 0\n")
    for state in (False, True):
        refused = machine.call(check=state)
        assert refused["msg"] == (
            f"storage 'a' at {machine.point} cannot be made persistent: {machine.fstab} mounts"
            " srv:/a there; remove that line or choose another mount point"
        )
    assert not machine.state.exists()
    assert not machine.point.exists()
