"""Error files as PyTorch's launcher writes them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts.torch_error import (
    TorchError,
    parse,
    read,
)

STACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: x\n'


def document(
    message: str = "ValueError: x\nmore", time: str = "1700000000", **more: object
) -> dict:
    extra = {"py_callstack": STACK, "timestamp": time}
    return {"message": {"message": message, "extraInfo": extra, **more}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (document(errorCode=1), TorchError("ValueError: x", STACK, 1700000000.0)),
        (
            {"message": "Signal 9 (SIGKILL) received by PID 7"},
            TorchError("Signal 9 (SIGKILL) received by PID 7"),
        ),
        ({"message": {"message": "m", "extraInfo": None}}, TorchError("m")),
        (
            {"message": {"message": "m", "extraInfo": {"timestamp": "x", "py_callstack": 1}}},
            TorchError("m"),
        ),
        ({"message": {"message": 1}}, None),
        ({"message": None}, None),
        ([], None),
    ],
)
def test_what_a_file_tells(content: object, expected: TorchError | None) -> None:
    assert parse(json.dumps(content).encode()) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_no_json_is_no_error(content: bytes) -> None:
    assert parse(content) is None


def test_of_a_long_traceback_the_head_and_the_end_are_kept() -> None:
    long = STACK.replace("  File", "  File" * 9000)
    told = {"message": {"message": "m", "extraInfo": {"py_callstack": long}}}
    kept = parse(json.dumps(told).encode()).traceback
    assert kept.startswith("Traceback (most recent call last):\n")
    assert kept.endswith("ValueError: x\n")
    assert len(kept) < 17_000


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    places = (tmp_path / "work", tmp_path / "logs", tmp_path / "tmp")
    for place in places:
        place.mkdir()
    return places


def put(path: Path, **fields: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(**fields)))
    return path


def test_the_file_in_the_log_directory(folders) -> None:
    work, logs, temporary = folders
    put(logs / "torch-error.json")
    assert read(work, logs, 0.0, temporary).message == "ValueError: x"


def test_the_user_may_have_chosen_another_one(folders) -> None:
    work, logs, temporary = folders
    path = put(temporary / "own.json", message="KeyError: 1")
    (work / "process_env.nul").write_bytes(b"A=1\0TORCHELASTIC_ERROR_FILE=%s\0" % bytes(path))
    assert read(work, logs, 0.0, temporary).message == "KeyError: 1"


def test_without_it_the_first_worker_counts(folders) -> None:
    work, logs, temporary = folders
    run = temporary / "torchelastic_ab" / "none_cd" / "attempt_0"
    put(run / "0" / "error.json", message="late", time="1700000009")
    put(run / "1" / "error.json", message="early", time="1700000001")
    assert read(work, logs, 0.0, temporary).message == "early"


def test_files_of_an_earlier_run_count_for_nothing(folders) -> None:
    work, logs, temporary = folders
    path = put(logs / "torch-error.json")
    os.utime(path, (100, 100))
    assert read(work, logs, 200.0, temporary) is None


def test_what_is_no_file_is_not_waited_for(folders) -> None:
    work, logs, temporary = folders
    os.mkfifo(logs / "torch-error.json")
    assert read(work, logs, 0.0, temporary) is None
