"""Programs are found as execvp would find them for the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.processes import (
    find_program,
    signal_group,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/nonexistent:{home}/bin", "bin", id="an absolute entry"),
        pytest.param("tools:{home}/bin", "tools", id="a relative entry counts from the directory"),
        pytest.param(":{home}/bin", ".", id="an empty entry is the directory"),
        pytest.param("/nonexistent", None, id="nowhere"),
    ],
)
def test_a_program_is_the_one_that_would_run(
    tmp_path: Path, path: str, expected: str | None
) -> None:
    for folder in ("bin", "tools", "."):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "which-one").write_text(f"#!/bin/sh\necho {folder}\n")
        (tmp_path / folder / "which-one").chmod(0o755)
    environment = {"PATH": path.format(home=tmp_path)}
    found = find_program("which-one", environment, tmp_path)
    try:
        ran = subprocess.run(
            ["which-one"], env=environment, cwd=tmp_path, capture_output=True, text=True
        ).stdout.strip()
    except FileNotFoundError:
        ran = None
    assert ran == expected
    assert (found and os.path.realpath(os.path.dirname(found))) == (
        expected and os.path.realpath(tmp_path / expected)
    )


def test_without_a_directory_relative_entries_are_left_out(tmp_path: Path) -> None:
    environment = {"PATH": f".::{tmp_path}"}
    shutil.copy(shutil.which("true") or "true", tmp_path / "program")
    assert find_program("program", environment, None) == f"{tmp_path}/program"


def test_bytes_that_are_no_text_are_found_too(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    shutil.copy(shutil.which("true") or "true", folder / "program")
    assert find_program("program", {"PATH": str(folder)}, None) == str(folder / "program")


def test_a_signal_to_a_group_says_whether_somebody_got_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    assert signal_group(process.pid, 0)
    process.communicate()
    assert not signal_group(process.pid, 0)
