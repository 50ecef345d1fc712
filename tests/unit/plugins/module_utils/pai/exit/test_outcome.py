"""An outcome is read whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.outcome import (
    Outcome,
    read_outcome,
    with_failures,
)


def read(tmp_path: Path, content: object) -> tuple[Outcome, list[str]]:
    path = tmp_path / "outcome.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    problems: list[str] = []
    return read_outcome(path, problems), problems


def test_every_field_is_read(tmp_path: Path) -> None:
    row = {
        "exitCode": 137,
        "signal": 9,
        "stopped": True,
        "stage": "command",
        "plugin": "git",
        "message": "words",
        "startedAt": "2026-11-24T08:00:00Z",
        "endedAt": "2026-11-24T08:01:00Z",
        "phases": {"start": 0.6},
    }
    outcome, problems = read(tmp_path, row)
    assert problems == []
    assert outcome == Outcome(
        exit_code=137,
        signal=9,
        stopped=True,
        stage="command",
        plugin="git",
        message="words",
        started_at="2026-11-24T08:00:00Z",
        ended_at="2026-11-24T08:01:00Z",
        phases={"start": 0.6},
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 100000, "not a JSON object"),
        ({"exitCode": "1"}, "exitCode '1' is not a number; 255 is taken"),
        ({"exitCode": True}, "exitCode True is not a number; 255 is taken"),
        ({"stage": 5}, "exitCode None is not a number; 255 is taken"),
    ],
)
def test_a_damaged_outcome_is_a_failure_and_told(
    tmp_path: Path, content: object, words: str
) -> None:
    outcome, problems = read(tmp_path, content)
    assert outcome == Outcome(exit_code=255, stage="command")
    assert problems == [f"{tmp_path}/outcome.json: {words}"]


def test_a_missing_outcome_is_a_failure_and_told(tmp_path: Path) -> None:
    problems: list[str] = []
    assert read_outcome(tmp_path / "none", problems) == Outcome()
    assert problems == [f"{tmp_path}/none: No such file or directory"]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param(Outcome(3, stage="command"), 3, id="the command's own"),
        pytest.param(Outcome(3, stage="start"), None, id="the command never ran"),
        pytest.param(Outcome(3, stage="exit"), 0, id="the command had succeeded"),
    ],
)
def test_the_users_code_depends_on_the_stage(outcome: Outcome, code: int | None) -> None:
    assert outcome.user_exit_code == code


@pytest.mark.parametrize(
    ("outcome", "signalled"),
    [
        pytest.param(Outcome(137, signal=9), True, id="by the kernel"),
        pytest.param(Outcome(129), True, id="a shell about its child"),
        pytest.param(Outcome(128), False, id="no signal 0"),
        pytest.param(Outcome(250), False, id="no signal 122"),
        pytest.param(Outcome(1), False, id="an ordinary code"),
    ],
)
def test_signals_are_recognised(outcome: Outcome, signalled: bool) -> None:
    assert outcome.signalled is signalled


def _failure(**changes: object) -> dict[str, object]:
    return {"plugin": "cmd", "exit_code": 4, "msg": "it broke", "ignore": False, **changes}


@pytest.mark.parametrize(
    ("code", "failures", "expected"),
    [
        (0, [], (0, "command", None)),
        (0, [_failure(ignore=True)], (0, "command", None)),
        (0, [_failure(ignore=True), _failure(), _failure(plugin="x")], (4, "exit", "cmd")),
        (0, [_failure(exit_code=0)], (1, "exit", "cmd")),
        (0, [_failure(exit_code=300)], (1, "exit", "cmd")),
        (7, [_failure()], (7, "command", None)),
    ],
    ids=["none", "ignored", "the first that counts", "no code", "no such code", "failed before"],
)
def test_a_plugin_that_fails_at_the_end_fails_a_task_that_had_succeeded(
    code: int, failures: list[dict[str, object]], expected: tuple[object, ...]
) -> None:
    outcome = with_failures(Outcome(exit_code=code), failures)
    assert (outcome.exit_code, outcome.stage, outcome.plugin) == expected
