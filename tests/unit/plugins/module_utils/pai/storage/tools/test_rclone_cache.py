"""What rclone has not uploaded yet, as the files of its cache say."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import (
    TOOLS,
    daemon,
    rclone_cache,
)

Pending = rclone_cache.Pending


def write(private: Path, path: str, *, dirty: bool, size: int = 100) -> Path:
    """Write what rclone 1.60 writes beside a cached file."""
    file = private / "cache/vfsMeta/server{zgNzY}/buck" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    info = {"ModTime": "2026-11-24T11:22:38Z", "Size": size, "Rs": None, "Dirty": dirty}
    file.write_text(json.dumps(info, indent="\t") + "\n")
    return file


def test_only_what_is_dirty_is_pending(tmp_path: Path) -> None:
    write(tmp_path, "done", dirty=False)
    write(tmp_path, "sub/two", dirty=True, size=5)
    write(tmp_path, "one", dirty=True)

    assert rclone_cache.pending(tmp_path) == (Pending("buck/one", 100), Pending("buck/sub/two", 5))


def test_without_a_cache_nothing_is_pending(tmp_path: Path) -> None:
    assert rclone_cache.pending(tmp_path) == ()


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_file_that_is_just_being_written_counts_as_pending(tmp_path: Path, content: str) -> None:
    write(tmp_path, "one", dirty=False).write_text(content)

    assert rclone_cache.pending(tmp_path) == (Pending("buck/one", 0),)


def test_waiting_ends_when_all_is_uploaded(tmp_path: Path) -> None:
    write(tmp_path, "one", dirty=True)
    upload = threading.Timer(0.3, write, (tmp_path, "one"), {"dirty": False})
    upload.start()

    assert rclone_cache.wait(tmp_path, time.monotonic() + 60) == ()
    upload.join()


def test_at_the_deadline_it_is_said_what_is_missing(tmp_path: Path) -> None:
    for name in "abcd":
        write(tmp_path, name, dirty=True, size=500_000)
    facts = daemon.facts_of(os.getpid())

    told = TOOLS["rclone"].flush(facts, tmp_path, tmp_path, time.monotonic() + 0.2)

    assert told == "4 files (2.0 MB) are not on the server yet: buck/a, buck/b, buck/c, …"


def test_nobody_waits_for_an_rclone_that_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "one", dirty=True)

    started = time.monotonic()
    told = TOOLS["rclone"].flush({"pid": 1, "started": -1}, tmp_path, tmp_path, started + 600)

    assert told == (
        "1 file (0.0 MB) is not on the server yet: buck/one;"
        " rclone has ended, mount it again to go on"
    )
    assert time.monotonic() - started < 600
