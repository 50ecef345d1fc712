"""Which plugins a task uses, and what their roles accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_roles import find_plugins
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugins import (
    EXTRAS,
    choose_plugins,
    due_plugins,
    plugin_uses,
)
from tests.unit.jobs import document, load, role

SPECIFICATION = """
argument_specs:
  start:
    options:
      plugin_parameters:
        type: dict
        mutually_exclusive: [[one, other]]
        options:
          one: {type: str, description: One.}
          other: {type: str}
          flag: {type: bool, default: false}
          level: {type: int, choices: [1, 2]}
          many:
            type: list
            elements: dict
            options:
              event: {type: str, required: true}
"""


@pytest.fixture
def roles(tmp_path: Path) -> dict[str, Any]:
    for name, moments, specification in (
        ("strict", ("start", "exit"), SPECIFICATION),
        ("free", ("start",), None),
        ("late", ("exit",), None),
        ("helper", ("main",), None),
    ):
        (tmp_path / "roles" / name / "tasks").mkdir(parents=True)
        for moment in moments:
            (tmp_path / "roles" / name / "tasks" / f"{moment}.yml").write_text("---\n")
        if specification:
            (tmp_path / "roles" / name / "meta").mkdir()
            (tmp_path / "roles" / name / "meta" / "argument_specs.yml").write_text(specification)
    return find_plugins(tmp_path / "roles", [])


def choose(
    directory: Path, roles: dict[str, Any], *entries: Any, **job: Any
) -> list[dict[str, Any]]:
    extras = {EXTRAS: list(entries)}
    secrets = {"token": "hunter2-hunter2"}
    return choose_plugins(load(directory, document(extras=extras, **job), secrets=secrets), roles)


def test_plugins_run_in_order_with_parameters_checked_converted_and_rendered(
    tmp_path: Path, roles: dict[str, Any]
) -> None:
    entries = [
        {
            "plugin": "free",
            "parameters": {"any": ["<% $secrets.token %>"]},
            "failurePolicy": "ignore",
        },
        {
            "plugin": "strict",
            "parameters": {"flag": "true", "level": "2", "one": "<% $parameters.n %>"},
        },
    ]
    chosen = choose(tmp_path, roles, *entries, parameters={"n": 1})
    assert [(use["position"], use["name"], use["failurePolicy"]) for use in chosen] == [
        (0, "free", "ignore"),
        (1, "strict", "fail"),
    ]
    assert chosen[0]["parameters"] == {"any": ["hunter2-hunter2"]}
    assert {"flag": True, "level": 2, "one": "1"}.items() <= chosen[1]["parameters"].items()
    assert chosen[1]["role"] == "openpai.runtime.strict"


def test_at_the_exit_the_order_is_reversed_and_only_roles_with_exit_tasks_count(
    tmp_path: Path, roles: dict[str, Any]
) -> None:
    chosen = choose(tmp_path, roles, *({"plugin": name} for name in ("strict", "free", "late")))
    assert [use["name"] for use in due_plugins(chosen, "start")] == ["strict", "free"]
    due = due_plugins(chosen, "exit")
    assert [(use["name"], use["position"]) for use in due] == [("late", 2), ("strict", 0)]
    assert "hunter2" not in str(due)


def test_a_prerequisite_can_be_a_plugin_and_runs_first(
    tmp_path: Path, roles: dict[str, Any]
) -> None:
    prerequisites = [
        {"name": "image", "type": "dockerimage"},
        {"name": "unused", "type": "data", "plugin": f"{EXTRAS}.strict"},
        {
            "name": "set",
            "type": "data",
            "plugin": f"{EXTRAS}.free",
            "uri": ["hdfs://a"],
            "failurePolicy": "ignore",
            "command": "get <% $data.uri[0] %> <% $data.name %>",
        },
    ]
    worker = {"worker": role(prerequisites=["image", "set"])}
    chosen = choose(
        tmp_path, roles, {"plugin": "late"}, prerequisites=prerequisites, taskRoles=worker
    )
    assert [use["name"] for use in chosen] == ["free", "late"]
    assert chosen[0]["parameters"] == {"command": "get hdfs://a set"}
    assert chosen[0]["failurePolicy"] == "ignore"


@pytest.mark.parametrize(
    ("names", "expected"), [(["worker"], 1), (["ps_1"], 0), (["ps1", "worker"], 1), ([], 0)]
)
def test_a_plugin_for_other_task_roles_is_not_for_this_one(
    tmp_path: Path, roles: dict[str, Any], names: list[str], expected: int
) -> None:
    both = {"worker": role(), "ps_1": role()}
    chosen = choose(tmp_path, roles, {"plugin": "free", "taskroles": names}, taskRoles=both)
    assert len(chosen) == expected


WHERE = f"job 'test': extras[{EXTRAS}][0]"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"plugin": "fre"},
            f"{WHERE}.plugin: there is no plugin 'fre'; write one of: free, late, strict, or "
            "add the directory of your own to PAI_PLUGIN_PATH",
        ),
        ({"plugin": "helper"}, f"{WHERE}.plugin: there is no plugin 'helper'"),
        ("free", f"{WHERE}: no plugin named; write 'plugin: NAME'"),
        (
            {"plugin": "free", "params": {}},
            f"{WHERE}.params: an unknown key; write one of: failurePolicy",
        ),
        ({"plugin": "free", "parameters": []}, f"{WHERE}.parameters: not a mapping"),
        (
            {"plugin": "free", "failurePolicy": "retry"},
            f"{WHERE}.failurePolicy: 'retry' is not one of fail, ignore",
        ),
        ({"plugin": "free", "taskroles": "worker"}, f"{WHERE}.taskroles: not a list"),
        ({"plugin": "free", "taskroles": ["x"]}, "task role 'x' is not one of the job's (worker)"),
        (
            {"plugin": "strict", "parameters": {"tow": 1}},
            f"{WHERE} (plugin strict): tow. Supported parameters include: flag, level, many,",
        ),
        (
            {"plugin": "strict", "parameters": {"one": "1", "other": "2"}},
            f"{WHERE} (plugin strict): parameters are mutually exclusive: one|other",
        ),
        (
            {"plugin": "strict", "parameters": {"level": 3}},
            f"{WHERE} (plugin strict): value of level must be one of: 1, 2, got: 3; its para",
        ),
        (
            {"plugin": "strict", "parameters": {"many": [{}]}},
            f"{WHERE} (plugin strict): missing required arguments: event found in many",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, roles: dict[str, Any], entry: Any, message: str) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        choose(tmp_path, roles, entry)
    assert message in str(caught.value)


def test_a_users_plugin_directory_adds_plugins_and_never_replaces_one(
    tmp_path: Path, roles: dict[str, Any]
) -> None:
    own = tmp_path / "own"
    (own / "greet" / "tasks").mkdir(parents=True)
    (own / "greet" / "tasks" / "start.yml").write_text("---\n")
    found = find_plugins(tmp_path / "roles", [own])
    assert found["greet"].reference == str(own / "greet")
    (own / "greet").rename(own / "free")
    with pytest.raises(RuntimeConfigError, match=r"there is a plugin 'free' in .*; rename yours"):
        find_plugins(tmp_path / "roles", [own])
    with pytest.raises(RuntimeConfigError, match="PAI_PLUGIN_PATH: /nowhere: no such directory"):
        find_plugins(tmp_path / "roles", [Path("/nowhere")])


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], ["teamwise_storage"], id="no plugin"),
        pytest.param(["cmd"], ["teamwise_storage", "cmd"], id="another plugin, which may need it"),
        pytest.param(["cmd", "storage"], ["cmd", "storage"], id="storage, where it stands"),
        pytest.param(["teamwise_storage"], ["teamwise_storage"], id="teamwise_storage"),
    ],
)
def test_storages_of_a_job_are_mounted_without_a_plugin_that_says_so(
    tmp_path: Path, entries: list[str], expected: list[str]
) -> None:
    extras = {EXTRAS: [{"plugin": name} for name in entries], "storages": [{"name": "data"}]}
    job = load(tmp_path, document(extras=extras))
    assert [use.name for use in plugin_uses(job)] == expected
    without = load(tmp_path, document(extras={**extras, "storages": []}))
    assert [use.name for use in plugin_uses(without)] == entries
