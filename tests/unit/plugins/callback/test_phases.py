"""What the callback prints and reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document
from tests.unit.playbooks import play

EXTRAS = "com.microsoft.pai.runtimeplugin"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = tmp_path / "plugins"
    for name, task in (
        ("greet", {"ansible.builtin.debug": {"msg": "{{ plugin_parameters.text }}"}}),
        ("broken", {"ansible.builtin.fail": {"msg": "it broke"}}),
        ("telling", {"ansible.builtin.fail": {"msg": "no {{ plugin_parameters.text }}"}}),
    ):
        (own / name / "tasks").mkdir(parents=True)
        (own / name / "tasks" / "start.yml").write_text(json.dumps([{"name": "Do it", **task}]))
    return {
        "ANSIBLE_STDOUT_CALLBACK": "openpai.runtime.phases",
        "PAI_RUNTIME_REPORT": str(tmp_path / "work" / "report.json"),
        "PAI_RUNTIME_JOB_FILE": str(tmp_path / "job.yml"),
        "PAI_PLUGIN_PATH": str(own),
    }


def start(directory: Path, environment: dict[str, str], *plugins: Any) -> tuple[int, str, Any]:
    job = document(extras={EXTRAS: list(plugins)}, secrets={"token": "hunter2-hunter2"})
    (directory / "job.yml").write_text(yaml.safe_dump(job))
    done = play("start.yml", directory, "-vvv", **environment)
    assert "hunter2" not in done.stdout + done.stderr
    return (
        done.returncode,
        done.stdout,
        json.loads((directory / "work" / "report.json").read_text()),
    )


GREET = {"plugin": "greet", "parameters": {"text": "<% $secrets.token %> {{ 7*7 }}"}}


def test_every_role_is_a_phase_and_plugins_are_named_so(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    code, output, report = start(tmp_path, environment, GREET)
    assert (code, report["failure"]) == (0, None)
    assert set(report["phases"]) == {"runtime_env", "user_command", "plugins", "plugin greet"}
    assert "runtime_env: write secrets.json, write job.json, write runtime_env.sh" in output


def test_the_failure_that_ends_the_play_is_reported(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    code, output, report = start(tmp_path, environment, GREET, {"plugin": "broken"})
    assert code != 0
    assert "plugin broken: FAILED: it broke" in output
    assert report["failure"] == {
        "task": "Do it",
        "role": "broken",
        "plugin": "broken",
        "message": "it broke",
        "exit_code": None,
        "refused": False,
    }


def test_a_secret_in_a_message_is_masked(tmp_path: Path, environment: dict[str, str]) -> None:
    _code, output, report = start(tmp_path, environment, {**GREET, "plugin": "telling"})
    assert report["failure"]["message"] == "no ****** {{ 7*7 }}"
    assert "plugin telling: FAILED: no ****** {{ 7*7 }}" in output
    assert (tmp_path / "work" / "report.json").stat().st_mode & 0o777 == 0o600


def test_a_failure_that_the_job_tolerates_is_none(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    tolerated = {"plugin": "broken", "failurePolicy": "ignore"}
    code, output, report = start(tmp_path, environment, tolerated, GREET)
    assert (code, report["failure"]) == (0, None)
    assert "plugin broken: FAILED: it broke" in output
    assert "plugin greet" in report["phases"]


def test_a_broken_job_is_reported_with_its_place(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    code, _output, report = start(tmp_path, environment, {"plugin": "nope"})
    assert code != 0
    assert (report["failure"]["role"], report["failure"]["plugin"]) == ("plugins", None)
    assert "there is no plugin 'nope'; write one of: " in report["failure"]["message"]
    assert "greet" in report["failure"]["message"]
