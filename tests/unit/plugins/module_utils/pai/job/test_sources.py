"""Where a job comes from: job file, Framework, environment."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job import codec
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.sources import (
    Inputs,
    load_job,
)
from tests.unit.jobs import FIXTURES, document, framework, load, refusal, role


def real(**changes: Any) -> Inputs:
    values: dict[str, Any] = {
        "job_file": None,
        "framework": FIXTURES / "framework.json",
        "secrets": None,
        "role": None,
        "index": None,
        "work_dir": "/data",
    }
    return Inputs(**{**values, **changes})


def test_a_real_framework_gives_the_ports_that_its_pods_had() -> None:
    job = load_job(real(), {})
    first, second = job.task_roles
    assert job.name == "test_user~test"
    assert first.tasks[0].ports == {
        "tcp": (29877, 22353, 29076),
        "udp": (31903, 33486, 35953),
        "ssh": (39080,),
        "http": (30643,),
    }
    assert second.tasks[0].host == "10.151.41.9"
    assert second.tasks[0].ports["mpi"] == (20966, 21891)


@pytest.mark.parametrize("name", ["taskrole_1", "taskrole1"])
def test_a_role_is_found_by_the_job_files_and_by_the_frameworks_name(name: str) -> None:
    job = load_job(real(), {"FC_TASKROLE_NAME": name, "FC_TASK_INDEX": "0"})
    assert (job.current_role, job.role.framework_name) == ("taskrole_1", "taskrole1")


def test_the_pod_knows_its_own_uid_better_than_an_old_framework(tmp_path: Path) -> None:
    place = {"FC_TASKROLE_NAME": "worker", "FC_TASK_INDEX": "1", "FC_POD_UID": "new"}
    job = load(tmp_path, framework_object=framework(2, {"ssh": 1}), environment=place)
    older = load(tmp_path, framework_object=framework(2, {"ssh": 1}))
    assert job.task.ports != older.task_roles[0].tasks[1].ports
    assert job.task_roles[0].tasks[0].ports == older.task_roles[0].tasks[0].ports


@given(tasks=st.integers(1, 30), counts=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)))
def test_compressed_statuses_say_the_same_as_plain_ones(
    tmp_path_factory: pytest.TempPathFactory, tasks: int, counts: dict[str, int]
) -> None:
    directory = tmp_path_factory.mktemp("job")
    plain = load(directory, framework_object=framework(tasks, counts))
    assert load(directory, framework_object=framework(tasks, counts, packed=True)) == plain
    assert codec.decode(codec.encode(plain), "job.json") == plain


def test_ten_thousand_tasks_are_a_normal_input(tmp_path: Path) -> None:
    job = load(tmp_path, framework_object=framework(10_000, {"ssh": 1, "http": 1}, packed=True))
    assert len(job.task_roles[0].tasks) == 10_000
    assert all(task.host and task.ports["ssh"] for _role, task in job.tasks())


def test_what_a_framework_does_not_know_yet_is_left_out(tmp_path: Path) -> None:
    young = framework(2, {"ssh": 1})
    young["status"] = None
    job = load(tmp_path, framework_object=young)
    assert [(task.host, task.ports) for _role, task in job.tasks()] == [(None, {}), (None, {})]


def test_without_a_framework_every_task_is_on_this_machine_with_ports_of_its_own(
    tmp_path: Path,
) -> None:
    worker = role(instances=50)
    worker["resourcePerInstance"]["ports"] = {"mpi": 2}
    job = load(tmp_path, document(taskRoles={"worker": worker, "ps": role()}))
    numbers = [
        port for _role, task in job.tasks() for ports in task.ports.values() for port in ports
    ]
    assert list(job.task.ports) == ["mpi", "ssh", "http"]
    assert len(numbers) == len(set(numbers)) == 50 * 4 + 2 * 2
    assert {task.host for _role, task in job.tasks()} == {"127.0.0.1"}


def test_ports_chosen_once_are_kept_by_the_next_start_and_by_other_tasks(tmp_path: Path) -> None:
    job = load(tmp_path, document())
    moved = json.loads(codec.encode(job))
    moved["taskRoles"][0]["tasks"][0]["ports"]["ssh"] = [4242]
    known = tmp_path / "job.json"
    known.write_text(json.dumps(moved))
    again = load(tmp_path, document(), index=1, known=(tmp_path / "missing.json", known))
    assert again.task_roles[0].tasks[0].ports["ssh"] == (4242,)
    for changes in ({"taskRoles": {"other": role()}}, {"name": "other"}):
        other = load(tmp_path, document(**changes), known=(known,))
        assert other.task.ports["ssh"] != (4242,)


def test_a_container_with_a_command_only_is_a_job_of_one_task(tmp_path: Path) -> None:
    job = load(tmp_path, environment={"PAI_JOB_NAME": "adhoc", "PAI_USER_NAME": "bob"})
    assert (job.name, job.user, job.current_role, job.current_index) == (
        "adhoc",
        "bob",
        "taskrole",
        0,
    )


def test_secrets_come_from_their_file_and_are_not_part_of_what_is_handed_on(tmp_path: Path) -> None:
    job = load(tmp_path, document(secrets="******"), secrets={"token": "hunter2-hunter2"})
    assert job.secrets == {"token": "hunter2-hunter2"}
    assert "hunter2" not in codec.encode(job) + repr(job)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "ps"}, "task role 'ps' is not one of the job's (worker); name one of these"),
        (
            {"index": 2},
            "task index 2 of task role 'worker': the role has 2 tasks; give an index from 0 to 1",
        ),
        (
            {"environment": {"FC_TASK_INDEX": "x"}},
            "environment variable FC_TASK_INDEX: 'x' is not a task index; write a whole number",
        ),
        (
            {"secrets": ["a"]},
            "secrets.yml: not a mapping; write one 'name: value' line per secret",
        ),
    ],
)
def test_what_contradicts_the_job_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        load(tmp_path, document(), **changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("count", "twice", "problem"),
    [(10**10, 1, "10000000000 tasks"), (-1, 1, "-1 tasks"), (2, 2, "a second role of this name")],
)
def test_a_framework_that_cannot_be_is_refused(
    tmp_path: Path, count: int, twice: int, problem: str
) -> None:
    wrong = framework(2, {"ssh": 1})
    wrong["spec"]["taskRoles"][0]["taskNumber"] = count
    wrong["spec"]["taskRoles"] *= twice
    with pytest.raises(
        RuntimeConfigError, match=rf"\(worker\): {problem}; fetch the Framework again"
    ):
        load(tmp_path, document(), wrong)


def test_a_role_inherited_from_another_job_does_not_count(tmp_path: Path) -> None:
    outer = {"PAI_CURRENT_TASK_ROLE_NAME": "trainer", "PAI_TASK_INDEX": "7"}
    job = load(tmp_path, document(), environment=outer)
    assert (job.current_role, job.current_index) == ("worker", 0)
    outer["PAI_CURRENT_TASK_ROLE_NAME"] = "worker"
    outer["PAI_TASK_INDEX"] = "1"
    assert load(tmp_path, document(), environment=outer).current_index == 1


def test_a_port_that_is_taken_by_now_is_chosen_anew(tmp_path: Path) -> None:
    job = load(tmp_path, document())
    with socket.create_server(("", 0)) as server:
        taken = server.getsockname()[1]
        moved = json.loads(codec.encode(job))
        moved["taskRoles"][0]["tasks"][0]["ports"]["ssh"] = [taken]
        earlier = tmp_path / "job.earlier.json"
        earlier.write_text(json.dumps(moved))
        again = load(tmp_path, document(), known=(tmp_path / "job.json", earlier))
        assert again.task.ports["ssh"] != (taken,)
        ours = load(tmp_path, document(), known=(earlier,))
        assert ours.task.ports["ssh"] == (taken,)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeConfigError, match=r"nowhere\.yml: No such file or directory; give the path"
    ):
        load_job(real(framework=None, job_file=tmp_path / "nowhere.yml"), {})


def test_a_job_file_and_a_framework_of_different_jobs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        load(tmp_path, document(taskRoles={"ps": role()}), framework(2, {}))
    assert (
        "do not belong together: task roles only in the job file: ps; only in the Framework: worker"
        in str(caught.value)
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@st.composite
def broken_frameworks(draw: st.DrawFn) -> bytes:
    """A real Framework with one value somewhere replaced, or bytes that are nothing at all."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=60))
    value = framework(2, {"ssh": 1}, packed=draw(st.booleans()))
    node: Any = value
    for _level in range(draw(st.integers(1, 7))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], (dict, list)) or draw(st.integers(0, 3)) == 0:
            node[key] = draw(JSON)
            break
        node = node[key]
    return json.dumps(value).encode()


@given(data=broken_frameworks())
def test_a_broken_framework_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("job") / "framework.json"
    path.write_bytes(data)
    assert "\n" not in refusal(lambda: load_job(real(framework=path), {}))
