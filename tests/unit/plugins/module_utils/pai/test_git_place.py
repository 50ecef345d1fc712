from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.git_place import (
    is_free,
    put_in_place,
    staging,
)


def fill(place: Path) -> None:
    for name in (".git/HEAD", ".hidden", "file"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, True, id="nothing there"),
        pytest.param([], True, id="an empty directory"),
        pytest.param(["lost+found", ".pai-clone-12"], True, id="a new volume, a killed clone"),
        pytest.param(["x"], False, id="a file in it"),
        pytest.param([".hidden"], False, id="a hidden file in it"),
    ],
)
def test_where_a_clone_may_go(tmp_path: Path, content: list[str] | None, expected: bool) -> None:
    target = tmp_path / "code"
    if content is not None:
        target.mkdir()
    for name in content or []:
        (target / name).touch()
    assert is_free(target) is expected


def test_a_file_or_a_link_to_nothing_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        RuntimeConfigError,
        match=r"clone_dir .*file: Not a directory; name another clone_dir, one that",
    ):
        is_free(tmp_path / "file")
    (tmp_path / "link").symlink_to("nowhere")
    assert not is_free(tmp_path / "link")


def test_a_new_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "code"
    with staging(target) as place:
        assert place.parent == target.parent
        fill(place)
        put_in_place(place, target)
    assert names(target) == [".git", ".hidden", "file"]
    assert names(target.parent) == ["code"]


def test_an_empty_directory_stays_the_same_one(tmp_path: Path) -> None:
    target = tmp_path / "code"
    target.mkdir(mode=0o750)
    (target / "lost+found").mkdir()
    before = target.stat()
    with staging(target) as place:
        assert place.parent == target
        fill(place)
        put_in_place(place, target)
    assert names(target) == [".git", ".hidden", "file", "lost+found"]
    assert (target.stat().st_ino, target.stat().st_mode) == (before.st_ino, before.st_mode)


def move(target: Path, meanwhile: Callable[[Path], None]) -> None:
    """Put a filled clone in place, after something else has happened."""
    with staging(target) as place:
        fill(place)
        meanwhile(place)
        put_in_place(place, target)


@pytest.mark.parametrize("exists", [True, False], ids=["empty directory", "nothing"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "a" / "code"
    if exists:
        target.mkdir(parents=True)

    def interrupt(_place: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(target, interrupt)
    assert names(tmp_path) == (["a"] if exists else [])
    assert not exists or names(target) == []


def test_a_directory_that_somebody_filled_meanwhile_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RuntimeConfigError, match="it was filled while the clone ran; name another"):
        move(tmp_path, lambda _place: (tmp_path / "other").touch())
    assert names(tmp_path) == ["other"]


def test_entries_go_back_when_one_cannot_be_moved(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    # a file, where the target has a directory of that name
    with pytest.raises(RuntimeConfigError, match=r"clone_dir .*: Is a directory; name another"):
        move(tmp_path, lambda place: (place / "lost+found").touch())
    assert names(tmp_path) == ["lost+found"]


def test_parents_that_cannot_be_made_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        RuntimeConfigError, match=r"clone_dir .*: (Not a directory|File exists); name another"
    ):
        move(tmp_path / "file" / "code", fill)
