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


@pytest.mark.parametrize("position", [2, -1])
def test_a_position_that_is_not_there_is_refused(tmp_path: Path, position: int) -> None:
    (tmp_path / "plugins.json").write_text(json.dumps(ENTRIES))
    message = f"no plugin at position {position}; give one of its 2 entries, counted from 0"
    with pytest.raises(RuntimeConfigError, match=message):
        read_entry(tmp_path, position)


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugins.json").write_text("{}")
    with pytest.raises(RuntimeConfigError, match=r"plugins\.json: no JSON list; remove it"):
        read_entry(tmp_path, 0)


@pytest.mark.parametrize("environment", [{}, {"PAI_WORK_DIR": ""}])
def test_without_a_work_directory_the_current_one_counts(environment: dict[str, str]) -> None:
    assert job_directory(environment) == Path.cwd()


def test_the_work_directory_of_the_job_must_exist(tmp_path: Path) -> None:
    environment = {"PAI_WORK_DIR": str(tmp_path / "gone")}
    with pytest.raises(
        RuntimeConfigError, match=r"PAI_WORK_DIR: there is no directory .*gone; make it"
    ):
        job_directory(environment)
    (tmp_path / "gone").mkdir()
    assert job_directory(environment) == tmp_path / "gone"


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
