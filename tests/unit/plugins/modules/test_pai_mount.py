"""The module pai_mount, with directories of this machine as storages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import mountinfo
from ansible_collections.openpai.runtime.plugins.modules import pai_mount, pai_mount_info
from tests.unit.playbooks import ROOT
from tests.unit.storage_mounts import namespace

Run = Callable[..., dict[str, Any]]


class Storages:
    """A state directory and directories that serve as storages."""

    def __init__(self, directory: Path, run: Run) -> None:
        self.directory, self.run = directory, run
        self.state = directory / "state"

    def mount(self, name: str, **changes: Any) -> dict[str, Any]:
        root = self.directory / "roots" / name
        root.mkdir(parents=True, exist_ok=True)
        point = str(self.directory / "mnt" / name)
        wanted = {"name": name, "type": "hostpath", "mount_point": point}
        return {**wanted, "server": {"rootPath": str(root)}, **changes}

    def call(self, *mounts: Any, check: bool = False, **changes: Any) -> dict[str, Any]:
        args = {"state_dir": str(self.state), **changes}
        if mounts:
            args["mounts"] = list(mounts)
        return self.run(pai_mount.main, args, check=check, diff=True)

    def absent(self, check: bool = False, **changes: Any) -> dict[str, Any]:
        return self.call(check=check, state="absent", **changes)


@pytest.fixture
def storages(tmp_path: Path, run_module: Run) -> Iterator[Storages]:
    with namespace():
        yield Storages(tmp_path, run_module)


def test_check_run_check_run_both_ways(storages: Storages) -> None:
    wanted = [storages.mount("a"), storages.mount("b", read_only=True)]
    first = storages.call(*wanted, check=True)
    assert not storages.state.exists()
    assert not (storages.directory / "mnt").exists()
    runs = [first, *(storages.call(*wanted, check=check) for check in (False, True, False))]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    point = storages.directory / "mnt" / "a"
    assert runs[1]["actions"][0] == f"mount a at {point}" == first["actions"][0]
    assert [one["state"] for one in runs[3]["mounts"]] == ["unchanged"] * 2
    ends = [storages.absent(check=check) for check in (True, False, True, False)]
    assert [run["changed"] for run in ends] == [True, True, False, False]
    assert ends[0]["actions"] == ends[1]["actions"]
    assert not (storages.directory / "mnt").exists()
    assert sorted(os.listdir(storages.directory / "roots")) == ["a", "b"]


def test_the_result(storages: Storages) -> None:
    result = storages.call(storages.mount("a"))
    (mount,) = result["mounts"]
    documented = {"name", "mount_point", "source", "filesystem", "state", "seconds"}
    assert set(mount) == documented | {"tool_seconds", "msg"}
    assert 0 < mount["tool_seconds"] <= mount["seconds"]
    diff = result["diff"]
    assert diff["before"] == ""
    assert diff["after"].split()[:1] == [mount["mount_point"]]


def test_one_that_fails_is_named_and_the_others_are_mounted(storages: Storages) -> None:
    bad = storages.mount("bad", server={"rootPath": str(storages.directory / "none")})
    result = storages.call(bad, storages.mount("good"))
    assert result["failed"]
    assert result["changed"]
    assert "refused" not in result
    point = storages.directory / "mnt" / "bad"
    missing = f"there is no directory {storages.directory}/none on this machine"
    assert result["msg"] == f"storage 'bad' at {point}: {missing}"
    assert [one["state"] for one in result["mounts"]] == ["failed", "mounted"]
    assert os.listdir(storages.directory / "mnt") == ["good"]


def test_a_file_of_requests(storages: Storages) -> None:
    file = storages.directory / "position-0.json"
    missing = storages.call(file=str(file))
    assert missing["msg"] == f"{file}: no such file; run openpai.runtime.pai_storage first"
    assert storages.call(file=str(file), check=True)["changed"]
    assert not storages.absent(file=str(file))["changed"]
    file.write_text(json.dumps({"mounts": [storages.mount("a")]}))
    assert storages.call(file=str(file))["changed"]
    storages.call(storages.mount("other"))
    ended = storages.absent(file=str(file))
    assert [one["name"] for one in ended["mounts"]] == ["a"]
    assert [one["name"] for one in storages.absent()["mounts"]] == ["other"]


def test_a_copy_goes_there_and_back(storages: Storages) -> None:
    wanted = storages.mount("a", mode="copy")
    root, local = storages.directory / "roots" / "a", storages.directory / "mnt" / "a"
    (root / "x").write_text("1")
    result = storages.call(wanted)
    assert result["mounts"][0]["msg"] == f"copied 1 files (1 bytes) to {local}"
    assert mountinfo.at(mountinfo.read(), local) is None
    (local / "y").write_text("22")
    assert not storages.call(wanted)["changed"]
    assert not (root / "y").exists()
    ended = storages.absent()
    assert ended["mounts"][0]["msg"] == "copied 1 files (2 bytes) back"
    assert (root / "y").read_text() == "22"
    assert sorted(os.listdir(local)) == ["x", "y"]
    assert mountinfo.below(mountinfo.read(), storages.directory) == []
    assert storages.call(wanted)["mounts"][0]["msg"] == f"copied 0 files (0 bytes) to {local}"


def test_a_read_only_copy_stays_here(storages: Storages) -> None:
    storages.call(storages.mount("a", mode="copy", read_only=True))
    (storages.directory / "mnt" / "a" / "y").write_text("1")
    assert storages.absent()["mounts"][0]["msg"] == ""
    assert os.listdir(storages.directory / "roots" / "a") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timeout": 0}, "timeout: 0 is not above 0; give more"),
        ({"parallel": -1}, "parallel: -1 is not above 0; give more"),
    ],
)
def test_limits_that_are_none(storages: Storages, changes: Any, message: str) -> None:
    result = storages.call(storages.mount("a"), **changes)
    assert (result["msg"], result["refused"]) == (message, True)


def test_secrets_are_not_shown_and_addresses_are(storages: Storages) -> None:
    server = {"address": "files.example", "rootPath": "/x", "userName": "me"}
    wanted = storages.mount("a", type="samba", server={**server, "password": "hunter2-hunter2"})
    result = storages.call(wanted, check=True)
    assert "hunter2" not in json.dumps(result)
    assert result["mounts"][0]["source"] == "//files.example/x"


def test_a_start_that_is_killed_is_undone_by_the_end(storages: Storages) -> None:
    wanted = storages.mount("a", mode="copy")
    with (storages.directory / "roots" / "a" / "large").open("wb") as file:
        file.truncate(8 << 30)  # takes a while to be copied; no blocks here
    file_of_requests = storages.directory / "requests.json"
    file_of_requests.write_text(json.dumps({"mounts": [wanted]}))
    arguments = {"state_dir": str(storages.state), "file": str(file_of_requests)}
    code = (
        "import sys; from ansible.module_utils.testing import patch_module_args\n"
        f"from {pai_mount.__name__} import main\n"
        f"with patch_module_args({arguments!r}): main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        deadline = time.monotonic() + 60
        local = storages.directory / "mnt" / "a"
        while not (local.exists() and os.listdir(local)) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
    assert process.returncode != 0
    assert len(mountinfo.below(mountinfo.read(), storages.state)) == 1
    ended = storages.absent()
    assert [one["state"] for one in ended["mounts"]] == ["unmounted"]
    assert mountinfo.below(mountinfo.read(), storages.directory) == []
    assert os.listdir(storages.directory / "roots" / "a") == ["large"]


def test_what_is_mounted_is_listed(storages: Storages, run_module: Run) -> None:
    storages.call(storages.mount("a", read_only=True))
    subprocess.run(
        ["mount", "-t", "tmpfs", "theirs", str(storages.directory / "roots")], check=True
    )
    args = {"state_dir": str(storages.state), "timeout": 30}
    listed = {one["mount_point"]: one for one in run_module(pai_mount_info.main, args)["mounts"]}
    ours = listed[str(storages.directory / "mnt" / "a")]
    assert (ours["ours"], ours["name"], ours["read_only"], ours["alive"]) == (True, "a", True, True)
    theirs = listed[str(storages.directory / "roots")]
    assert (theirs["ours"], theirs["source"], theirs["filesystem"]) == (False, "theirs", "tmpfs")
    assert theirs["free_bytes"] <= theirs["total_bytes"]
    assert "/proc" not in listed
