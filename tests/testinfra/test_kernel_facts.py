"""What the guest "facts" of molecule/kernel_mounts has told of commands that its kernel ended."""

import json
import re
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/kernel_mounts/facts"
LIMIT = 128 * 1024 * 1024


def text(case, name):
    return (RESULTS / case / name).read_text()


def record(case):
    if case == "version_1" and (RESULTS / "no_version_1").exists():
        pytest.skip("the guest's kernel counts no memory by version 1 of cgroups")
    return json.loads(text(case, "exit.json"))


def disk(case, path):
    (found,) = (row for row in record(case)["facts"]["disks"] if row["path"] == path)
    return found


@pytest.mark.parametrize(
    ("case", "code", "phrase", "category"),
    [
        ("version_1", 1, "ProcessKilledAtMemoryLimit", "host-oom"),
        ("version_2", 137, "MemoryLimitReached", "host-oom"),
        ("disks", 123, "DiskLeftFull", "disk-full"),
        ("shared_memory", 135, "SharedMemoryFull", "shm-exhausted"),
    ],
)
def test_a_command_that_the_kernel_ended_without_a_word_is_explained(case, code, phrase, category):
    found = record(case)
    assert int(text(case, "exit_code")) == code
    assert (found["exitCode"], found["phrase"], found["category"]) == (code, phrase, category)
    assert text(case, "user-all/current") == ""
    assert f"phrase: {phrase}" in text(case, "pai-termination-log")
    assert f"<h1>{category}</h1>" in text(case, "failure.html")


@pytest.mark.parametrize("case", ["version_1", "version_2"])
def test_both_versions_of_cgroups_tell_limit_peak_and_kills(case):
    memory = record(case)["facts"]["memory"]
    assert (memory["limitBytes"], memory["peakBytes"], memory["oomKills"]) == (LIMIT, LIMIT, 1)
    assert 0 < memory["usedBytes"] < LIMIT
    assert memory["limitHits"] > 0
    assert record(case)["trigger"].endswith(
        "processes that the kernel killed for memory: 1; the most was 128.0 MiB of 128.0 MiB"
    )


@pytest.mark.parametrize("case", ["disks", "shared_memory"])
def test_of_a_cgroup_that_does_not_count_nothing_is_told(case):
    assert "memory" not in record(case)["facts"]


def test_a_disk_without_room_and_one_without_inodes_are_full():
    no_inodes, no_room = (disk("disks", f"/usr/local/pai/{name}") for name in ("runtime.d", "logs"))
    assert (no_inodes["full"], no_room["full"]) == (True, True)
    assert no_inodes["inodesFree"] < 16 < no_room["inodesFree"]
    assert no_room["freeBytes"] < 1024 * 1024 < no_inodes["freeBytes"]
    found = record("disks")["trigger"]
    assert re.match(r"exit code 123; /usr/local/pai/runtime.d is full: \d+ of 200 inodes", found)
    assert re.search(r"; /usr/local/pai/logs is full: \S+ KiB of 64.0 MiB are free$", found)


def test_a_log_that_could_not_be_written_is_told():
    found = text("disks", "runtime.log")
    assert "/logs/user-all/current: cannot write: No space left on device\n" in found


def test_shared_memory_is_full_after_a_bus_error():
    found = disk("shared_memory", "/dev/shm")
    assert (found["full"], found["totalBytes"]) == (True, 16 * 1024 * 1024)
    assert record("shared_memory")["signal"] == 7
