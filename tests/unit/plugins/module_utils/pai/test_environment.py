"""Names and values of the variables, and which of them a process gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.environment import (
    fixed_variables,
    task_variables,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.environment_budget import (
    LONGEST_STRING,
    budget,
    size,
    split,
)
from tests.unit.jobs import FIXTURES, document, framework, load, role


def real(role_name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return (fixed, per-task) variables of the finished job in the fixtures."""
    job = load(
        Path(),
        framework=FIXTURES / "framework.json",
        environment={"FC_TASKROLE_NAME": role_name, "FC_TASK_INDEX": "0"},
    )
    return fixed_variables(job), dict(item for items in task_variables(job) for item in items)


def test_a_real_task_gets_every_variable_of_the_contract() -> None:
    fixed, tasks = real("taskrole")
    assert fixed == {
        "PAI_JOB_NAME": "test_user~test",
        "PAI_FRAMEWORK_NAME": "test_user~test",
        "PAI_USER_NAME": "test_user",
        "PAI_USERNAME": "test_user",
        "PAI_VIRTUAL_CLUSTER": "default",
        "PAI_DEFAULT_FS_URI": "",
        "PAI_TASK_ROLE_COUNT": "2",
        "PAI_TASK_ROLES_NUM": "2",
        "PAI_JOB_TASK_ROLE_COUNT": "2",
        "PAI_TASK_ROLE_LIST": "taskrole,taskrole_1",
        "PAI_JOB_TASK_ROLE_LIST": "taskrole,taskrole_1",
        "PAI_TASKS_NUM": "2",
        "PAI_JOB_TASK_COUNT": "2",
        "PAI_TASK_ROLE_INSTANCES": "taskrole:0,taskrole1:0",
        "PAI_TASK_ROLE_TASK_COUNT_taskrole": "1",
        "PAI_TASK_ROLE_TASK_COUNT_taskrole_1": "1",
        "PAI_RESOURCE_taskrole": "1,4,8192,0",
        "PAI_RESOURCE_taskrole_1": "1,4,8192,0",
        "PAI_MIN_FAILED_TASK_COUNT_taskrole": "1",
        "PAI_MIN_FAILED_TASK_COUNT_taskrole_1": "1",
        "PAI_MIN_SUCCEEDED_TASK_COUNT_taskrole": "-1",
        "PAI_MIN_SUCCEEDED_TASK_COUNT_taskrole_1": "-1",
        "PAI_TASK_ROLE_taskrole_HOST_LIST": "10.151.41.8:30643",
        "PAI_TASK_ROLE_taskrole_1_HOST_LIST": "10.151.41.9:36213",
        "PAI_TASK_ROLE_taskrole1_HOST_LIST": "10.151.41.9:36213",
        "PAI_CURRENT_TASK_ROLE_NAME": "taskrole",
        "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX": "0",
        "PAI_TASK_INDEX": "0",
        "PAI_WORK_DIR": "/data",
        "PAI_CURRENT_CONTAINER_IP": "10.151.41.8",
        "PAI_CONTAINER_HOST_IP": "10.151.41.8",
        "PAI_CURRENT_CONTAINER_PORT": "30643",
        "PAI_CONTAINER_HOST_PORT": "30643",
        "PAI_CONTAINER_SSH_PORT": "39080",
        "PAI_CONTAINER_HOST_tcp_PORT_LIST": "29877,22353,29076",
        "PAI_CONTAINER_HOST_udp_PORT_LIST": "31903,33486,35953",
        "PAI_CONTAINER_HOST_ssh_PORT_LIST": "39080",
        "PAI_CONTAINER_HOST_http_PORT_LIST": "30643",
        "PAI_CONTAINER_HOST_PORT_LIST": (
            "tcp:29877,22353,29076;udp:31903,33486,35953;ssh:39080;http:30643;"
        ),
    }
    expected = {
        "PAI_HOST_IP_taskrole_0": "10.151.41.8",
        "PAI_PORT_LIST_taskrole_0_tcp": "29877,22353,29076",
        "PAI_taskrole_0_tcp_PORT": "29877,22353,29076",
        "PAI_HOST_IP_taskrole_1_0": "10.151.41.9",
        "PAI_HOST_IP_taskrole1_0": "10.151.41.9",
        "PAI_taskrole1_0_mpi_PORT": "20966,21891",
        "PAI_taskrole_1_0_mpi_PORT": "20966,21891",
    }
    assert expected.items() <= tasks.items()
    assert len(tasks) == (1 + 2 * 4) + 2 * (1 + 2 * 4)


