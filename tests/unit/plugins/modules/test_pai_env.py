"""The module pai_env."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env
from ansible_collections.openpai.runtime.plugins.modules import pai_env
from tests.unit.jobs import document, framework, role
from tests.unit.playbooks import ROOT

Run = Callable[..., dict[str, Any]]
SECRET = "hunter2-hunter2"


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    extras = {"env": {"TOKEN": "<% $secrets.token %>", "TEXT": "{{ 7*7 }}"}}
    (tmp_path / "job.yml").write_text(yaml.safe_dump(document(extras=extras)))
    (tmp_path / "secrets.yaml").write_text(yaml.safe_dump({"token": SECRET}))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "container_env.nul").write_bytes(b"PATH=/bin\0KEEP=\xff\0")
    return {
        "work_dir": str(tmp_path / "work"),
        "job_file": str(tmp_path / "job.yml"),
        "secrets": str(tmp_path / "secrets.yaml"),
        "cwd": "/data",
    }


def files(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def test_check_run_check_run(run_module: Run, arguments: dict[str, Any]) -> None:
    work_dir = Path(arguments["work_dir"])
    first = run_module(pai_env.main, arguments, check=True)
    assert list(files(work_dir)) == ["container_env.nul"]
    results = [
        first,
        *(run_module(pai_env.main, arguments, check=check) for check in (False, True, False)),
    ]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert (
        first["actions"]
        == results[1]["actions"]
        == [
            "write secrets.json",
            "write job.json",
            "write runtime_env.sh",
            "write process_env.nul",
        ]
    )
    assert results[3]["actions"] == []
    assert results[3]["left_out"] == 0


def test_modes_are_as_the_content_demands(run_module: Run, arguments: dict[str, Any]) -> None:
    run_module(pai_env.main, arguments)
    found = files(Path(arguments["work_dir"]))
    del found["container_env.nul"]
    assert found == {
        "secrets.json": 0o600,
        "job.json": 0o644,
        "runtime_env.sh": 0o600,
        "process_env.nul": 0o600,
    }
    Path(arguments["job_file"]).write_text(yaml.safe_dump(document()))
    run_module(pai_env.main, {**arguments, "secrets": None})
    found = files(Path(arguments["work_dir"]))
    assert found["runtime_env.sh"] == 0o644
    assert "secrets.json" not in found


def test_the_process_gets_the_containers_environment_and_ours(
    run_module: Run, arguments: dict[str, Any]
) -> None:
    run_module(pai_env.main, arguments)
    environment = process_env.read(Path(arguments["work_dir"]) / "process_env.nul")
    assert {
        "PATH": "/bin",
        "KEEP": os.fsdecode(b"\xff"),
        "TOKEN": SECRET,
        "TEXT": "{{ 7*7 }}",
        "PAI_WORK_DIR": "/data",
        "PAI_TASK_INDEX": "0",
    }.items() <= environment.items()


def test_the_secret_is_in_private_files_only(run_module: Run, arguments: dict[str, Any]) -> None:
    result = run_module(pai_env.main, arguments, diff=True)
    assert SECRET not in json.dumps(result)
    work_dir = Path(arguments["work_dir"])
    public = [p for p in work_dir.iterdir() if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert [p.name for p in public if SECRET.encode() in p.read_bytes()] == []


def pattern(**changes: Any) -> dict[str, Any]:
    rules = [{"userLogRegex": "LICENSE ERROR: no free seat"}]
    return {
        "code": 237,
        "phrase": "LicenceServerFull",
        "reason": "All licences are in use.",
        "pattern": {"runtimeContainerPatterns": rules},
        **changes,
    }


def test_failure_patterns_are_kept_for_the_end_and_broken_ones_are_told(
    run_module: Run, arguments: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "a.yml").write_text(yaml.safe_dump([pattern(phrase="OfTheCluster")]))
    broken = pattern(pattern={"runtimeContainerPatterns": [{"userLogRegex": "(seat"}]})
    extras = {"failurePatterns": [pattern(phrase="OfTheJob", reason="{{ 7*7 }}"), broken]}
    Path(arguments["job_file"]).write_text(yaml.safe_dump(document(extras=extras)))
    arguments.update(failure_patterns=str(tmp_path / "cluster"), catalogue=str(ROOT / "catalogue"))
    results = [run_module(pai_env.main, arguments, check=check) for check in (True, False) * 2]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert "write failure_patterns.json" in results[0]["actions"]
    told = (
        "failure pattern: extras.failurePatterns: LicenceServerFull: pattern 1: userLogRegex "
        "'(seat' is not a valid RE2 expression: missing ): (seat; the entry is not used"
    )
    for result in results:
        # newer versions of ansible-core return objects with the text inside
        assert [told in str(warning) for warning in result["warnings"]] == [True]
    kept = json.loads((tmp_path / "work" / "failure_patterns.json").read_bytes())
    assert [(row["phrase"], row["reason"]) for row in kept] == [
        ("OfTheCluster", "All licences are in use."),
        ("OfTheJob", "{{ 7*7 }}"),
    ]


def test_failure_patterns_of_an_earlier_job_are_forgotten(
    run_module: Run, arguments: dict[str, Any]
) -> None:
    kept = Path(arguments["work_dir"]) / "failure_patterns.json"
    kept.write_text("[]")
    assert "remove failure_patterns.json" in run_module(pai_env.main, arguments)["actions"]
    assert not kept.exists()


def test_a_broken_job_file_changes_nothing(run_module: Run, arguments: dict[str, Any]) -> None:
    broken = document(taskRoles={"worker": role(instances=0)})
    Path(arguments["job_file"]).write_text(yaml.safe_dump(broken))
    result = run_module(pai_env.main, arguments)
    assert result["failed"]
    assert "job.yml: taskRoles.worker.instances: 0 is not allowed; write a whole" in result["msg"]
    assert list(files(Path(arguments["work_dir"]))) == ["container_env.nul"]


def test_variables_with_which_no_process_could_start_are_refused(
    run_module: Run, arguments: dict[str, Any]
) -> None:
    extras = {"env": {f"A{number}": "x" * 90_000 for number in range(90)}}
    Path(arguments["job_file"]).write_text(yaml.safe_dump(document(extras=extras)))
    result = run_module(pai_env.main, arguments)
    assert "its variables and the container's take 81" in result["msg"]
    assert "make them smaller, A10 first" in result["msg"]


def test_one_variable_that_linux_refuses_is_named(
    run_module: Run, arguments: dict[str, Any]
) -> None:
    extras = {"env": {"LARGE": "x" * 200_000}}
    Path(arguments["job_file"]).write_text(yaml.safe_dump(document(extras=extras)))
    result = run_module(pai_env.main, arguments)
    assert "LARGE is in runtime_env.full.sh only: Linux limits one variable to 128 KiB" in str(
        result["warnings"]
    )


def test_a_command_of_a_job_with_ten_thousand_tasks_starts(run_module: Run, tmp_path: Path) -> None:
    large = framework(10_000, {"a": 1, "ssh": 1, "http": 1}, packed=True)
    (tmp_path / "framework.json").write_text(json.dumps(large))
    work_dir = tmp_path / "work"
    arguments = {
        "work_dir": str(work_dir),
        "framework": str(tmp_path / "framework.json"),
        "task_index": 9999,
    }
    result = run_module(pai_env.main, arguments)
    assert result["left_out"] > 10_000
    assert "runtime_env.full.sh and job.json only" in str(result["warnings"])
    environment = process_env.read(work_dir / "process_env.nul")
    assert len(environment) <= 6001
    code = "import os; print(len(os.environ), os.environ['PAI_RUNTIME_ENV_TRUNCATED'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.endswith(" 1\n"), done.stderr
    assert environment["PAI_HOST_IP_worker_9999"] == environment["PAI_CONTAINER_HOST_IP"]
    assert run_module(pai_env.main, arguments)["changed"] is False
    full = (work_dir / "runtime_env.full.sh").read_text()
    assert "\nPAI_worker_9998_a_PORT=" in full
    assert "\nexport PAI_worker_9999_a_PORT=" in full
