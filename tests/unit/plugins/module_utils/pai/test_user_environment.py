"""The user's own variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.user_environment import (
    may_be_secret,
    user_variables,
)
from tests.unit.jobs import document, load, role

DEFINED = {"PATH": "/bin", "HF_TOKEN": "given", "PAI_TASK_INDEX": "3"}


def variables(directory: Path, env: Any, **changes: Any) -> dict[str, str]:
    job = load(directory, document(extras={"env": env}, **changes), secrets={"key": "s3cret"})
    return user_variables(job, DEFINED)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (
            {"A": 1, "B": True, "C": 0.5, "D": "x y"},
            {"A": "1", "B": "true", "C": "0.5", "D": "x y"},
        ),
        ({"A": "${PATH}:/opt"}, {"A": "/bin:/opt"}),
        ({"A": "1", "B": "${A}2", "C": "${B}${A}"}, {"A": "1", "B": "12", "C": "121"}),
        ({"A": "${NOPE:-fall back}"}, {"A": "fall back"}),
        ({"A": "${NOPE:-}"}, {"A": ""}),
        ({"A": "$${PATH} $PATH $(id) `id`"}, {"A": "${PATH} $PATH $(id) `id`"}),
        ({"A": "rank ${PAI_TASK_INDEX}"}, {"A": "rank 3"}),
        ({"PATH": "/opt:${PATH}"}, {"PATH": "/opt:/bin"}),
        ({"HF_TOKEN": None}, {"HF_TOKEN": "given"}),
        ({"A": "<% $parameters.n %>/<% $secrets.key %>"}, {"A": "7/s3cret"}),
        ({"A": "{{ 7*7 }}"}, {"A": "{{ 7*7 }}"}),
    ],
)
def test_values(tmp_path: Path, env: dict[str, Any], expected: dict[str, str]) -> None:
    assert variables(tmp_path, env, parameters={"n": 7}) == expected


def test_a_roles_variables_win_over_the_jobs_and_see_them(tmp_path: Path) -> None:
    extras = {
        "env": {"A": "job", "B": "job"},
        "taskRoles": {"worker": {"env": {"B": "${A}+extras"}}, "ps": {"env": {"A": "other"}}},
    }
    roles = {"worker": role(env={"C": "${B}+role"}), "ps": role()}
    job = load(tmp_path, document(extras=extras, taskRoles=roles))
    assert user_variables(job, {}) == {"A": "job", "B": "job+extras", "C": "job+extras+role"}


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"PAI_X": "1"},
            "extras.env.PAI_X: names that start with PAI_ or FC_ are the runtime's; choose another",
        ),
        ({"A\n": "1"}, "extras.env: 'A\\n' cannot be a variable's name; use letters"),
        (
            {"a-b": "1"},
            "extras.env: 'a-b' cannot be a variable's name; use letters, digits and _ only",
        ),
        ({"A": [1]}, "extras.env.A: a list or mapping is not a variable's value; write one text"),
        ({"A": {"b": 1}}, "extras.env.A: a list or mapping is not a variable's value"),
        (
            {"WANDB_KEY": None},
            "extras.env.WANDB_KEY: no value here, and none in the container's environment; start "
            "it with WANDB_KEY set, or write a value",
        ),
        (
            {"A": "${LATER}", "LATER": "1"},
            "extras.env.A: ${LATER} is not defined before it; define it, write ${LATER:-default}, "
            "or $${LATER} for the text itself",
        ),
        (["A=1"], "extras.env: not a mapping; write a 'NAME: value' line each"),
    ],
)
def test_what_is_refused(tmp_path: Path, env: Any, message: str) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        variables(tmp_path, env)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", False),
        (7, False),
        ("<% $parameters.n %>", False),
        ("<% $secrets.key %>", True),
        (None, True),
        ("prefix ${HF_TOKEN}", True),
    ],
)
def test_what_may_be_a_secret_is_known(value: Any, expected: bool) -> None:
    assert may_be_secret(value) is expected
