"""The module pai_plugins."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.modules import pai_env, pai_plugins
from tests.unit.jobs import document

Run = Callable[..., dict[str, Any]]
SECRET = "hunter2-hunter2"
EXTRAS = "com.microsoft.pai.runtimeplugin"
SPECIFICATION = """
argument_specs:
  start:
    options:
      plugin_parameters:
        type: dict
        options: {level: {type: str, choices: [low]}}
"""


@pytest.fixture
def arguments(run_module: Run, tmp_path: Path) -> dict[str, Any]:
    for moment in ("start", "exit"):
        path = tmp_path / "roles" / "greet" / "tasks" / f"{moment}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n")
    entry = {"plugin": "greet", "parameters": {"name": "<% $secrets.token %>"}}
    write_job(run_module, tmp_path, entry)
    return {"work_dir": str(tmp_path / "work"), "built_in": str(tmp_path / "roles")}


def write_job(run_module: Run, directory: Path, entry: dict[str, Any]) -> None:
    job = document(secrets={"token": SECRET}, extras={EXTRAS: [entry]})
    (directory / "job.yml").write_text(yaml.safe_dump(job))
    given = {"work_dir": str(directory / "work"), "job_file": str(directory / "job.yml")}
    assert not run_module(pai_env.main, given).get("failed")


def test_check_run_check_run(run_module: Run, arguments: dict[str, Any]) -> None:
    runs = [
        run_module(pai_plugins.main, arguments, check=check, diff=True)
        for check in (True, False, True, False)
    ]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    path = Path(arguments["work_dir"]) / "plugins.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())[0]["parameters"] == {"name": SECRET}
    assert SECRET not in json.dumps(runs)
    expected = [{"name": "greet", "role": "openpai.runtime.greet", "position": 0, "ignore": False}]
    assert runs[3]["plugins"] == expected


def test_the_exit_finds_the_choice_again_and_nothing_where_the_start_failed(
    run_module: Run, arguments: dict[str, Any]
) -> None:
    assert run_module(pai_plugins.main, {**arguments, "moment": "exit"})["plugins"] == []
    run_module(pai_plugins.main, arguments)
    found = run_module(pai_plugins.main, {**arguments, "moment": "exit"})
    assert [plugin["name"] for plugin in found["plugins"]] == ["greet"]


def test_a_secret_in_a_wrong_parameter_is_not_shown(
    run_module: Run, arguments: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "roles" / "greet" / "meta").mkdir()
    (tmp_path / "roles" / "greet" / "meta" / "argument_specs.yml").write_text(SPECIFICATION)
    entry = {"plugin": "greet", "parameters": {"level": "<% $secrets.token %>"}}
    write_job(run_module, tmp_path, entry)
    result = run_module(pai_plugins.main, arguments)
    assert "value of level must be one of: low, got: ******" in result["msg"]
    assert SECRET not in json.dumps(result)
