"""The module as one of a job's tasks: it leaves word of its end, and names who failed first."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job import codec
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import Marks
from ansible_collections.openpai.runtime.plugins.modules import pai_failure_analysis
from tests.unit import jobs
from tests.unit.plugins.modules.test_pai_failure_analysis import CATALOGUE, WRITTEN, warned
from tests.unit.ssh_tasks import need_sshd, safe_directory
from tests.unit.sshd_servers import HOST, SshdServers
from tests.unit.storage_mounts import mount_fuse, namespace

Run = Callable[..., dict[str, Any]]
CASCADE = (
    "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by"
    " peer [10.0.0.2]:41222\n"
)
SECRET = "hunter2-hunter2"
ROOT = (
    'Traceback (most recent call last):\n  File "t.py", line 1, in <module>\n'
    f"ValueError: bad {SECRET}\n"
)


class Task:
    """What one task of a job of three leaves behind; they share a directory."""

    def __init__(self, root: Path, index: int, run_module: Run, tasks: int = 3) -> None:
        self.root, self.index, self._run_module = root / str(index), index, run_module
        self.work, self.logs, self.shared = self.root / "w", self.root / "l", root / "shared"
        for folder in (self.work, self.logs / "user-all"):
            folder.mkdir(parents=True)
        self.shared.mkdir(exist_ok=True)
        placed = jobs.framework(tasks, {"ssh": 1})
        job = jobs.load(self.root, framework_object=placed, role="worker", index=index)
        (self.work / "job.json").write_text(codec.encode(job))

    def end(self, log: str, seconds: float = 0.0, code: int = 1, **fields: Any) -> None:
        """Write what the runtime does at the end, that many seconds after the first task's."""
        (self.logs / "user-all" / "current").write_text(log)
        outcome = {
            "exitCode": code,
            "stage": "command",
            "startedAt": "2026-11-24T08:00:00Z",
            "endedAt": time.strftime("2026-11-24T08:01:%SZ", time.gmtime(seconds)),
            **fields,
        }
        path = self.work / "outcome.json"
        path.write_text(json.dumps(outcome))
        ended = 1795507260 + seconds  # 2026-11-24T08:01:00Z
        os.utime(path, (ended, ended))

    def run(self, check: bool = False, **more: Any) -> dict[str, Any]:
        given = {
            "outcome": str(self.work / "outcome.json"),
            "log_dir": str(self.logs),
            "work_dir": str(self.work),
            "catalogue": str(CATALOGUE),
            "records_dir": str(self.shared),
            **more,
        }
        return self._run_module(pai_failure_analysis.main, given, check)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.logs / "exit.json").read_bytes())
        return found

    @property
    def message(self) -> dict[str, Any]:
        text = (self.logs / "pai-termination-log").read_bytes()
        assert len(text) <= 4096
        read: dict[str, Any] = yaml.safe_load(text.decode().replace("[PAI", "# "))
        return read

    @property
    def records(self) -> list[str]:
        return sorted(path.name for path in self.shared.rglob("*.json"))


@pytest.fixture(autouse=True)
def _no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", raising=False)
    monkeypatch.delenv("PAI_TERMINATION_GRACE_SECONDS", raising=False)


@pytest.fixture
def tasks(tmp_path: Path, run_module: Run) -> list[Task]:
    return [Task(tmp_path, index, run_module) for index in range(3)]


def test_who_died_in_the_cascade_names_the_first(tasks: list[Task]) -> None:
    first, other, third = tasks
    (first.work / "secrets.json").write_text(json.dumps({"token": SECRET}))
    first.end(ROOT, 1.25)
    other.end(CASCADE, 1.5)
    third.end(CASCADE, 0.5)  # its clock is behind
    for task in tasks:
        task.run()
    assert first.report["firstFailure"] is None
    assert first.report["role"] == "root"
    expected = {
        "task": "worker-0",
        "taskRole": "worker",
        "taskIndex": 0,
        "exitCode": 1,
        "phrase": "PythonValueWrong",
        "category": "python-error",
        "fault": "user",
        "transient": False,
        "role": "root",
        "evidence": "ValueError: bad ******",
        "failedAt": "2026-11-24T08:01:01.250Z",
    }
    for task in (other, third):
        report = task.report
        assert report["firstFailure"] == expected
        assert (report["exitCode"], report["category"]) == (1, "nccl-error")
        assert (report["fault"], report["transient"]) == ("user", False)
        assert task.message["reason"].startswith(
            "worker-0 failed first, with exit code 1 (PythonValueWrong): ValueError: bad ******."
            " This task saw: A connection of Gloo"
        )
        page = (task.logs / "failure.html").read_text()
        assert '<p class="reason">worker-0 failed first, with exit code 1' in page
    everything = b"".join(path.read_bytes() for path in first.shared.rglob("*.json"))
    assert SECRET.encode() not in everything
    assert first.records == ["worker-0.json", "worker-1.json", "worker-2.json"]


