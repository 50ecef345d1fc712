from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import paths
from tests.unit.jobs import document, load, refusal

NAMES = paths.Names("alice", "alice~test", {"RUN": "7", "PAI_USER_NAME": "alice", "EMPTY": ""})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/users/%USER/x", "/users/alice/x"),
        ("%user/%User", "alice/alice"),
        ("jobs/%JOB", "jobs/alice~test"),
        ("jobs/%job%RUN", "jobs/alice~test%RUN"),
        ("${PAI_USER_NAME}/${RUN}", "alice/7"),
        ("%USERS", "aliceS"),
        ("$RUN {RUN} ${1} %", "$RUN {RUN} ${1} %"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert paths.expand(template, NAMES, "path") == expected


def test_what_is_filled_in_is_no_template() -> None:
    names = paths.Names("%JOB", "%USER", {"A": "${B}", "B": "b"})
    assert paths.expand("%USER/%JOB/${A}", names, "path") == "%JOB/%USER/${B}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "x/${NO}",
            "path: ${NO} is not defined in the task's environment; define it there, or write the "
            "path without it",
        ),
        (
            "x/${EMPTY}",
            "path: ${EMPTY} is empty, which would lead to the directory above; give it a value, or "
            "write the path without it",
        ),
    ],
)
def test_a_variable_without_a_value_is_refused(template: str, message: str) -> None:
    assert refusal(lambda: paths.expand(template, NAMES, "path")) == message


@pytest.mark.parametrize(
    ("path", "shown", "what"),
    [
        ("a/../b", "'a/../b'", "leads upwards"),
        ("..", "'..'", "leads upwards"),
        ("/..", "'/..'", "leads upwards"),
        ("a\0b", "'a\\x00b'", "has a NUL byte in it"),
        ("a\nb", "'a\\nb'", "has a line break in it"),
        ("a\rb", "'a\\rb'", "has a control character in it"),
    ],
)
def test_what_no_path_may_hold(path: str, shown: str, what: str) -> None:
    for function in (paths.directory, paths.mount_point):
        told = refusal(lambda function=function: function(path, "the path"))
        assert told.startswith(f"the path: {shown} {what}; write")


def test_what_a_variable_holds_cannot_lead_upwards() -> None:
    names = paths.Names("..", "j", {"UP": "x/../../etc"})
    for template in ("users/%USER", "${UP}"):
        filled = paths.expand(template, names, "path")
        assert "leads upwards" in refusal(lambda filled=filled: paths.directory(filled, "path"))


@pytest.mark.parametrize(
    ("path", "expected"), [("", ""), ("/", ""), (".", ""), ("//a//b/./c/", "a/b/c"), ("..a", "..a")]
)
def test_directories_in_their_shortest_form(path: str, expected: str) -> None:
    assert paths.directory(path, "path") == expected


@pytest.mark.parametrize("path", ["", "data", "./data", "/", "//", "/."])
def test_what_cannot_be_mounted_on(path: str) -> None:
    assert refusal(lambda: paths.mount_point(path, "mountPoint")) == (
        f"mountPoint: {path!r} is no directory to mount on; write an absolute path, for example "
        "/mnt/data"
    )


def test_mount_points_in_their_shortest_form() -> None:
    assert paths.mount_point("//mnt//data/./", "mountPoint") == Path("/mnt/data")


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_a_path_that_is_accepted_stays_below_its_root(text: str, user: str, value: str) -> None:
    names = paths.Names(user, f"{user}~j", {"V": value})
    try:
        path = paths.directory(paths.expand(f"{text}/%user/${{V}}", names, "p"), "p")
    except RuntimeConfigError:
        return
    root = Path("/root-of-server")
    assert Path(f"{root}/{path}").resolve().is_relative_to(root)
    assert not path.startswith("/")
    assert not set(path) & {"\0", "\n", "\r"}
    assert paths.directory(path, "p") == path


@given(st.lists(st.sampled_from(["%USER", "%job", "${V}", "/", "a", "%", "$"]), max_size=8))
def test_every_template_is_replaced_and_nothing_else(pieces: list[str]) -> None:
    names = paths.Names("<U>", "<J>", {"V": "<V>"})
    known = {"%USER": "<U>", "%job": "<J>", "${V}": "<V>"}
    expected = "".join(known.get(piece, piece) for piece in pieces)
    assert paths.expand("".join(pieces), names, "p") == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"PAI_USER_NAME": "bob"}, "bob~test", id="the name of a job file"),
        pytest.param(
            {"PAI_USER_NAME": "bob", "PAI_JOB_NAME": "bob~run"}, "bob~run", id="a cluster's name"
        ),
    ],
)
def test_the_job_is_named_with_its_user(
    tmp_path: Path, environment: dict[str, str], expected: str
) -> None:
    job = load(tmp_path, document(), environment=environment)
    assert paths.Names.of(job, {}).job == expected
