"""The two port rules of a PAI cluster, and ports on one machine."""

from __future__ import annotations

import hashlib
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.ports import (
    LOCAL_PORTS,
    PortRule,
    is_free,
    local_ports,
)

LABEL = st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_]{0,8}\Z")


@given(
    uid=st.text(min_size=1, max_size=40),
    label=LABEL,
    count=st.integers(1, 5),
    start=st.integers(1, 40000),
    width=st.integers(1, 20000),
)
def test_hashed_ports_follow_the_formula(
    uid: str, label: str, count: int, start: int, width: int
) -> None:
    ports = {label: {"count": count}}
    spec = {"schedulePortStart": start, "schedulePortEnd": start + width, "ports": ports}
    expected = []
    for k in range(count):
        h = hashlib.md5(f"[{uid}][{label}][{k}]".encode()).hexdigest()
        total = int(h[0:12], 16) + int(h[12:24], 16) + int(h[24:32], 16)
        expected.append(total % width + start)
    assert PortRule(json.dumps(spec), "x").ports(uid, 7) == {label: tuple(expected)}


@given(label=LABEL, start=st.integers(1, 40000), count=st.integers(0, 5), index=st.integers(0, 999))
def test_sequential_ports_give_each_task_a_block(
    label: str, start: int, count: int, index: int
) -> None:
    rule = PortRule(json.dumps({label: {"start": start, "count": count}}), "x")
    expected = tuple(start + count * index + k for k in range(count))
    assert rule.ports(None, index) == {label: expected}


def test_hashed_ports_are_unknown_without_a_pod_uid_and_a_role_may_have_none() -> None:
    hashed = '{"schedulePortStart": 1, "schedulePortEnd": 9, "ports": {"a": {"count": 1}}}'
    assert PortRule(hashed, "x").ports(None, 0) == {}
    assert PortRule(None, "x").ports("uid", 0) == {}


@pytest.mark.parametrize(
    "annotation",
    [
        "{",
        "[]",
        '{"a": 1}',
        '{"a": {"count": 1}}',
        '{"schedulePortStart": 9, "schedulePortEnd": 9, "ports": {}}',
        '{"schedulePortStart": 1}',
        '{"a b;c": {"start": 1, "count": 1}}',
        '{"a": {"start": 1, "count": -2}}',
        '{"a": {"start": -5, "count": 1}}',
        '{"a": {"start": 1, "count": 10000000000}}',
    ],
)
def test_a_broken_annotation_is_refused_with_its_place(annotation: str) -> None:
    with pytest.raises(
        RuntimeConfigError, match=r"^spec: not a port-scheduling spec \(.*\); the Frame"
    ):
        PortRule(annotation, "spec")


@given(
    wanted=st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.integers(0, 9),
            st.dictionaries(LABEL, st.integers(0, 4)),
        ),
        max_size=8,
    ),
    taken=st.sets(st.sampled_from(LOCAL_PORTS), max_size=500),
)
def test_local_ports_are_distinct_free_and_the_same_again(
    wanted: list[tuple[str, int, dict[str, int]]], taken: set[int]
) -> None:
    chosen = local_ports("job", wanted, free=lambda port: port not in taken)
    numbers = [port for task in chosen for ports in task.values() for port in ports]
    assert len(numbers) == len(set(numbers))
    assert not taken & set(numbers)
    assert [{k: len(v) for k, v in task.items()} for task in chosen] == [w[2] for w in wanted]
    assert chosen == local_ports("job", wanted, free=lambda port: port not in taken)


def test_a_machine_without_free_ports_says_so() -> None:
    with pytest.raises(RuntimeConfigError, match="job 'j': no free port left in 10000-32767"):
        local_ports("j", [("a", 0, {"ssh": 1})], free=lambda port: False)


def test_a_port_on_which_a_program_listens_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])