def test_four_runs(tasks: list[Task]) -> None:
    first, other, _third = tasks
    first.end(ROOT)
    assert first.run(check=True)["changed"]
    assert first.records == []
    first.run()
    other.end(CASCADE, 0.5)
    assert other.run(check=True)["changed"]
    assert other.records == ["worker-0.json"]
    assert other.run()["actions"] == WRITTEN
    assert other.records == ["worker-0.json", "worker-1.json"]
    assert not other.run(check=True)["changed"]
    again = other.run()
    assert not again["changed"]
    assert other.report["firstFailure"]["task"] == "worker-0"


def test_a_cause_waits_for_nobody(tasks: list[Task]) -> None:
    began = time.monotonic()
    tasks[0].end(ROOT)
    tasks[0].run(check=True)
    alone = time.monotonic() - began
    began = time.monotonic()
    tasks[0].run()
    assert time.monotonic() - began < alone + 1.5
    assert tasks[0].records == ["worker-0.json"]


def test_repeated_later_it_waits_for_nobody_but_looks(tasks: list[Task]) -> None:
    _first, other, third = tasks
    other.end(CASCADE, 0.5)
    began = time.monotonic()
    other.run()
    assert time.monotonic() - began >= 2.0
    assert other.report["firstFailure"] is None
    third.end(ROOT)
    third.run()
    assert other.run()["actions"] == WRITTEN
    assert other.report["firstFailure"]["task"] == "worker-2"


def test_who_is_alone_writes_and_asks_nothing(tmp_path: Path, run_module: Run) -> None:
    task = Task(tmp_path, 0, run_module, tasks=1)
    task.end(CASCADE)
    assert "warnings" not in task.run()
    assert task.records == []
    assert task.report["firstFailure"] is None


def test_a_success_leaves_a_record_and_waits_for_nobody(tasks: list[Task]) -> None:
    tasks[0].end("", code=0)
    assert tasks[0].run()["exit_code"] == 0
    assert tasks[0].records == ["worker-0.json"]
    [path] = tasks[0].shared.rglob("*.json")
    assert json.loads(path.read_text())["exitCode"] == 0


def test_who_is_stopped_names_the_first_and_does_not_wait(tasks: list[Task]) -> None:
    first, other, third = tasks
    third.end("", 0.5, code=143, stopped=True)
    third.run(records_dir=str(third.shared))
    assert third.report["firstFailure"] is None
    first.end(ROOT)
    first.run()
    other.end("", 0.5, code=143, stopped=True)
    other.run()
    assert other.report["firstFailure"]["task"] == "worker-0"
    assert other.report["phrase"] == "ContainerStopRequested"


def test_records_of_an_earlier_run_are_not_taken(tasks: list[Task]) -> None:
    first, other, _third = tasks
    first.end(ROOT)
    first.run()
    other.end(CASCADE, 0.5, startedAt="2026-11-24T08:01:01Z", endedAt="2026-11-24T08:02:00Z")
    other.run()
    assert other.report["firstFailure"] is None


def test_records_of_another_attempt_are_not_taken(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other, third = tasks
    for attempt, task in (("1_uid", first), ("2_uid", other)):
        monkeypatch.setenv("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", attempt)
        task.end(ROOT if task is first else CASCADE, 0.5)
        task.run()
    assert other.report["firstFailure"] is None
    monkeypatch.setenv("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", "1_uid")
    third.end(CASCADE, 0.7)
    third.run()
    assert third.report["firstFailure"]["task"] == "worker-0"


def test_a_directory_that_is_missing_is_a_warning(tasks: list[Task]) -> None:
    missing = str(tasks[0].shared / "none")
    tasks[0].end(ROOT)
    result = tasks[0].run(records_dir=missing)
    assert result["changed"]
    assert warned(result) == [f"exit records not written to {missing}: No such file or directory"]
    tasks[1].end(CASCADE)
    assert warned(tasks[1].run(records_dir=missing)) == [
        f"exit records not written to {missing}: No such file or directory",
        f"exit records not read from {missing}: No such file or directory",
    ]


def test_a_relative_directory_is_a_warning(tasks: list[Task]) -> None:
    tasks[0].end("", code=0)
    told = ["exit records not shared: some/where is not an absolute path"]
    assert warned(tasks[0].run(records_dir="some/where")) == told
    (tasks[1].work / "process_env.nul").write_bytes(b"PAI_EXIT_RECORDS=some/where\0")
    tasks[1].end(CASCADE)
    assert warned(tasks[1].run(records_dir=None)) == told


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"evidence": ["odd"], "role": "no role", "exitCode": 777}, id="no code"),
        pytest.param({"task": "stranger-0"}, id="no task of the job"),
        pytest.param({"task": "worker-1"}, id="the own task"),
        pytest.param({"exitCode": 0}, id="no failure"),
    ],
)
def test_a_first_failure_that_cannot_be_true_is_not_believed(
    tasks: list[Task], wrong: dict[str, Any]
) -> None:
    first, other, _third = tasks
    first.end(ROOT)
    first.run()
    other.end(CASCADE, 0.5)
    other.run()
    right = other.report
    damaged = {**right, "firstFailure": {**right["firstFailure"], **wrong}}
    (other.logs / "exit.json").write_text(json.dumps(damaged))
    other.run()
    assert other.report["firstFailure"] == right["firstFailure"]


