from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job import codec
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import Marks
from ansible_collections.openpai.runtime.plugins.modules import pai_ssh_barrier
from tests.unit import jobs
from tests.unit.sshd_servers import HOST, SSHD, SshdServers

Result = dict[str, Any]
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs sshd (Debian: openssh-server)")


class Task:
    """One task of a job of three workers, whose peers are servers on the loopback."""

    def __init__(
        self,
        directory: Path,
        run_module: Callable[..., Result],
        ports: list[int],
        barrier: bool = True,
    ) -> None:
        self.work_dir, self.log_dir = directory / "work", directory / "logs"
        for folder in (self.work_dir / "ssh", self.log_dir):
            folder.mkdir(parents=True)
        self._run_module = run_module
        plugin = {"plugin": "ssh", "parameters": {"jobssh": True, "sshbarrier": barrier}}
        given = jobs.document(
            taskRoles={"worker": jobs.role(instances=3)},
            extras={"com.microsoft.pai.runtimeplugin": [plugin]},
        )
        placed = jobs.framework(3, {"ssh": 1}, given)
        job = jobs.load(directory, framework_object=placed, index=0)
        document = json.loads(codec.encode(job))
        for task, port in zip(document["taskRoles"][0]["tasks"], ports, strict=True):
            task.update(host=HOST, ports={"ssh": [port]} if port else {})
        (self.work_dir / "job.json").write_text(json.dumps(document))

    def run(self, check: bool = False, **options: Any) -> Result:
        given = {"work_dir": str(self.work_dir), "log_dir": str(self.log_dir), **options}
        return self._run_module(pai_ssh_barrier.main, given, check=check)

    @property
    def log(self) -> str:
        path = self.log_dir / "runtime.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture(autouse=True)
def _no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_LOG_PIPE", "FC_FRAMEWORK_ATTEMPT_INSTANCE_UID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[SshdServers]:
    with SshdServers(tmp_path) as running:
        running.know("worker-1", "worker-2")
        yield running


@needs_sshd
def test_four_runs(servers: SshdServers, tmp_path: Path, run_module: Callable[..., Result]) -> None:
    servers.start("worker-1", "worker-2")
    task = Task(tmp_path / "own", run_module, [1, *servers.ports.values()])
    config = {"ssh_config": str(servers.client_configuration)}
    first = task.run(check=True, **config)
    assert (first["changed"], first["actions"]) == (True, ["wait for 2 other tasks"])
    assert task.log == ""
    assert not (task.work_dir / "state").exists()
    second = task.run(**config)
    assert (second["changed"], second["actions"]) == (True, first["actions"])
    assert "ssh barrier: all 2 other tasks are ready after" in task.log
    for check in (True, False):
        again = task.run(check=check, **config)
        assert (again["changed"], again["actions"]) == (False, [])


