from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.commands import (
    TaskEnd,
    due,
    read_callbacks,
    read_end,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import (
    NotWrittenYetError,
    PluginEntry,
)

EVENTS = ["taskCompletes", "taskStopped", "taskFails", "taskSucceeds", "taskStarts"]
ALL_EVENTS = {"callbacks": [{"event": event, "commands": f"echo {event}"} for event in EVENTS]}
SUCCESS, FAILURE = TaskEnd(0, False, ""), TaskEnd(3, False, "disk full")
STOPPED, STOPPED_CLEANLY = TaskEnd(143, True, "stopped"), TaskEnd(0, True, "")


def entry(**parameters: Any) -> PluginEntry:
    return PluginEntry("cmd", 1, parameters)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({}, [], id="nothing asked for"),
        pytest.param(
            {"preCommands": ["a", "b"], "postCommands": ["c"]},
            [("taskStarts", "a\nb\n"), ("taskSucceeds", "c\n")],
            id="pre and post are two of the events",
        ),
        pytest.param(
            {"preCommands": "a, b"}, [("taskStarts", "a, b\n")], id="one text is one command"
        ),
        pytest.param(
            {"callbacks": [{"event": "taskFails", "commands": ["x", "y"], "timeout": None}]},
            [("taskFails", "x\ny\n")],
            id="commands of a callback are joined by newlines",
        ),
        pytest.param(
            {"preCommands": None, "postCommands": [], "callbacks": None}, [], id="empty is nothing"
        ),
    ],
)
def test_callbacks(parameters: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = read_callbacks(entry(**parameters))
    assert [(callback.event, callback.script) for callback in found] == expected


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param(
            {"preCommands": [{"a": "b"}]},
            r"plugin cmd \(number 2 of the job's list\), preCommands: entry 1 is a dict",
            id="a command that YAML read as a mapping",
        ),
        pytest.param(
            {"callbacks": [{"event": "taskFails", "commands": "x", "timeout": 0}]},
            "callbacks, entry 1: timeout 0 is not above 0 seconds",
            id="a timeout of nothing",
        ),
    ],
)
def test_unusable_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message):
        read_callbacks(entry(**parameters))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(None, ["taskStarts"], id="the start"),
        pytest.param(SUCCESS, ["taskSucceeds", "taskCompletes"], id="success"),
        pytest.param(FAILURE, ["taskFails", "taskCompletes"], id="failure"),
        pytest.param(STOPPED, ["taskStopped", "taskCompletes"], id="stopped by a signal"),
        pytest.param(STOPPED_CLEANLY, ["taskStopped", "taskCompletes"], id="stopped with code 0"),
    ],
)
def test_what_is_due(end: TaskEnd | None, expected: list[str]) -> None:
    found = due(read_callbacks(entry(**ALL_EVENTS)), end)
    assert [callback.event for callback in found] == expected


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(SUCCESS, {"PAI_TASK_EXIT_CODE": "0"}, id="no phrase on success"),
        pytest.param(
            FAILURE,
            {"PAI_TASK_EXIT_CODE": "3", "PAI_TASK_FAILURE_PHRASE": "disk full"},
            id="the phrase of a failure",
        ),
    ],
)
def test_what_the_commands_of_the_end_know(end: TaskEnd, expected: dict[str, str]) -> None:
    assert end.variables == expected


ANALYSED = {"exitCode": 226, "stopped": True, "phrase": "CUDA out of memory"}
PLAIN = {"exitCode": 1, "stopped": False, "message": None}
ENDED_PLAINLY = TaskEnd(1, False, "exit code 1")


@pytest.mark.parametrize(
    ("analysed", "expected"),
    [
        pytest.param(
            json.dumps(ANALYSED), TaskEnd(226, True, "CUDA out of memory"), id="as analysed"
        ),
        pytest.param(None, ENDED_PLAINLY, id="without an analysis"),
        pytest.param('{"exitCode": 22', ENDED_PLAINLY, id="the analysis is cut off"),
        pytest.param("[]", ENDED_PLAINLY, id="the analysis is no object"),
        pytest.param('{"phrase": "x"}', ENDED_PLAINLY, id="the analysis has no code"),
        pytest.param('{"exitCode": "226"}', ENDED_PLAINLY, id="the code is a text"),
    ],
)
def test_the_end_is_the_analysed_one_or_else_the_plain_one(
    tmp_path: Path, analysed: str | None, expected: TaskEnd
) -> None:
    (tmp_path / "outcome.json").write_text(json.dumps(PLAIN))
    if analysed is not None:
        (tmp_path / "exit.json").write_text(analysed)
    assert read_end(tmp_path, tmp_path) == expected


def test_an_end_that_is_not_written_yet_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenYetError, match=r"exit\.json"):
        read_end(tmp_path, tmp_path)
    (tmp_path / "outcome.json").write_text("{")
    with pytest.raises(RuntimeConfigError, match=r"outcome\.json: no exitCode is in there; run"):
        read_end(tmp_path, tmp_path)
