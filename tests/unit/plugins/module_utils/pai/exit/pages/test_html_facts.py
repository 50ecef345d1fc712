"""Facts as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.pages import html_facts

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(None, [], id="unknown"),
        pytest.param({"waitedSeconds": 12}, [("waited", "12 s")], id="one value"),
        pytest.param(
            {"quietSeconds": 12}, [("without output before the end", "12 s")], id="in words"
        ),
        pytest.param(
            {"memory": {"limitBytes": 3 << 30, "peakBytes": 1536, "usedBytes": 7, "oomKills": 2}},
            [("memory", "limit 3.0 GiB, peak 1.5 KiB, used 7 B, oom kills 2")],
            id="a group with its units",
        ),
        pytest.param({"gpus": {"memoryUsedMiB": 9}}, [("gpus", "memory used 9 MiB")], id="MiB"),
        pytest.param({"memory": {"limitBytes": None}}, [], id="nothing known of a group"),
        pytest.param(
            {"disks": [{"path": "/w", "full": True}, {"path": "/dev/shm", "full": False}]},
            [("disks: /w", "full yes"), ("disks: /dev/shm", "full no")],
            id="a list of groups",
        ),
        pytest.param(
            {"gpus": [{"index": 0, "ecc": {"volatile": 1}, "pids": [4, 5]}]},
            [("gpus: 0", "pids 4, 5"), ("gpus: 0: ecc", "volatile 1")],
            id="groups in groups",
        ),
        pytest.param({"sizeBytes": 5 << 60}, [("size", "5120.0 PiB")], id="the largest unit"),
    ],
)
def test_rows(facts: object, expected: list[tuple[str, str]]) -> None:
    assert html_facts.rows(facts) == expected


@given(NESTED)
def test_any_facts_give_rows_of_text(facts: object) -> None:
    for name, text in html_facts.rows(facts):
        assert isinstance(name, str)
        assert text
