from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env
from ansible_collections.openpai.runtime.plugins.modules import pai_commands

Result = dict[str, Any]


class Task:
    """A work and a log directory as the runtime's earlier steps leave them."""

    def __init__(self, directory: Path, run_module: Callable[..., Result]) -> None:
        self.work, self.logs = directory / "work", directory / "logs"
        self.work.mkdir()
        self.logs.mkdir()
        self._run = run_module
        environment = {
            "PATH": os.environ["PATH"],
            "GREETING": "hello",
            "PAI_WORK_DIR": str(directory),
        }
        (self.work / "process_env.nul").write_bytes(process_env.encode(environment))

    def parameters(self, **parameters: Any) -> None:
        entry = {"position": 0, "name": "cmd", "parameters": parameters}
        (self.work / "plugins.json").write_text(json.dumps([entry]))

    def ended(self, **outcome: Any) -> None:
        (self.logs / "exit.json").write_text(json.dumps({"stopped": False, **outcome}))

    def run(self, moment: str, check: bool = False) -> Result:
        args = {"work_dir": str(self.work), "log_dir": str(self.logs), "position": 0}
        return self._run(pai_commands.main, {**args, "moment": moment}, check)

    @property
    def log(self) -> str:
        file = self.logs / "runtime.log"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def task(
    tmp_path: Path, run_module: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Task:
    monkeypatch.delenv("RUNTIME_LOG_PIPE", raising=False)
    return Task(tmp_path, run_module)


def test_four_runs_change_once(task: Task) -> None:
    task.parameters(preCommands=["echo $GREETING from $PWD", "touch made"])
    runs = [task.run("start", check) for check in (True, False, True, False)]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    action = ["run the commands of taskStarts"]
    assert [run["actions"] for run in runs] == [action, action, [], []]
    assert task.log == f"hello from {task.work.parent}\n"


def test_check_mode_runs_and_writes_nothing(task: Task) -> None:
    task.parameters(preCommands="touch made")
    task.run("start", check=True)
    assert not (task.work.parent / "made").exists()
    assert not (task.work / "state").exists()
    assert not (task.logs / "runtime.log").exists()


@pytest.mark.parametrize("moment", ["start", "exit"])
def test_check_mode_on_a_fresh_container_says_what_it_waits_for(task: Task, moment: str) -> None:
    result = task.run(moment, check=True)
    assert result["changed"] is True
    assert result["actions"] == [
        f"run the commands that are due, once {task.work}/plugins.json is written"
    ]


def test_the_end_runs_what_its_outcome_asks_for(task: Task) -> None:
    tell = 'echo "$PAI_TASK_EXIT_CODE ${PAI_TASK_FAILURE_PHRASE-no phrase}"'
    events = ["taskCompletes", "taskSucceeds", "taskFails", "taskStarts"]
    task.parameters(
        callbacks=[{"event": event, "commands": [f"echo {event}", tell]} for event in events]
    )
    task.ended(exitCode=137, phrase="Out of memory")
    result = task.run("exit")
    assert result["actions"] == [
        "run the commands of taskFails",
        "run the commands of taskCompletes",
    ]
    assert task.log == "taskFails\n137 Out of memory\ntaskCompletes\n137 Out of memory\n"
    assert task.run("exit")["changed"] is False


def test_post_commands_run_on_success_only(task: Task) -> None:
    task.parameters(postCommands=["echo done"])
    task.ended(exitCode=1, phrase="x")
    assert task.run("exit")["changed"] is False
    task.ended(exitCode=0)
    assert task.run("exit")["changed"] is True
    assert task.log == "done\n"


def test_a_failure_has_the_commands_own_exit_code(task: Task) -> None:
    task.parameters(preCommands=["exit 3"])
    result = task.run("start")
    assert result["failed"] is True
    assert result["exit_code"] == 3
    assert result["msg"] == (
        "plugin cmd (number 1 of the job's list), event taskStarts: the commands ended with exit "
        "code 3; their output is in runtime.log"
    )
    assert task.run("start", check=True)["changed"] is True


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("plugins.json", "plugins.json: there is no such file yet"),
        ("process_env.nul", "process_env.nul: No such file or directory"),
    ],
)
def test_a_missing_file_is_named_and_nothing_runs(task: Task, missing: str, message: str) -> None:
    task.parameters(preCommands="touch made")
    (task.work / missing).unlink()
    result = task.run("start")
    assert result["failed"] is True
    assert message in result["msg"]
    assert not (task.work.parent / "made").exists()


def test_an_end_without_an_outcome_is_told(task: Task) -> None:
    task.parameters(postCommands="true")
    assert "exit.json: there is no such file yet" in task.run("exit")["msg"]


def test_a_damaged_analysis_does_not_keep_the_commands_of_the_end_from_running(task: Task) -> None:
    task.parameters(callbacks=[{"event": "taskFails", "commands": "echo $PAI_TASK_EXIT_CODE"}])
    (task.work / "outcome.json").write_text(json.dumps({"exitCode": 7, "stopped": False}))
    (task.logs / "exit.json").write_text('{"exitCode": 22')
    assert task.run("exit")["actions"] == ["run the commands of taskFails"]
    assert task.log == "7\n"


def test_commands_have_the_umask_of_the_container(task: Task) -> None:
    (task.work / "umask").write_text("0027\n")
    task.parameters(preCommands="umask")
    task.run("start")
    assert task.log == "0027\n"


def test_a_shell_that_is_missing_ends_with_127(task: Task) -> None:
    task.parameters(preCommands="true")
    (task.work / "process_env.nul").write_bytes(b"PATH=/nowhere\0")
    assert task.run("start")["exit_code"] == 127


def test_secrets_are_nowhere_but_in_private_files(task: Task) -> None:
    secret = "hunter2-hunter2"
    task.parameters(preCommands=[f"true {secret}", "tr '\\0' ' ' < /proc/$$/cmdline", "exit 1"])
    result = task.run("start")
    assert secret not in json.dumps(result)
    assert secret not in task.log
    for path in (task.work / "state").rglob("*"):
        assert secret.encode() not in path.read_bytes() or path.stat().st_mode & 0o077 == 0
