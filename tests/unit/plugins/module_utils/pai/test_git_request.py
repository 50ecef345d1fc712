from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_request import (
    Address,
    GitRequest,
    read_address,
    read_request,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import PluginEntry

LINE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f"), min_size=1
)


def request(**parameters: Any) -> GitRequest:
    entry = PluginEntry("git", 0, {"repo_uri": "https://host/x.git", **parameters})
    return read_request(entry, Path("/usr/local/pai/runtime.d"), Path("/job"))


@pytest.mark.parametrize(
    ("uri", "token", "username", "expected"),
    [
        pytest.param("https://h/x", None, None, Address("https://h/x"), id="public"),
        pytest.param("https://h/x", "t", None, Address("https://h/x", "oauth2", "t"), id="token"),
        pytest.param(
            "https://h/x", " t\n", "bot", Address("https://h/x", "bot", "t"), id="token and name"
        ),
        pytest.param(
            "https://me:p%40ss@h:8443/x?a=b",
            None,
            None,
            Address("https://h:8443/x?a=b", "me", "p@ss"),
            id="a password in the address",
        ),
        pytest.param(
            "https://me:old@h/x", "new", None, Address("https://h/x", "me", "new"), id="token wins"
        ),
        pytest.param(
            "https://ghp_1234@h/x", None, None, Address("https://h/x", "ghp_1234"), id="only a name"
        ),
        pytest.param("HTTP://h/a@b", None, None, Address("http://h/a@b"), id="an @ in the path"),
        pytest.param("git@h:x.git", None, None, Address("git@h:x.git"), id="ssh in short"),
        pytest.param("ssh://git@h/x", None, None, Address("ssh://git@h/x"), id="ssh"),
        pytest.param("/data/x", None, None, Address("/data/x"), id="a directory"),
    ],
)
def test_address(uri: str, token: str | None, username: str | None, expected: Address) -> None:
    assert read_address(uri, token, username) == expected


@given(LINE, LINE)
def test_no_password_of_an_address_stays_in_its_url(name: str, password: str) -> None:
    uri = f"https://{quote(name, safe='')}:{quote(password, safe='')}@host/x.git"
    found = read_address(uri, None, None)
    assert (found.url, found.username, found.password) == ("https://host/x.git", name, password)
    assert found.server == "https://host"
    assert repr(password) not in repr(found).replace(repr(name), "")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"repo_uri": None}, "repo_uri: give the address of a git repository"),
        ({"repo_uri": "--upload-pack=touch"}, "repo_uri: give the address"),
        ({"repo_uri": "https://h/\nx"}, "in one line"),
        ({"repo_uri": "ext::sh -c id"}, "repo_uri: 'helper::address' would start a program"),
        (
            {"repo_uri": "https://h%0a:hunter2@h/x"},
            "user name or password has a control character in it; take it out",
        ),
        ({"repo_uri": "ssh://me:hunter2@h/x"}, "only an http or https address may hold a password"),
        ({"repo_uri": "git@h:x", "token": "hunter2"}, "token: only an http or https repo_uri uses"),
        (
            {"token": "hunter2\npassword=x"},
            "token: it or its username has a control character in it; give one line",
        ),
        ({"branch": "a", "tag": "b"}, "branch and tag: give only one of them"),
        ({"branch": "a", "options": "-b b"}, "branch: options has --branch too"),
        (
            {"commit": "main"},
            "commit: 'main' is not 4 to 64 hexadecimal digits; write it as git log",
        ),
        ({"commit": "abcd", "options": ["-n"]}, "commit: options has --no-checkout"),
        ({"tag": "v1", "options": ["--no-tags"]}, "tag: options has --no-tags; leave one"),
        ({"tag": "-x"}, "tag: '-x' cannot be the name of a tag; write one that the repository has"),
        ({"depth": 0}, "depth: 0 is not a whole number from 1 on; write one, or leave it out"),
        ({"depth": 1, "options": ["--depth 2"]}, "depth: options has --depth too"),
        ({"options": ["--depth x"]}, "options: --depth: 'x' is not a whole number from 1 on"),
        ({"tries": 0}, "tries: 0 is not a whole number from 1 on"),
        ({"max_delay": -1}, "max_delay: -1 is not a whole number from 0 on"),
        ({"options": [["a"]]}, "options: entry 1 is a list"),
    ],
)
def test_what_is_refused_is_named_without_secrets(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message) as caught:
        request(**parameters)
    assert str(caught.value).startswith("plugin git (number 1 of the job's list): ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("clone_dir", "work_dir", "expected"),
    [
        pytest.param(None, "/pai/runtime.d", "/pai/code", id="beside the work directory"),
        pytest.param(None, "/tmp/work", "/job/code", id="in the job's directory, tried locally"),
        pytest.param("/data/x", "/pai/runtime.d", "/data/x", id="absolute"),
        pytest.param("x", "/pai/runtime.d", "/job/x", id="from the working directory of the job"),
    ],
)
def test_clone_dir(clone_dir: str | None, work_dir: str, expected: str) -> None:
    entry = PluginEntry("git", 0, {"repo_uri": "x", "clone_dir": clone_dir})
    assert read_request(entry, Path(work_dir), Path("/job")).clone_dir == Path(expected)


def test_defaults_and_pins() -> None:
    plain = request(branch=None, tries=None, max_delay=None)
    assert (plain.pin, plain.revision, plain.depth) == ("", "", None)
    assert (plain.tries, plain.max_delay, plain.origin) == (10, 300, "origin")
    assert request(commit=" ABCD12 ").revision == "abcd12"
    assert request(options="-o up --depth 3").origin == "up"
    assert request(options="-o up --depth 3").depth == 3


@pytest.mark.parametrize(
    ("options", "expected"),
    [("--recursive", True), ("--recurse-submodules=a", True), ("--remote-submodules", False)],
)
def test_submodules(options: str, expected: bool) -> None:
    assert request(options=options).submodules is expected
