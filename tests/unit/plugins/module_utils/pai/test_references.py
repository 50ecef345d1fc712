"""References of the job protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.filter.pai_render import pai_render
from ansible_collections.openpai.runtime.plugins.module_utils.pai.references import (
    context,
    render,
    uses_secrets,
)
from tests.unit.jobs import document, load, role

VALUES: dict[str, Any] = {
    "parameters": {
        "n": 3,
        "f": 0.5,
        "small": 1e-5,
        "tiny": 1e-7,
        "large": 1e21,
        "half": 1.5e20,
        "yes": True,
        "no": False,
        "list": [1, "b", True],
        "null": None,
        "map": {"a": {"b": "deep"}},
        "markup": "<b>&'\"</b> {{ 7*7 }}",
        "chain": "<% $parameters.n %>",
        "dash-ed": "d",
    },
    "data": {"uri": ["first", "second"]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<% $parameters.n %>", "3"),
        ("<%$parameters.n%>", "3"),
        ("<%   $parameters . n  %>", "3"),
        ("a <% $parameters.f %> b", "a 0.5 b"),
        ("<% $parameters.yes %><% $parameters.no %>", "truefalse"),
        ("<% $parameters.small %> <% $parameters.tiny %>", "0.00001 1e-7"),
        ("<% $parameters.half %> <% $parameters.large %>", "150000000000000000000 1e+21"),
        ("<% $parameters.list %>", "1,b,true"),
        ("<% $parameters.list[1] %>", "b"),
        ("<% $parameters.map.a.b %>", "deep"),
        ("<% $parameters.dash-ed %>", "d"),
        ("<% $data.uri[0] %> <% $data.uri.1 %>", "first second"),
        ("<% $parameters.markup %>", "<b>&'\"</b> {{ 7*7 }}"),
        ("<% $parameters.chain %>", "<% $parameters.n %>"),
        ("<% $parameters.null %>", "<% $parameters.null %>"),
        ("<% $parameters.map %>", "<% $parameters.map %>"),
        ("<% $parameters.unknown %>", "<% $parameters.unknown %>"),
        ("<% $data.uri[9] %>", "<% $data.uri[9] %>"),
        ("<% $secrets.x %>", "<% $secrets.x %>"),
        ("<% $other.x %>", "<% $other.x %>"),
        ("<% $parameters %>", "<% $parameters %>"),
        ("<% parameters.n %>", "<% parameters.n %>"),
    ],
)
def test_references(text: str, expected: str) -> None:
    assert render(text, VALUES) == expected
    assert pai_render(text, VALUES) == expected


@given(text=st.text(st.sampled_from("<% $parameters.n[0] %>\n{}x")))
def test_text_around_references_is_never_touched(text: str) -> None:
    assert render(text, {}) == text


@given(value=st.text(), before=st.text(), after=st.text())
def test_values_are_put_in_verbatim(value: str, before: str, after: str) -> None:
    text = f"{before.replace('<', '')}<% $parameters.v %>{after.replace('<', '')}"
    expected = f"{before.replace('<', '')}{value}{after.replace('<', '')}"
    assert render(text, {"parameters": {"v": value}}) == expected


def test_data_script_and_output_are_the_prerequisites_that_the_role_names(tmp_path: Path) -> None:
    prerequisites = [
        {"name": "image", "type": "dockerimage"},
        {"name": "x", "type": "data", "uri": ["hdfs://x"]},
        {"name": "x", "type": "script", "uri": "x.sh"},
        {"name": "y", "type": "data", "uri": ["hdfs://y"]},
    ]
    roles = {"worker": role(data="y", script="x")}
    values = context(load(tmp_path, document(prerequisites=prerequisites, taskRoles=roles)))
    text = "<% $data.uri[0] %> <% $script.uri %> <% $script.name %> <% $output.uri %>"
    assert render(text, values) == "hdfs://y x.sh x <% $output.uri %>"


@pytest.mark.parametrize(("text", "expected"), [("<% $secrets.a %>", True), ("$secrets.a", False)])
def test_a_text_with_a_secret_is_known_as_one(text: str, expected: bool) -> None:
    assert uses_secrets(text) is expected


def test_the_filter_renders_structures_and_refuses_other_values() -> None:
    assert pai_render({"a": ["<% $parameters.n %>", 1]}, VALUES) == {"a": ["3", 1]}
    with pytest.raises(
        AnsibleFilterError, match="must be a mapping with keys of parameters, secrets"
    ):
        pai_render("x", {"param": {}})
