"""One task of a job fails, the others die of it, each a real process: all say who was first."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.ssh_tasks import safe_directory
from tests.unit.test_ssh_life import Job, Task, job

__all__ = ["job"]  # a fixture
FAILS = "python3 -c 'raise ValueError(\"bad batch\")' || { touch failed; exit 1; }"
FOLLOWS = (
    "until [ -e failed ]; do sleep 0.1; done; sleep 0.3;"
    " echo 'RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection"
    " closed by peer [127.0.0.1]:41222' >&2; exit 1"
)
CASCADE = f'if [ "$PAI_TASK_INDEX" = 1 ]; then {FAILS}; fi; {FOLLOWS}'
ENDLESS = f'if [ "$PAI_TASK_INDEX" = 1 ]; then {FAILS}; fi; touch up; sleep 600'
TOLD = "worker-1 failed first, with exit code 1 (PythonValueWrong): ValueError: bad batch"


def message(task: Task) -> dict[str, Any]:
    text = (task.logs / "pai-termination-log").read_text()
    read: dict[str, Any] = yaml.safe_load(text.replace("[PAI", "# "))
    return read


def assert_names_the_first(task: Task) -> None:
    first = task.result["firstFailure"]
    assert first, task.said
    assert (first["task"], first["phrase"]) == ("worker-1", "PythonValueWrong")
    assert message(task)["reason"].startswith(f"{TOLD}. This task saw: ")
    assert f"  because    {TOLD}\n" in task.said
    assert TOLD in (task.logs / "failure.html").read_text()


@pytest.fixture
def without_ssh() -> Iterator[Job]:
    with safe_directory() as place:
        made = Job(place)
        try:
            yield made
        finally:
            for task in made.tasks:
                task.process.terminate()
                task.end()


def plain(made: Job, command: str, tasks: int = 3) -> None:
    made.write(tasks, command)
    path = made.place / "job.yml"
    content = yaml.safe_load(path.read_text())
    del content["extras"]
    path.write_text(yaml.safe_dump(content))


def test_over_ssh(job: Job) -> None:
    job.write(3, CASCADE)
    tasks = [job.start(index) for index in (0, 2, 1)]
    assert [task.end() for task in tasks] == [1, 1, 1]
    for task in tasks[:2]:
        assert_names_the_first(task)
        assert (task.result["category"], task.result["fault"]) == ("nccl-error", "user")
    assert tasks[2].result["firstFailure"] is None
    assert job.left() == []


def test_over_a_directory(without_ssh: Job) -> None:
    plain(without_ssh, CASCADE)
    shared = without_ssh.place / "shared"
    shared.mkdir()
    # as a person would write it: below the directory in which the tasks are started
    tasks = [without_ssh.start(index, PAI_EXIT_RECORDS="shared") for index in (0, 1, 2)]
    assert [task.end() for task in tasks] == [1, 1, 1]
    for task in (tasks[0], tasks[2]):
        assert_names_the_first(task)
    names = sorted(path.relative_to(shared) for path in shared.rglob("*.json"))
    job_name = without_ssh.place.name.strip(".")
    assert names == [Path(job_name, "run", f"worker-{index}.json") for index in range(3)]
    records = [json.loads((shared / name).read_text()) for name in names]
    assert [record["role"] for record in records] == ["unknown", "root", "unknown"]
    assert records[1]["failedAt"] < min(records[0]["failedAt"], records[2]["failedAt"])


def test_a_task_that_is_stopped_afterwards_says_why(without_ssh: Job) -> None:
    plain(without_ssh, ENDLESS, tasks=2)
    shared = without_ssh.place / "shared"
    shared.mkdir()
    stopped = without_ssh.start(0, PAI_EXIT_RECORDS=str(shared))
    stopped.until((without_ssh.place / "up").exists)
    assert without_ssh.start(1, PAI_EXIT_RECORDS=str(shared)).end() == 1
    stopped.process.send_signal(signal.SIGTERM)
    assert stopped.end() == 143
    assert_names_the_first(stopped)
    assert stopped.result["phrase"] == "ContainerStopRequested"


def test_nobody_is_named_where_nobody_can_tell(without_ssh: Job) -> None:
    plain(without_ssh, CASCADE, tasks=2)
    tasks = [without_ssh.start(index) for index in (0, 1)]
    assert [task.end() for task in tasks] == [1, 1]
    assert tasks[0].result["firstFailure"] is None
    assert "failed first" not in tasks[0].said


def test_a_task_whose_barrier_is_not_passed_names_the_one_that_failed(job: Job) -> None:
    wrong = {"plugin": "cmd", "parameters": {"preCommands": ["[ $PAI_TASK_INDEX = 0 ] || ls /no"]}}
    job.write(2, "echo ran", before=[wrong], sshbarrier=True)
    waits = job.start(0)
    waits.until_said("waiting for worker-1 (refused)")
    assert job.start(1).end() == 2
    assert waits.end() == 249, waits.said
    first = waits.result["firstFailure"]
    assert (first["task"], first["exitCode"]) == ("worker-1", 2)
    assert message(waits)["reason"].startswith("worker-1 failed first, with exit code 2")
    assert job.left() == []
