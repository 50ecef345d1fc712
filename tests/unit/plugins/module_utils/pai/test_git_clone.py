from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git import Git, GitFailedError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_clone import (
    Cloner,
    existing_commit,
    wait_before,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_request import (
    GitRequest,
    read_request,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import PluginEntry

PERSON = {"NAME": "T", "EMAIL": "t@example.org", "DATE": "2026-01-01T00:00:00Z"}
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{key}": PERSON[key] for who in ("AUTHOR", "COMMITTER") for key in PERSON},
}


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(directory), *words], env=ENVIRONMENT, stdout=-1, check=True
    )
    return done.stdout.decode().strip()


class Origin:
    """A repository with three commits on main, the branch side, and tags."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        git(directory, "init", "--quiet", "--initial-branch=main")
        git(directory, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.commits = [self.commit(text) for text in ("one", "two", "three")]
        git(directory, "tag", "v1", self.commits[0])
        git(directory, "tag", "-a", "-m", "two", "v2", self.commits[1])
        git(directory, "branch", "side", self.commits[1])
        git(directory, "tag", "both", self.commits[0])
        git(directory, "branch", "both", self.commits[1])

    @property
    def url(self) -> str:
        return f"file://{self.directory}"

    def commit(self, text: str) -> str:
        (self.directory / "file").write_text(text)
        git(self.directory, "add", "file")
        git(self.directory, "commit", "--quiet", "--message", text)
        return git(self.directory, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    return Origin(tmp_path_factory.mktemp("git") / "origin")


class Bench:
    """Clones into ``code``; keeps what is told and how long was waited."""

    def __init__(self, directory: Path, origin: Origin) -> None:
        self.target = directory / "code"
        self.url = origin.url
        self.lines: list[str] = []
        self.waits: list[float] = []

    def request(self, **parameters: Any) -> GitRequest:
        given = {"repo_uri": self.url, "clone_dir": str(self.target), **parameters}
        return read_request(PluginEntry("git", 0, given), Path("/work"), Path("/"))

    def clone(self, **parameters: Any) -> str:
        program = Git.find(ENVIRONMENT)
        request = self.request(**parameters)
        return Cloner(program, request, self.lines.append, self.waits.append).clone()

    def existing(self, **parameters: Any) -> str:
        return existing_commit(Git.find(ENVIRONMENT), self.request(**parameters))

    @property
    def text(self) -> str:
        return (self.target / "file").read_text()


@pytest.fixture
def bench(tmp_path: Path, origin: Origin) -> Bench:
    return Bench(tmp_path, origin)


@pytest.mark.parametrize("depth", [None, 1], ids=["whole history", "depth 1"])
@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        pytest.param({}, "three", id="the server's branch"),
        pytest.param({"branch": "side"}, "two", id="branch"),
        pytest.param({"tag": "v1"}, "one", id="light tag"),
        pytest.param({"tag": "v2"}, "two", id="annotated tag"),
        pytest.param({"branch": "both"}, "two", id="branch of a tag's name"),
        pytest.param({"tag": "both"}, "one", id="tag of a branch's name"),
        pytest.param({"options": "-b side"}, "two", id="branch by option"),
        pytest.param({"branch": "side", "options": "-o up"}, "two", id="remote of another name"),
    ],
)
def test_pins(bench: Bench, parameters: dict[str, Any], text: str, depth: int | None) -> None:
    commit = bench.clone(depth=depth, **parameters)
    assert bench.text == text
    assert git(bench.target, "rev-parse", "HEAD") == commit
    assert git(bench.target, "status", "--porcelain") == ""
    assert (git(bench.target, "rev-parse", "--is-shallow-repository") == "true") == bool(depth)
    assert bench.existing(depth=depth, **parameters) == commit
    assert bench.lines == [
        f"clone of {bench.url}, try 1 of 10",
        f"commit {commit[:12]} of {bench.url} is in {bench.target}",
    ]


@pytest.mark.parametrize(
    ("digits", "depth"),
    [
        pytest.param(40, None, id="whole commit"),
        pytest.param(8, None, id="its first digits"),
        pytest.param(40, 1, id="whole commit that the depth leaves out"),
    ],
)
def test_commits(bench: Bench, origin: Origin, digits: int, depth: int | None) -> None:
    wanted = origin.commits[0][:digits]
    assert bench.clone(commit=wanted, depth=depth) == origin.commits[0]
    assert bench.text == "one"
    assert bench.existing(commit=wanted) == origin.commits[0]


def test_the_directory_has_the_users_own_mode(bench: Bench) -> None:
    before = os.umask(0o027)
    try:
        bench.clone()
    finally:
        os.umask(before)
    assert bench.target.stat().st_mode & 0o777 == 0o750


def test_an_empty_repository_is_cloned(bench: Bench, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    bench.url = f"file://{tmp_path}/empty"
    assert bench.clone() == ""
    assert bench.existing() == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"branch": "nope"}, "Remote branch nope not found", id="unknown branch"),
        pytest.param({"tag": "nope"}, "Remote branch nope not found", id="unknown tag"),
        pytest.param({"branch": "v1"}, "branch v1: the server has only a tag", id="tag as branch"),
        pytest.param(
            {"commit": "1234567"}, "commit 1234567: the clone has no", id="unknown digits"
        ),
        pytest.param({"commit": "1" * 40}, "not our ref 1111", id="unknown commit"),
        pytest.param(
            {"repo_uri": "/nowhere"}, "try 1 of 10: fatal: repository '/nowhere' does", id="no repo"
        ),
    ],
)
def test_errors_that_stay_are_told_at_once_and_leave_nothing(
    bench: Bench, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuntimeConfigError, match=message):
        bench.clone(**parameters)
    assert bench.waits == []
    assert not bench.target.exists()
    assert list(bench.target.parent.iterdir()) == []


def test_errors_that_may_pass_are_tried_again_with_growing_waits(bench: Bench) -> None:
    bench.url = "http://127.0.0.1:1/x"  # nobody listens there
    with pytest.raises(GitFailedError, match="try 4 of 4: fatal: unable to access") as caught:
        bench.clone(tries=4, max_delay=3)
    assert caught.value.exit_code == 128
    assert [0.5 <= bench.waits[0] <= 1, 1 <= bench.waits[1] <= 2, 1.5 <= bench.waits[2] <= 3] == (
        [True] * 3
    )
    assert len(bench.lines) == 7
    assert f"; the next try follows in {bench.waits[0]:.1f} seconds" in bench.lines[1]
    assert not bench.target.exists()


@pytest.mark.parametrize(
    ("number", "longest"), [(2, 1), (3, 2), (9, 128), (11, 300), (10_000, 300)]
)
def test_waits_double_up_to_the_longest(number: int, longest: int) -> None:
    waits = [wait_before(number, 300) for _ in range(50)]
    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param(
            {"branch": "side"}, "is a clone at commit .*, not at branch side", id="branch"
        ),
        pytest.param({"tag": "v1"}, "not at tag v1; empty it or name another", id="tag"),
        pytest.param({"tag": "nope"}, "not at tag nope", id="unknown tag"),
        pytest.param({"commit": "1234567"}, "not at commit 1234567", id="commit"),
        pytest.param(
            {"repo_uri": "/other"}, "is a clone of file://.*origin, not of /other", id="address"
        ),
    ],
)
def test_another_clone_is_not_ours(bench: Bench, wanted: dict[str, Any], message: str) -> None:
    bench.clone()
    with pytest.raises(RuntimeConfigError, match=f"clone_dir {bench.target} .*{message}"):
        bench.existing(**wanted)


def test_other_content_is_not_ours_even_inside_a_clone(bench: Bench) -> None:
    bench.clone()
    bench.target = bench.target / "sub"
    bench.target.mkdir()
    (bench.target / "file").touch()
    with pytest.raises(RuntimeConfigError, match="sub is not empty, and no git clone; empty it"):
        bench.existing()


def test_a_broken_clone_is_told_with_gits_words(bench: Bench) -> None:
    bench.clone()
    (bench.target / ".git" / "HEAD").unlink()
    with pytest.raises(
        RuntimeConfigError, match=r"a clone that git does not read .*fatal: not a git"
    ):
        bench.existing(branch="main")


def test_submodules_come_at_the_pin_too(bench: Bench, origin: Origin, tmp_path: Path) -> None:
    outer = Origin(tmp_path / "outer")
    allowed = ("-c", "protocol.file.allow=always")
    git(outer.directory, *allowed, "submodule", "--quiet", "add", origin.url, "lib")
    pinned = outer.commit("with lib")
    outer.commit("later")
    bench.url = outer.url
    program = Git.find(ENVIRONMENT)
    request = bench.request(commit=pinned, options="--recurse-submodules --shallow-submodules")
    Cloner(Git(program.program, program.environment, allowed), request, bench.lines.append).clone()
    assert bench.text == "with lib"
    assert (bench.target / "lib" / "file").read_text() == "three"
    assert git(bench.target / "lib", "rev-parse", "--is-shallow-repository") == "true"
