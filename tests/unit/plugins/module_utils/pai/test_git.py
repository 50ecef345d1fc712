from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git import (
    Git,
    GitFailedError,
    failure,
    git_environment,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_request import Address

ENVIRONMENT = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
LOGIN = Address("https://host:8443/x.git", "me", "hunter2-hunter2")


@pytest.mark.parametrize(
    "name",
    ["GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_CONFIG_KEY_0", "https_proxy", "HOME", "PATH"],
)
def test_what_the_user_sets_for_git_counts(name: str) -> None:
    assert git_environment({name: "x"})[name] == "x"


@pytest.mark.parametrize(
    "name",
    [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_TRACE_CURL",
        "GIT_TEMPLATE_DIR",
        "LANGUAGE",
    ],
)
def test_what_would_lead_git_astray_is_left_out(name: str) -> None:
    assert name not in git_environment({name: "x"})


def test_git_speaks_english_and_does_not_ask() -> None:
    found = git_environment({"LC_ALL": "de_DE.UTF-8", "GIT_TERMINAL_PROMPT": "1"})
    assert (found["LC_ALL"], found["GIT_TERMINAL_PROMPT"]) == ("C", "0")


@pytest.mark.parametrize(
    ("text", "permanent"),
    [
        ("fatal: Authentication failed for 'https://h/x/'", True),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", True),
        ("fatal: repository 'https://h/x/' not found", True),
        ("remote: Repository not found.\nfatal: Could not read from remote repository.", True),
        ("fatal: repository '/x' does not exist", True),
        ("fatal: '/x' does not appear to be a git repository", True),
        ("fatal: Remote branch nope not found in upstream origin", True),
        ("fatal: couldn't find remote ref refs/tags/x", True),
        ("fatal: remote error: upload-pack: not our ref 1234", True),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote", True),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", True),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", True),
        ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed", True),
        ("git: 'remote-nohelp' is not a git command. See 'git --help'.", True),
        ("fatal: write error: No space left on device", True),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", False),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 429", False),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", False),
        ("fatal: unable to access 'https://h/': Failed to connect to h port 443", False),
        ("ssh: connect to host h port 22: Connection refused\nfatal: Could not read", False),
        ("error: RPC failed; curl 56 GnuTLS recv error\nfatal: early EOF", False),
        ("fatal: the remote end hung up unexpectedly", False),
        ("", False),
    ],
)
def test_only_errors_that_may_pass_are_tried_again(text: str, permanent: bool) -> None:
    assert failure(text, 128).permanent is permanent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Cloning into 'x'...\nfatal: not found\n", "fatal: not found", id="the last line"
        ),
        pytest.param(
            "Cloning into 'x'...\ngit@h: Permission denied (publickey).\n"
            "fatal: Could not read from remote repository.\n\nPlease make sure you have rights\n",
            "git@h: Permission denied (publickey).; fatal: Could not read from remote repository.",
            id="the reason above it, no advice below it",
        ),
        pytest.param(
            "Receiving objects: 10%\rReceiving objects: 20%\rerror: broken",
            "error: broken",
            id="progress is left out",
        ),
        pytest.param("", "git said nothing", id="nothing at all"),
        pytest.param("fatal: " + "x" * 1000, "x" * 300, id="not without end"),
    ],
)
def test_the_quote_says_what_git_said(text: str, expected: str) -> None:
    assert str(failure(text, 128)) == expected


@pytest.mark.parametrize(("code", "expected"), [(128, 128), (1, 1), (-9, 137)])
def test_the_exit_code_is_gits(code: int, expected: int) -> None:
    assert failure("", code).exit_code == expected


def test_an_unknown_option_is_permanent() -> None:
    with pytest.raises(GitFailedError) as caught:
        Git.find(ENVIRONMENT).run("clone", "--nosuchoption", "x")
    assert (caught.value.exit_code, caught.value.permanent) == (129, True)


def test_an_image_without_git_is_told(tmp_path: Path) -> None:
    message = (
        rf"there is no program git on the image's PATH \({tmp_path}\); install git in the image"
    )
    with pytest.raises(RuntimeConfigError, match=message):
        Git.find({"PATH": str(tmp_path)})


def ask(git: Git, server: str) -> str:
    """Return what git finds out about a login at a server."""
    place = git.program
    scheme, _, host = server.partition("://")
    script = f'printf "protocol={scheme}\\nhost={host}\\n\\n" | "$0" "$@"'
    asking = Git("/bin/sh", git.environment, ("-c", script, place, *git.settings))
    return asking.run("credential", "fill")


def test_the_login_is_for_its_own_server_only(tmp_path: Path) -> None:
    with Git.find(ENVIRONMENT).knowing(LOGIN, tmp_path / "it's a $(dir)") as git:
        found = ask(git, "https://host:8443").splitlines()
        assert {"username=me", "password=hunter2-hunter2"} <= set(found)
        for other in ("https://host", "http://host:8443", "https://other:8443"):
            with pytest.raises(GitFailedError, match="could not read Username"):
                ask(git, other)


def test_the_login_is_in_one_private_file_while_it_is_needed(tmp_path: Path) -> None:
    with Git.find(ENVIRONMENT).knowing(LOGIN, tmp_path) as git:
        (folder,) = tmp_path.iterdir()
        (file,) = folder.iterdir()
        assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
        assert "hunter2" not in " ".join([*git.settings, *git.environment.values()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(Address("https://h/x", "me", "new"), "password=new", id="a password replaces"),
        pytest.param(Address("https://h/x", "me"), "password=of-user", id="a name alone does not"),
        pytest.param(Address("https://h/x"), "password=of-user", id="nor does no login"),
    ],
)
def test_a_helper_of_the_users(tmp_path: Path, address: Address, expected: str) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text('[credential]\n\thelper = "!echo username=me; echo password=of-user; :"\n')
    with Git.find({**ENVIRONMENT, "GIT_CONFIG_GLOBAL": str(settings)}).knowing(
        address, tmp_path / "state"
    ) as git:
        assert expected in ask(git, "https://h").splitlines()
