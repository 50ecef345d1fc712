from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_limits import Limits
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import (
    PASSED,
    Marks,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_peers import (
    Peer,
    find_peers,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_progress import (
    Progress,
    by_cause,
    line,
)
from tests.unit import jobs


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_told_when_it_changes_or_every_30_seconds() -> None:
    clock, said = Clock(), []
    progress = Progress(said.append, clock)
    for second in range(100):
        clock.now = 100.0 + second
        progress.update(1 if second < 10 else 2, 3, {"worker-2": "refused"})
    assert [text[0] for text in said] == ["1", "2", "2", "2"]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(1, "waiting for worker-0 (refused)", id="one name"),
        pytest.param(
            7,
            "waiting for " + "".join(f"worker-{n} (refused), " for n in range(5)) + "2 more",
            id="a handful of names at most",
        ),
    ],
)
def test_a_line_names_few(count: int, expected: str) -> None:
    waiting = {f"worker-{index}": "refused" for index in range(count)}
    assert line(3, 40, waiting) == f"3 of 40 ready; {expected}"


def test_the_last_message_names_up_to_50_per_cause() -> None:
    text = by_cause({f"w-{index}": "dns" for index in range(60)})
    assert text.endswith("w-49, 10 more (dns)")


@given(st.integers(1, 10_000))
def test_delays_stay_between_a_tenth_and_5_seconds(failures: int) -> None:
    assert 0.1 <= Limits(60).delay(failures) <= 5.0


@pytest.mark.parametrize("name", ["plain", 'it\'s $HOME `x` "y"'])
@pytest.mark.parametrize("says_where", [True, False], ids=["peer says where", "same path"])
def test_commands_work_in_a_shell_whatever_the_path(
    tmp_path: Path, name: str, says_where: bool
) -> None:
    work = tmp_path / name
    ours = tmp_path / "elsewhere" if says_where else work
    environment = {"PATH": os.environ["PATH"]}
    if says_where:
        environment["PAI_RUNTIME_WORK_DIR"] = str(work)
    marks, mark = Marks(ours, "uid"), ExitRecord("worker-1", 3, ready=False, attempt="uid")

    def shell(command: str) -> str:
        done = subprocess.run(["sh", "-c", command], env=environment, stdout=-1, check=True)
        return done.stdout.decode()

    there = Marks(work, "uid")
    assert shell(there.answer()) == ""
    shell(marks.push(mark))
    there.write(there.passed, PASSED)
    answer = shell(there.answer())
    assert PASSED in answer
    assert marks.passed_on(answer) == there.received() == [mark]
    assert Marks(ours, "").passed_on(answer) == []


def test_what_is_no_file_among_the_marks_holds_nobody_up(tmp_path: Path) -> None:
    marks = Marks(tmp_path, "uid")
    mark = ExitRecord("worker-1", 1, ready=False, attempt="uid")
    marks.keep(mark)
    folder = tmp_path / "ssh" / "marks"
    os.mkfifo(folder / "worker-2")
    (folder / "worker-3").mkdir()
    (tmp_path / "elsewhere").write_text(
        ExitRecord("worker-4", 1, ready=False, attempt="uid").encode()
    )
    (folder / "worker-4").symlink_to(tmp_path / "elsewhere")
    assert marks.received() == [mark]


def test_marks_of_an_earlier_local_run_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "ssh" / "marks"
    folder.mkdir(parents=True)
    mark = ExitRecord("worker-1", 1, ready=False)
    (folder / "worker-1").write_text(mark.encode())
    assert Marks(tmp_path, "").received() == [mark]
    os.utime(folder / "worker-1", (1000, 1000))
    (tmp_path / "container_env.nul").touch()
    assert Marks(tmp_path, "").received() == []


def barrier_of(role: str, wish: Any = True) -> dict[str, Any]:
    plugin = {"plugin": "ssh", "parameters": {"sshbarrier": wish}, "taskroles": [role]}
    return {"com.microsoft.pai.runtimeplugin": [plugin]}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        pytest.param({"extras": barrier_of("worker")}, True, id="this role waits"),
        pytest.param({"extras": barrier_of("other")}, True, id="another role may wait"),
        pytest.param({"extras": barrier_of("worker", "<% $parameters.x %>")}, True, id="rendered"),
        pytest.param({"extras": barrier_of("worker", "false")}, False, id="no, as a text"),
        pytest.param({"extras": barrier_of("worker", False)}, False, id="no"),
        pytest.param({}, False, id="no plugin"),
        pytest.param(
            {"prerequisites": [{"name": "a", "plugin": "x", "sshbarrier": True}]},
            True,
            id="as a prerequisite",
        ),
    ],
)
def test_the_end_is_told_where_somebody_may_wait(
    tmp_path: Path, keys: dict[str, Any], told: bool
) -> None:
    document = jobs.document(extras=keys.get("extras", {}))
    document["prerequisites"] += keys.get("prerequisites", [])
    object_ = jobs.framework(2, {"ssh": 1}, document)
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=1))
    assert bool(found.tell) is told
    assert [peer.alias for peer in found.near] == ["worker-0"]  # of a failure in any case


def test_peers_are_the_other_tasks_that_can_be_reached(tmp_path: Path) -> None:
    object_ = jobs.framework(4, {"ssh": 1}, jobs.document(extras=barrier_of("worker")))
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=2))
    assert not found.is_first
    assert (found.own.alias, found.first.alias) == ("worker-2", "worker-0")
    assert [peer.alias for peer in found.others] == ["worker-0", "worker-1", "worker-3"]
    assert [peer.alias for peer in found.tell] == ["worker-0", "worker-1", "worker-3"]
    assert found.others[0].host == "10.0.0.0"
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("index", "near", "asked"),
    [
        (0, ["worker-1", "worker-3"], ["worker-1"]),
        (2, ["worker-0", "worker-1", "worker-3"], ["worker-0", "worker-1"]),
    ],
)
def test_who_is_told_of_a_failure_and_who_is_asked(
    tmp_path: Path, index: int, near: list[str], asked: list[str]
) -> None:
    object_ = jobs.framework(4, {"ssh": 1})
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=index))
    assert sorted(peer.alias for peer in found.near) == near
    assert [peer.alias for peer in found.ask] == asked


def test_a_task_without_an_ssh_port_is_left_out(tmp_path: Path) -> None:
    object_ = jobs.framework(2, {"http": 1})
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=0))
    assert found.is_first
    assert found.others == found.tell == found.near == found.ask == ()
    assert found.left_out == (Peer("worker-1", missing="it has no port ssh"),)


def test_a_task_whose_host_is_unknown_is_left_out(tmp_path: Path) -> None:
    object_ = jobs.framework(2, {"ssh": 1})
    status = object_["status"]["attemptStatus"]["taskRoleStatuses"][0]["taskStatuses"][1]
    for key in ("podHostIP", "podIP"):
        status["attemptStatus"][key] = None
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=0))
    assert found.left_out == (Peer("worker-1", missing="its host is not known"),)


def test_without_gang_allocation_nobody_is_waited_for(tmp_path: Path) -> None:
    job = jobs.document(extras={"gangAllocation": False})
    object_ = jobs.framework(2, {"ssh": 1}, job)
    found = find_peers(jobs.load(tmp_path, framework_object=object_, role="worker", index=0))
    reason = "without gang allocation tasks do not start together"
    assert found.left_out == (Peer("worker-1", missing=reason),)
    assert found.others == found.tell == found.near == found.ask == ()
