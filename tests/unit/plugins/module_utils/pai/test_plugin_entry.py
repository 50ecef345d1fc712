from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import (
    NotWrittenYetError,
    job_directory,
    read_entry,
    read_json,
    texts,
)

ENTRIES = [
    {"position": 0, "name": "git", "parameters": {"repo_uri": "x"}},
    {"position": 1, "name": "cmd", "parameters": None},
]


def test_an_entry_is_found_by_its_position_and_counted_from_one(tmp_path: Path) -> None:
    (tmp_path / "plugins.json").write_text(json.dumps(ENTRIES))
    assert read_entry(tmp_path, 0).parameters == {"repo_uri": "x"}
    assert read_entry(tmp_path, 1).parameters == {}
    assert read_entry(tmp_path, 1).label == "plugin cmd (number 2 of the job's list)"


def test_a_list_that_is_not_written_yet_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(
        NotWrittenYetError, match=r"plugins\.json: there is no such file yet"
    ) as caught:
        read_entry(tmp_path, 0)
    assert caught.value.path == tmp_path / "plugins.json"


def test_a_position_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugins.json").write_text(json.dumps(ENTRIES))
    with pytest.raises(
        RuntimeConfigError, match="no plugin at position 2, only 2 entries from 0 on"
    ):
        read_entry(tmp_path, 2)


def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"secret": hunter2')
    with pytest.raises(RuntimeConfigError, match=r"job\.json: this is not JSON") as caught:
        read_json(tmp_path / "job.json")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "{}", '{"workDir": null}'])
def test_without_a_work_directory_the_current_one_counts(
    tmp_path: Path, content: str | None
) -> None:
    if content:
        (tmp_path / "job.json").write_text(content)
    assert job_directory(tmp_path) == Path.cwd()


def test_the_work_directory_of_the_job_must_exist(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"workDir": str(tmp_path / "gone")}))
    with pytest.raises(RuntimeConfigError, match=r"workDir: there is no directory .*gone; add it"):
        job_directory(tmp_path)
    (tmp_path / "gone").mkdir()
    assert job_directory(tmp_path) == tmp_path / "gone"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, [], id="nothing is an empty list"),
        pytest.param("echo a, b", ["echo a, b"], id="one text stays whole at its commas"),
        pytest.param(["a", "b,c"], ["a", "b,c"], id="a list stays as it is"),
        pytest.param(
            [True, 1, 1.5], ["true", "1", "1.5"], id="YAML's other scalars are texts again"
        ),
    ],
)
def test_texts(value: Any, expected: list[str]) -> None:
    assert texts(value, "commands") == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(
            [{"echo a": "b"}], "entry 1 is a dict, not a text; write it in quotes", id="mapping"
        ),
        pytest.param(["a", ["b"]], "preCommands: entry 2 is a list", id="list in a list"),
        pytest.param(["a", None], "entry 2 is empty", id="empty entry"),
        pytest.param({"a": 1}, "entry 1 is a dict", id="a mapping instead of the list"),
    ],
)
def test_texts_refuses(value: Any, message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message):
        texts(value, "preCommands")