def test_the_second_role_of_the_real_job() -> None:
    fixed, _tasks = real("taskrole1")
    assert fixed["PAI_CURRENT_TASK_ROLE_NAME"] == "taskrole_1"
    assert fixed["PAI_CONTAINER_SSH_PORT"] == "26411"
    assert fixed["PAI_CONTAINER_HOST_PORT"] == "36213"


def test_what_is_not_known_is_left_out_and_never_the_text_none(tmp_path: Path) -> None:
    young = framework(2, {"mpi": 1})
    young["status"] = None
    job = load(tmp_path, framework_object=young)
    fixed, tasks = fixed_variables(job), [item for items in task_variables(job) for item in items]
    assert tasks == []
    assert "None" not in str(fixed)
    assert not [name for name in fixed if name.endswith("_IP") or "HOST_LIST" in name]
    assert fixed["PAI_CONTAINER_HOST_PORT_LIST"] == ""


def test_the_current_tasks_variables_come_first(tmp_path: Path) -> None:
    job = load(tmp_path, document(taskRoles={"a": role(), "b": role()}), role="b", index=1)
    assert next(task_variables(job))[0] == ("PAI_HOST_IP_b_1", "127.0.0.1")


@pytest.mark.parametrize(
    ("stack", "expected"),
    [(8 * 2**20, 2**20), (-1, 3 * 2**20), (2**20, 2**17), (4096, 2**16)],
    ids=["usual", "unlimited", "small", "below the kernel's least"],
)
def test_the_budget_is_half_of_what_the_kernel_gives(stack: int, expected: int) -> None:
    assert budget(stack) == expected


VARIABLES = st.dictionaries(st.from_regex(r"\A[A-Z]{1,6}\Z"), st.text(max_size=30), max_size=8)


@given(
    fixed=VARIABLES,
    tasks=st.lists(VARIABLES, max_size=6),
    container=VARIABLES,
    limit=st.integers(0, 999),
    most=st.integers(0, 40),
)
def test_whole_tasks_are_exported_in_order_while_they_fit(
    fixed: dict[str, str],
    tasks: list[dict[str, str]],
    container: dict[str, str],
    limit: int,
    most: int,
) -> None:
    tasks = [
        {f"T{i}_{name}": value for name, value in task.items()} for i, task in enumerate(tasks)
    ]
    parts = split(fixed, (list(task.items()) for task in tasks), container, limit, most)
    everything = {**fixed, **{k: v for task in tasks for k, v in task.items()}}
    assert {**parts.exported, **parts.left_out} == everything
    assert fixed.items() <= parts.exported.items()
    whole = [bool(task) and set(task) <= set(parts.exported) for task in tasks if task]
    assert whole == sorted(whole, reverse=True)
    if any(whole):
        assert len({**container, **parts.exported}) <= most
        assert sum(size(*item) for item in {**container, **parts.exported}.items()) <= limit


def test_a_string_that_the_kernel_refuses_stays_in_the_files() -> None:
    fits = "x" * (LONGEST_STRING - len("A=") - 1)
    parts = split({"A": fits, "B": fits + "x"}, [], {}, 2**30)
    assert (set(parts.exported), set(parts.left_out)) == ({"A"}, {"B"})
