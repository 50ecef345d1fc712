from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_options import (
    FLAGS,
    WITH_VALUE,
    read_options,
    values_of,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param(["--depth 1"], ("--depth=1",), id="several words in one text"),
        pytest.param(["--depth", "1"], ("--depth=1",), id="one word in each text"),
        pytest.param(["--depth=1 --no-tags"], ("--depth=1", "--no-tags"), id="two options in one"),
        pytest.param(["-b 'a b'"], ("--branch=a b",), id="quotes as in a shell"),
        pytest.param(["-j4", "-bmain", "-q"], ("--jobs=4", "--branch=main", "--quiet"), id="short"),
        pytest.param(
            ["--recurse-submodules=lib", "--recursive"],
            ("--recurse-submodules=lib", "--recursive"),
            id="an optional value",
        ),
        pytest.param(["--branch --bare"], ("--branch=--bare",), id="a value is never an option"),
        pytest.param(
            ["-c core.autocrlf=false", "--config=http.sslVerify=false"],
            ("--config=core.autocrlf=false", "--config=http.sslVerify=false"),
            id="harmless settings",
        ),
    ],
)
def test_options(given: list[str], expected: tuple[str, ...]) -> None:
    assert read_options(given) == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--upload-pack=touch", "--upload-pack is refused: it names a program to run"),
        ("-u touch", "--upload-pack is refused: it names a program"),
        ("-utouch", "--upload-pack is refused: it names a program"),
        ("--template=/x", "--template is refused: hooks of that directory would run"),
        ("--bare", "--bare is refused: the clone is one directory with the files in it"),
        ("--separate-git-dir=/x", "--separate-git-dir is refused"),
        ("--revision=x", "use the parameter branch, tag or commit"),
        ("-c credential.helper=!sh", "--config credential.helper is refused: settings may name"),
        ("-ccore.sshCommand=x", "--config core.sshcommand is refused"),
        ("--config http.extraHeader=hunter2", "--config http.extraheader is refused"),
        ("--upl=touch", "'--upl=touch' is not an option of git clone that can be given here"),
        ("--conf a=b", "'--conf' is not an option of git clone"),
        ("-qn", "'-qn' is not an option of git clone"),
        ("--quiet=1", "'--quiet=1' is not an option"),
        ("https://other", "'https://other' is not an option"),
        ("--", "'--' is not an option"),
        ("--depth", "--depth has no value; write --depth=VALUE"),
        ("-b 'x", "No closing quotation; write it as in a shell"),
    ],
)
def test_options_that_are_refused(option: str, message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message) as caught:
        read_options([option])
    assert "hunter2" not in str(caught.value)


@given(st.lists(st.text() | st.sampled_from([*FLAGS, *WITH_VALUE, "-c", "-u"])))
def test_any_words_give_known_options_or_one_clear_error(words: list[str]) -> None:
    found: tuple[str, ...] = ()
    message = "options: "
    try:
        found = read_options(shlex.quote(word) for word in words)
    except RuntimeConfigError as error:
        message = str(error)
    assert {option.partition("=")[0] for option in found} <= FLAGS | WITH_VALUE | {"--config"}
    assert message.startswith("options: ")


def test_values_of_an_option() -> None:
    options = read_options(["--depth 1 --depth=2 --no-tags"])
    assert values_of(options, "--depth") == ["1", "2"]
    assert values_of(options, "--jobs") == []
