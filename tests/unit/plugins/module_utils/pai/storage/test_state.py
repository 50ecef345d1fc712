"""The file of what we have mounted."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import Store
from tests.unit.plugins.module_utils.pai.storage.test_plan import record


def test_records_come_back_in_the_order_of_their_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("b", "a", "c"):
        store.put(record(mount_point=f"/mnt/{name}", facts={"pid": 7}, made=("/mnt",)))
    again = store.put(record(mount_point="/mnt/a", order=2, read_only=True))
    read = Store(tmp_path).records()
    assert [one.mount_point for one in read] == ["/mnt/b", "/mnt/a", "/mnt/c"]
    assert read == store.records()
    assert Store(tmp_path).get(Path("/mnt/a")) == again
    for one in read:
        store.remove(one)
    assert os.listdir(tmp_path) == []


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def put(number: int) -> None:
        store.put(record(mount_point=f"/mnt/{number}"))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.order for one in Store(tmp_path).records()) == list(range(1, 21))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "mounts.json: no JSON list; remove it"),
        ("[1]", "mounts.json: not a list of mounts; unmount by hand what is left"),
        ('[{"mount_point": "/x"}]', "mounts.json: not a list of mounts"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mounts.json").write_text(content)
    with pytest.raises(RuntimeConfigError, match=message):
        Store(tmp_path).records()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = "file/mounts.lock: .*; choose a directory for the state that can be written"
    with pytest.raises(RuntimeConfigError, match=message), Store(tmp_path / "file").locked(1):
        pass


def test_another_run_is_waited_for_and_named(tmp_path: Path) -> None:
    with Store(tmp_path).locked(1):
        message = f"mounts.lock: process {os.getpid()} has been changing mounts here for more than"
        with pytest.raises(RuntimeConfigError, match=message), Store(tmp_path).locked(0.1):
            pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    code = "import fcntl, os, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
    code += "print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / "mounts.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(RuntimeConfigError), Store(tmp_path).locked(0.1):
            pass
        process.kill()
        process.wait()
    with (
        Store(tmp_path).locked(5),
        (tmp_path / "mounts.lock").open() as file,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