@needs_sshd
def test_at_the_deadline_it_fails_with_249_and_the_names(
    servers: SshdServers, tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    servers.start("worker-1")
    task = Task(tmp_path / "own", run_module, [1, *servers.ports.values()])
    result = task.run(ssh_config=str(servers.client_configuration), timeout=0.03)
    assert result["failed"]
    assert result["exit_code"] == 249
    assert "after 0.03 minutes; waited in vain for worker-2 (refused); look into" in result["msg"]
    assert not (task.work_dir / "state").exists()


@needs_sshd
def test_an_end_is_told_once(
    servers: SshdServers, tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    servers.start("worker-1")
    task = Task(tmp_path / "own", run_module, [1, *servers.ports.values()])
    (task.work_dir / "outcome.json").write_text('{"exitCode": 3}')
    options = {"state": "ended", "ssh_config": str(servers.client_configuration)}
    expected = "tell worker-2, worker-1 that worker-0 has ended (exit code 3)"
    assert task.run(check=True, **options)["actions"] == [expected]
    done = task.run(**options)
    assert done["actions"] == ["tell worker-1 that worker-0 has ended (exit code 3)"]
    [mark] = Marks(servers.work_dir("worker-1"), "").received()
    assert (mark.alias, mark.exit_code, mark.ready) == ("worker-0", 3, False)
    assert task.run(**options)["changed"] is False


def test_a_cause_that_was_told_before_leaves_no_mark_here(
    tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    task = Task(tmp_path / "own", run_module, [1, 2, 3])
    (task.work_dir / "outcome.json").write_text('{"exitCode": 3}')
    marks = Marks(task.work_dir, "")
    mark = ExitRecord("worker-0", 3, ready=True)
    marks.keep(mark)
    marks.write(marks.told, str(mark))
    assert task.run(check=True, state="ended")["changed"] is False
    assert marks.received() == [mark]
    assert task.run(state="ended")["changed"] is False
    assert marks.received() == []


REPORT = {
    "startedAt": "2026-11-24T08:00:00Z",
    "taskRole": "worker",
    "taskIndex": 0,
    "exitCode": 77,
    "role": "root",
    "phrase": "PythonValueWrong",
    "matchedUserLogString": "ValueError: bad batch",
}


@needs_sshd
@pytest.mark.parametrize(
    ("report", "code", "evidence"),
    [
        pytest.param(REPORT, 77, "ValueError: bad batch", id="of this run"),
        pytest.param({**REPORT, "startedAt": "earlier"}, 3, "", id="of an earlier run"),
        pytest.param(None, 3, "", id="not written"),
    ],
)
def test_a_failure_is_told_as_exit_json_says_it_also_where_nobody_waits(
    servers: SshdServers,
    tmp_path: Path,
    run_module: Callable[..., Result],
    report: Result | None,
    code: int,
    evidence: str,
) -> None:
    servers.start("worker-1")
    ports = [1, *servers.ports.values()]
    task = Task(tmp_path / "own", run_module, ports, barrier=False)
    outcome = {"exitCode": 3, "startedAt": REPORT["startedAt"], "endedAt": "2026-11-24T08:01:00Z"}
    (task.work_dir / "outcome.json").write_text(json.dumps(outcome))
    os.utime(task.work_dir / "outcome.json", (1000, 1000))
    if report:
        (task.log_dir / "exit.json").write_text(json.dumps(report))
    own = task.work_dir / "ssh" / "marks" / "worker-0"
    own.parent.mkdir()
    own.touch()
    task.run(state="ended", ssh_config=str(servers.client_configuration))
    [mark] = Marks(servers.work_dir("worker-1"), "").received()
    assert (mark.alias, mark.exit_code, mark.evidence) == ("worker-0", code, evidence)
    assert mark.failed_at == "2026-11-24T08:01:00.000Z"
    assert not own.exists()  # what this task said of its end while it could still be asked


@needs_sshd
def test_a_success_is_not_told_where_nobody_waits(
    servers: SshdServers, tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    servers.start("worker-1")
    ports = [1, *servers.ports.values()]
    task = Task(tmp_path / "own", run_module, ports, barrier=False)
    (task.work_dir / "outcome.json").write_text('{"exitCode": 0}')
    done = task.run(state="ended", ssh_config=str(servers.client_configuration))
    assert not done["changed"]
    assert Marks(servers.work_dir("worker-1"), "").received() == []


def test_peers_without_a_port_are_left_out(
    tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    task = Task(tmp_path / "own", run_module, [1, 0, 0])
    result = task.run()
    reasons = ["worker-1: it has no port ssh", "worker-2: it has no port ssh"]
    assert (result["changed"], result["left_out"]) == (False, reasons)
    assert task.log == "ssh barrier: left out: worker-1, worker-2 (it has no port ssh)\n"


def test_in_check_mode_a_fresh_container_has_no_job_yet(
    tmp_path: Path, run_module: Callable[..., Result]
) -> None:
    given = {"work_dir": str(tmp_path), "log_dir": str(tmp_path)}
    result = run_module(pai_ssh_barrier.main, given, check=True)
    assert result["actions"] == ["wait for the other tasks, once job.json is written"]
    assert list(tmp_path.iterdir()) == []


def test_without_ssh_it_says_what_to_install(
    tmp_path: Path, run_module: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(tmp_path / "own", run_module, [1, 2, 3])
    monkeypatch.setenv("PATH", str(tmp_path))
    result = task.run()
    assert result["msg"].startswith("ssh is not on the PATH of the image; install the OpenSSH")
