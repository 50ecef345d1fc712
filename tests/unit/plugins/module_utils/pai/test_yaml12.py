"""YAML as JavaScript reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.yaml12 import load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("0x1f", 31),
        ("0o17", 15),
        ("017", 17),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-11-24", "2026-11-24"),
        ("-.inf", float("-inf")),
        ("1: a", {"1": "a"}),
        ("true: a", {"true": "a"}),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ],
)
def test_scalars_are_read_by_the_core_schema(text: str, expected: Any) -> None:
    value = load(text, "f")
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\na: 2",
            "f: line 2, column 1: the key 'a' stands here a second time; correct the YAML",
        ),
        ("a: [1", "f: line 2, column 1: did not find expected"),
        ("? [a]\n: 1", "f: line 1, column 3: a key must be plain text, not a list or mapping"),
        (
            "a: !!python/object:os.system x",
            "f: line 1, column 4: could not determine a constructor",
        ),
        ("a: !!timestamp 2020-01-01", "f: line 1, column 4: could not determine a constructor"),
        ("a: !!binary aGk=", "f: line 1, column 4: could not determine a constructor"),
        ("a: !!set {b}", "f: line 1, column 4: could not determine a constructor"),
        ("[" * 100_000, "f: more than 100 lists and mappings inside each other; write it flatter"),
        ("\x00", "f: not valid YAML: "),
        (b"\xff\xfe\xfa", "f: not valid YAML: "),
        ("a: &x [*x]", "f: line 1, column 4: found unconstructable recursive node"),
        (
            "\n".join(
                ["a0: &a0 [1, 1]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
            ),
            "f: more than 1000000 values once its aliases are followed",
        ),
    ],
    ids=[
        "duplicate",
        "open",
        "complex key",
        "tag",
        "timestamp",
        "binary",
        "set",
        "deep",
        "zero",
        "bytes",
        "endless",
        "multiplying",
    ],
)
def test_what_is_refused_names_the_line(text: str | bytes, message: str) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        load(text, "f")
    assert str(caught.value).startswith(message)


TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]) | st.sampled_from("\n\t\0"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    )
)
def test_json_is_yaml(value: Any) -> None:
    assert load(json.dumps(value, ensure_ascii=False), "f") == value