def test_what_is_known_of_the_first_is_read_as_a_record_is(tasks: list[Task]) -> None:
    first, other, _third = tasks
    first.end(ROOT)
    first.run()
    other.end(CASCADE, 0.5)
    other.run()
    right = other.report
    (other.work / "secrets.json").write_text(json.dumps({"token": SECRET}))
    odd = {**right["firstFailure"], "evidence": f"{SECRET}\x1b[31m\nmore", "fault": 5, "new": 1}
    (other.logs / "exit.json").write_text(json.dumps({**right, "firstFailure": odd}))
    other.run()
    expected = {**right["firstFailure"], "evidence": "******", "fault": "unknown"}
    assert other.report["firstFailure"] == expected


def test_a_damaged_job_is_no_obstacle(tasks: list[Task]) -> None:
    (tasks[0].work / "job.json").write_text('{"taskRoles": 5}')
    tasks[0].end(CASCADE)
    assert tasks[0].run()["exit_code"] == 1


def test_the_jobs_own_variables_may_name_the_directory(tasks: list[Task]) -> None:
    first, other, _third = tasks
    for task, log in ((first, ROOT), (other, CASCADE)):
        variable = f"PAI_EXIT_RECORDS={task.shared}\0"
        (task.work / "process_env.nul").write_bytes(variable.encode())
        task.end(log, 0.5 * task.index)
        task.run(records_dir=None)
    assert other.report["firstFailure"]["task"] == "worker-0"


@pytest.fixture
def servers() -> Iterator[SshdServers]:
    """Return servers of two peers below a directory in which a task may have its own keys."""
    need_sshd()
    with safe_directory() as directory, SshdServers(directory) as running:
        running.know("worker-1", "worker-2")
        running.start("worker-1")  # the other one has ended
        yield running


def with_ssh(servers: SshdServers, run_module: Run) -> Task:
    """Return the first of three tasks, as the plugin ssh has set it up."""
    task = Task(servers.directory, 0, run_module)
    path = task.work / "job.json"
    document = json.loads(path.read_bytes())
    for peer, port in zip(
        document["taskRoles"][0]["tasks"][1:], servers.ports.values(), strict=True
    ):
        peer.update(host=HOST, ports={"ssh": [port]})
    path.write_text(json.dumps(document))
    (task.work / "ssh").mkdir(mode=0o700)
    shutil.copy(servers.client_configuration, task.work / "ssh" / "ssh_config")
    return task


def test_a_cause_is_pushed_at_once_and_once(servers: SshdServers, run_module: Run) -> None:
    task, peer = with_ssh(servers, run_module), Marks(servers.work_dir("worker-1"), "")
    task.end(ROOT)
    task.run(check=True, records_dir=None)
    assert peer.received() == []
    task.run(records_dir=None)
    [record] = peer.received()
    assert (record.alias, record.role) == ("worker-0", "root")
    assert record.evidence == f"ValueError: bad {SECRET}"  # here it is no secret
    peer.drop("worker-0")
    task.run(records_dir=None)
    assert peer.received() == []


def test_a_peer_that_knows_is_asked(servers: SshdServers, run_module: Run) -> None:
    task, peer = with_ssh(servers, run_module), Marks(servers.work_dir("worker-1"), "")
    first = ExitRecord(
        "worker-2", 9, True, phrase="It", role="root", failed_at="2026-11-24T08:00:30.000Z"
    )
    peer.keep(first)
    task.end(CASCADE)
    assert task.run(records_dir=None)["changed"]
    assert task.message["reason"].startswith("worker-2 failed first, with exit code 9 (It).")
    assert not Marks(task.work, "").told.exists()  # that is left to the end of the plugin


NETWORK = "curl: (7) Failed to connect to 10.0.0.1 port 80: Connection refused\n"


@pytest.mark.parametrize("log", [ROOT, NETWORK], ids=["root", "network"])
def test_all_that_does_not_answer_together_takes_no_longer_than_one(
    run_module: Run, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    with safe_directory() as directory:
        task = Task(directory, 0, run_module)
        (task.work / "ssh").mkdir(mode=0o700)
        (task.work / "ssh" / "ssh_config").touch()
        started = silent_ssh(directory, monkeypatch)
        task.end(log)
        began = time.monotonic()
        task.run(check=True)
        alone = time.monotonic() - began
        with namespace():
            device = mount_fuse(task.shared)
            try:
                began = time.monotonic()
                told = warned(task.run())
                took = time.monotonic() - began
            finally:
                os.close(device)
        assert task.report["role"] == "root"
        assert any(f"not written to {task.shared}: no answer within" in each for each in told)
        assert started.exists()
        assert 1.5 < took < alone + 3.2, (took, alone)


def silent_ssh(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a client first on the PATH that never answers; return the file that says it started."""
    programs = directory / "bin"
    programs.mkdir()
    program = programs / "ssh"
    program.write_text(f"#!/bin/sh\ntouch {directory}/started\nexec sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return directory / "started"
