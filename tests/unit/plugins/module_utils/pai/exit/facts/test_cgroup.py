"""Memory counters of both versions of cgroups, and a real kill where a cgroup can be made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import cgroup

V1 = Path("/sys/fs/cgroup/memory")
MEBIBYTE = 1024 * 1024


def mount(point: Path, filesystem: str, *options: str, root: str = "/") -> cgroup.Mount:
    return cgroup.Mount(point, root, filesystem, ("rw", *options))


def test_only_cgroups_are_mounts_of_cgroups() -> None:
    table = (
        "23 1 0:5 / /proc rw - proc proc rw\n"
        "35 31 0:32 /kube/x /sys/fs/cgroup/memory ro,nosuid master:1 - cgroup cgroup rw,memory\n"
        "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
        "broken - cgroup\n"
    )
    assert list(cgroup.mounted(table)) == [
        mount(Path("/sys/fs/cgroup/memory"), "cgroup", "memory", root="/kube/x"),
        mount(Path("/sys/fs/cgroup"), "cgroup2", "nsdelegate"),
    ]


@pytest.mark.parametrize(
    ("cgroups", "root", "expected"),
    [
        pytest.param("4:memory:/job\n0::/\n", "/", "job", id="a machine"),
        pytest.param("4:cpu,memory:/kube/pod/x\n", "/kube/pod/x", "", id="a container's own"),
        pytest.param("4:memory:/kube/pod/x/job\n", "/kube/pod/x", "job", id="below it"),
        pytest.param("4:memory:/other\n", "/kube/pod/x", "", id="seen from elsewhere"),
        pytest.param("4:memory:/../job\n", "/", "", id="outside of what can be seen"),
        pytest.param("4:memory:/gone\n", "/", "", id="no such directory"),
    ],
)
def test_the_place_in_version_1(tmp_path: Path, cgroups: str, root: str, expected: str) -> None:
    (tmp_path / "job").mkdir()
    mounts = [
        mount(tmp_path / "cpu", "cgroup", "cpu"),
        mount(tmp_path, "cgroup", "memory", root=root),
    ]
    assert cgroup.find(cgroups, mounts) == cgroup.Place(1, tmp_path / expected, tmp_path)


def test_the_place_in_version_2(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = cgroup.find("1:name=systemd:/\n0::/a\n", [mount(tmp_path, "cgroup2")])
    assert found == cgroup.Place(2, tmp_path / "a", tmp_path)


@pytest.mark.parametrize("cgroups", ["", "nonsense\n", "4:memory:/\n", "0::/\n"])
def test_without_a_mounted_cgroup_there_is_no_place(cgroups: str) -> None:
    assert cgroup.find(cgroups, []) is None


def files(folder: Path, **content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / f"memory.{name}").write_text(text)
    return folder


def test_counters_of_version_2_with_the_tightest_limit_above(tmp_path: Path) -> None:
    files(tmp_path / "pod", max="4096\n")
    folder = files(
        tmp_path / "pod" / "app",
        max="max\n",
        peak="4000\n",
        current="3000\n",
        events="low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
    )
    assert cgroup.counters(cgroup.Place(2, folder, tmp_path)) == {
        "directory": str(folder),
        "limitBytes": 4096,
        "peakBytes": 4000,
        "usedBytes": 3000,
        "oomKills": 1,
        "limitHits": 7,
    }


def test_counters_of_version_1_without_a_limit(tmp_path: Path) -> None:
    files(
        tmp_path,
        limit_in_bytes="9223372036854771712\n",
        max_usage_in_bytes="70\n",
        usage_in_bytes="60\n",
        failcnt="3\n",
        oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    )
    expected = {"limitBytes": None, "peakBytes": 70, "usedBytes": 60, "oomKills": 2, "limitHits": 3}
    found = cgroup.counters(cgroup.Place(1, tmp_path, tmp_path))
    assert expected.items() <= found.items()


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_kernel_counts_less(tmp_path: Path, version: int) -> None:
    found = cgroup.counters(cgroup.Place(version, tmp_path, tmp_path))
    assert found.pop("directory") == str(tmp_path)
    assert set(found.values()) == {None}


NOW = {"directory": "/x", "limitBytes": 9, "peakBytes": 8, "oomKills": 3, "limitHits": 5}


@pytest.mark.parametrize(
    ("start", "kills"),
    [
        pytest.param({"directory": "/x", "oomKills": 1, "limitHits": 5}, 2, id="two more"),
        pytest.param({"directory": "/x", "oomKills": 9}, 0, id="counted anew"),
        pytest.param({"directory": "/y", "oomKills": 1}, None, id="another cgroup"),
        pytest.param({"directory": "/x", "oomKills": "1"}, None, id="no number"),
        pytest.param({}, None, id="nothing written down"),
    ],
)
def test_only_what_happened_since_the_start_counts(start: dict, kills: int | None) -> None:
    found = cgroup.since(start, NOW)
    assert found["oomKills"] == kills
    assert "directory" not in found
    assert found["limitBytes"] == 9


@pytest.fixture
def limited() -> Iterator[Path]:
    """Return a real cgroup of 64 MiB, of version 1."""
    folder = V1 / f"pai-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(64 * MEBIBYTE))
        swap = folder / "memory.memsw.limit_in_bytes"
        if swap.exists():
            swap.write_text(str(64 * MEBIBYTE))
    except OSError as error:
        if folder.is_dir():
            folder.rmdir()
        pytest.skip(f"no memory cgroup of version 1 can be made here: {error}")
    yield folder
    for _attempt in range(100):  # the kernel needs a moment to let go
        try:
            folder.rmdir()
            return
        except OSError:
            time.sleep(0.05)


def test_a_real_kill_is_counted(limited: Path) -> None:
    place = cgroup.Place(1, limited, V1)
    start = cgroup.counters(place)
    code = f"x = bytearray({256 * MEBIBYTE})"
    join = f"echo $$ > {limited}/cgroup.procs; exec {sys.executable} -c '{code}'"
    ended = subprocess.run(["sh", "-c", join], check=False, stderr=subprocess.DEVNULL)
    found = cgroup.since(start, cgroup.counters(place))
    assert ended.returncode == -signal.SIGKILL
    assert found["oomKills"] == 1
    assert found["limitBytes"] == 64 * MEBIBYTE
    assert found["peakBytes"] > 60 * MEBIBYTE
