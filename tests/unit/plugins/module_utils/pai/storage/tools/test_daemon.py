"""Daemons: started apart from us, known again by a later process, ended."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Recipe
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import (
    daemon,
    fuse_daemon,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools.tool import (
    MountError,
)

RECIPE = Recipe("rclone", "s3:x", ("fuse.rclone",), (), secrets=("hunter2-secret",))


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = daemon.start("sleep", ["sh", "-c", "echo hello; exec sleep 600"], tmp_path, {})
    yield process
    process.kill()
    process.wait()


def test_a_daemon_has_a_session_of_its_own_and_none_of_our_files(
    started: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert os.getsid(started.pid) == started.pid
    assert os.readlink(f"/proc/{started.pid}/fd/0") == "/dev/null"
    assert {os.readlink(f"/proc/{started.pid}/fd/{n}") for n in (1, 2)} == {f"{tmp_path}/tool.log"}
    assert stat.S_IMODE((tmp_path / "tool.log").stat().st_mode) == 0o600


def test_a_later_process_knows_it_without_facts(
    started: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    facts = daemon.facts_of(started.pid)

    assert daemon.recalled({}, tmp_path) == facts
    assert daemon.alive(facts)
    assert json.loads(json.dumps(facts)) == facts


def test_another_process_with_its_number_is_not_taken_for_it(
    started: subprocess.Popen[bytes],
) -> None:
    facts = {**daemon.facts_of(started.pid), "started": 1}

    assert not daemon.alive(facts)
    assert daemon.end(facts, soon())
    assert started.poll() is None


def test_a_daemon_is_ended(started: subprocess.Popen[bytes]) -> None:
    assert daemon.end(daemon.facts_of(started.pid), soon())
    assert not Path(f"/proc/{started.pid}/fd/0").exists()


def test_one_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    words = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    process = daemon.start("sh", words, tmp_path, {})
    until = soon()
    while "ready" not in (tmp_path / "tool.log").read_text() and time.monotonic() < until:
        time.sleep(0.01)

    assert daemon.end(daemon.facts_of(process.pid), soon(0.2))


def test_no_facts_are_no_daemon(tmp_path: Path) -> None:
    assert daemon.recalled({}, tmp_path) == {}
    assert not daemon.alive({})
    assert daemon.end({}, soon())
    (tmp_path / "daemon.json").write_text("{")
    assert daemon.recalled({}, tmp_path) == {}


@pytest.mark.parametrize(
    ("script", "seconds", "message", "path_missing"),
    [
        ("echo bad password hunter2-secret >&2; exit 1", 30, "bad password ******", False),
        ("echo /x: not there; exit 1", 30, "/x: not there", True),
        ("exit 7", 30, "tool ended with exit code 7 and said nothing", False),
        (
            "echo trying; exec sleep 600",
            2.0,
            "tool was not ready in time and was killed; it said: trying",
            False,
        ),
    ],
)
def test_a_program_that_does_not_mount_is_told_in_its_own_words(
    tmp_path: Path, script: str, seconds: float, message: str, path_missing: bool
) -> None:
    start = fuse_daemon.Start("tool", ["sh", "-c", script], re.compile("not there"))

    with pytest.raises(MountError, match=re.escape(message)) as caught:
        fuse_daemon.start(start, {}, RECIPE, tmp_path, tmp_path, soon(seconds))

    assert str(caught.value) == message
    assert caught.value.path_missing is path_missing
    assert not daemon.alive(daemon.recalled({}, tmp_path))


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(MountError, match="rclone cannot be started: No such file or directory"):
        daemon.start("rclone", [str(tmp_path / "none")], tmp_path, {})


def test_where_nothing_is_mounted_there_is_nothing_to_unmount(tmp_path: Path) -> None:
    assert fuse_daemon.unmount("rclone", {}, tmp_path, tmp_path, soon()) is None
