"""The module pai_user_command."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.modules import pai_env, pai_user_command
from tests.unit.jobs import document, role

Run = Callable[..., dict[str, Any]]
SECRET = "hunter2-hunter2"


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    commands = ["login --token <% $secrets.token %>"]
    job = document(secrets={"token": SECRET}, taskRoles={"worker": role(commands=commands)})
    (tmp_path / "job.yml").write_text(yaml.safe_dump(job))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "container_env.nul").write_bytes(b"PATH=/bin\0")
    return tmp_path / "work"


def prepare(run_module: Run, work_dir: Path) -> None:
    arguments = {"work_dir": str(work_dir), "job_file": str(work_dir.parent / "job.yml")}
    assert not run_module(pai_env.main, arguments).get("failed")


def test_check_mode_on_a_fresh_container(run_module: Run, work_dir: Path) -> None:
    result = run_module(pai_user_command.main, {"work_dir": str(work_dir)}, check=True)
    assert result["changed"]
    assert result["actions"] == ["write user.sh"]
    assert not (work_dir / "user.sh").exists()


def test_check_run_check_run(run_module: Run, work_dir: Path) -> None:
    prepare(run_module, work_dir)
    runs = [
        run_module(pai_user_command.main, {"work_dir": str(work_dir)}, check=check, diff=True)
        for check in (True, False, True, False)
    ]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    assert stat.S_IMODE((work_dir / "user.sh").stat().st_mode) == 0o600
    assert SECRET in (work_dir / "user.sh").read_text()
    assert SECRET not in json.dumps(runs)


def test_without_the_job_it_says_what_to_run_first(run_module: Run, work_dir: Path) -> None:
    result = run_module(pai_user_command.main, {"work_dir": str(work_dir)})
    assert result["failed"]
    assert result["msg"].endswith("job.json: no such file; run openpai.runtime.pai_env first")
