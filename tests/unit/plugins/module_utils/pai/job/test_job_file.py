"""What a job file must be, and how a wrong one is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.job_file import (
    completion,
    read_job_file,
    resources,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.model import Resources
from tests.unit.jobs import FIXTURES, document, refusal, role

JOB_FILES = sorted((FIXTURES / "jobs").glob("*.yaml"))


def read(job: dict[str, Any]) -> Any:
    return read_job_file(json.dumps(job), "job.yml")


@pytest.mark.parametrize("path", JOB_FILES, ids=lambda path: path.stem)
def test_job_files_that_people_submit_are_accepted(path: Any) -> None:
    assert read_job_file(path.read_bytes(), path.name).roles


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocolVersion": 1}, "job.yml: protocolVersion: 1 is not supported; write 2"),
        (
            {"name": "a b"},
            'job.yml: name: "a b" is not allowed; it must match [a-zA-Z0-9_-]{1,255}',
        ),
        ({"name": "a\n"}, 'job.yml: name: "a\\n" is not allowed; it must match'),
        ({"type": "task"}, 'job.yml: type: "task" is not allowed; write one of job'),
        ({"taskRoles": {}}, "job.yml: taskRoles: {} is not allowed; it must not be empty"),
        ({"taskRoles": {"a\n": role()}}, "job.yml: taskRoles.a\n: 'a\\n' cannot be a name here"),
        ({"taskRoles": {"a-b": role()}}, "job.yml: taskRoles.a-b: 'a-b' cannot be a name here"),
        (
            {"taskRoles": {"w": role(instances="two")}},
            'job.yml: taskRoles.w.instances: "two" is not allowed; write a whole number',
        ),
        (
            {"taskRoles": {"w": role(instances=True)}},
            "job.yml: taskRoles.w.instances: true is not allowed; write a whole number",
        ),
        (
            {"taskRoles": {"w": role(instances=0)}},
            "job.yml: taskRoles.w.instances: 0 is not allowed; write a whole number of at least 1",
        ),
        (
            {"taskRoles": {"w": role(instances=3_000_000_000)}},
            "job.yml: taskRoles.w.instances: 3000000000 is not allowed; write a whole number of",
        ),
        (
            {"taskRoles": {"w": role(comands=[])}},
            "job.yml: taskRoles.w.comands: an unknown key; remove it or write one of: commands,",
        ),
        (
            {"taskRoles": {"w": role(commands=["a", 1])}},
            "job.yml: taskRoles.w.commands[1]: 1 is not allowed; write a text; put it in quotes",
        ),
        (
            {"taskRoles": {"w": {"dockerImage": "image"}}},
            "job.yml: taskRoles.w: the key 'resourcePerInstance' is missing; add it",
        ),
        (
            {"taskRoles": {"w": role(dockerImage="img")}},
            "job.yml: taskRoles.w.dockerImage: 'img' is not the name of a prerequisite of type "
            "dockerimage; define it or correct the name",
        ),
        (
            {"taskRoles": {"w": role(prerequisites=["x"])}},
            "job.yml: taskRoles.w.prerequisites[0]: 'x' is not the name of a prerequisite;",
        ),
        (
            {"taskRoles": {"ps_1": role(), "ps1": role()}},
            "job.yml: taskRoles: 'ps_1' and 'ps1' are both 'ps1' on a PAI cluster; rename one",
        ),
        (
            {"taskRoles": {"___": role()}},
            "job.yml: taskRoles.___: a name without letters or digits",
        ),
        (
            {"defaults": {"deployment": "prod"}},
            "job.yml: defaults.deployment: 'prod' is not the name of a deployment;",
        ),
        (
            {"prerequisites": [{"name": "image", "type": "dockerimage"}] * 2},
            "job.yml: prerequisites[1].name: 'image' is already the name of another prerequisite",
        ),
        (
            {"secrets": ["hunter2-hunter2"]},
            "job.yml: secrets: the value (not shown) is not allowed; write a mapping",
        ),
        ({"colour": 1}, "job.yml: colour: an unknown key; remove it or write one of:"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_value_is_refused_with_its_place_and_the_remedy(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        read(document(**changes))
    assert str(caught.value).startswith(message)
    assert "hunter2" not in str(caught.value)


def test_the_secrets_of_a_plain_file_are_kept_apart() -> None:
    job = read(document(secrets={"token": "t"}))
    assert (job.secrets, "secrets" in job.document) == ({"token": "t"}, False)
    assert read(document(secrets="******")).secrets == {}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, (1, 3)),
        ({}, (1, 3)),
        ({"minFailedInstances": None, "minSucceededInstances": 0}, (1, 3)),
        ({"minFailedInstances": 2, "minSucceededInstances": -1}, (2, -1)),
    ],
)
def test_completion_defaults(policy: Any, expected: tuple[int, int]) -> None:
    assert completion(role(completion=policy), 3) == expected


def test_resources_with_shared_memory() -> None:
    asked = role(extraContainerOptions={"shmMB": 64, "infiniband": True})
    assert resources(asked) == Resources(gpu=1, cpu=4, memory_mb=8192, shm_mb=64)


@st.composite
def damaged_jobs(draw: st.DrawFn) -> dict[str, Any]:
    job = json.loads(json.dumps(document(parameters={"a": [1]}, extras={}, defaults={})))
    node: Any = job
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return job
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], (dict, list)) or draw(st.booleans()):
            node[key] = draw(st.none() | st.booleans() | st.integers() | st.text() | st.just([]))
            return job
        node = node[key]


@given(job=damaged_jobs())
def test_a_damaged_job_is_read_or_refused_in_one_line(job: dict[str, Any]) -> None:
    message = refusal(lambda: read(job))
    assert message.startswith("job.yml: " if message else "")
    assert "\n" not in message


@given(text=st.text() | st.binary())
def test_any_text_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        read_job_file(text, "job.yml")
    assert str(caught.value).startswith("job.yml: ")
    assert "\n" not in str(caught.value)
