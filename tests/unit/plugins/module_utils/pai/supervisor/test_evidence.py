"""What is noted before the command, for the explanation of its failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import cgroup
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor import evidence


def test_the_counters_of_memory_are_noted(tmp_path: Path) -> None:
    said: list[str] = []
    evidence.note_start(tmp_path, said.append)
    place = cgroup.here()
    assert said == []
    if place is None:
        assert not (tmp_path / "facts-start.json").exists()
    else:
        noted = json.loads((tmp_path / "facts-start.json").read_bytes())["memory"]
        assert noted["directory"] == str(place.directory)
        assert noted["oomKills"] == cgroup.counters(place)["oomKills"]


def test_counters_that_cannot_be_noted_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    evidence.note_start(tmp_path / "none", said.append)
    if cgroup.here() is not None:
        assert said == ["warning: the memory counters are not known: No such file or directory"]


@pytest.mark.parametrize(
    ("kills_since", "left"), [(0, 0), (1, 0), (3, 2)], ids=["none", "ours", "ours and two others"]
)
def test_one_kill_of_ours_does_not_count(tmp_path: Path, kills_since: int, left: int) -> None:
    place = cgroup.here()
    now = cgroup.counters(place) if place else {}
    if now.get("oomKills") is None:
        pytest.skip("nothing counts memory here")
    path = tmp_path / "facts-start.json"
    memory = {**now, "oomKills": now["oomKills"] - kills_since}
    path.write_text(json.dumps({"memory": memory, "more": 1}))
    evidence.forgive_kill(tmp_path)
    noted = json.loads(path.read_bytes())
    assert noted["more"] == 1
    assert cgroup.since(noted["memory"], now)["oomKills"] == left


@pytest.mark.parametrize("content", [None, "{", "[]", '{"memory": 5}', '{"memory": {}}'])
def test_where_nothing_was_counted_nothing_is_forgiven(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "facts-start.json"
    if content is not None:
        path.write_text(content)
    evidence.forgive_kill(tmp_path)
    assert (path.read_text() if path.exists() else None) == content


def test_the_command_gets_a_file_for_the_error_of_torch(runtime) -> None:
    finished = runtime.bash("echo $TORCHELASTIC_ERROR_FILE")
    assert finished.log("user-stdout").decode() == f"{runtime.logs}/torch-error.json\n"


def test_a_file_of_the_users_own_is_kept(runtime) -> None:
    own = {"TORCHELASTIC_ERROR_FILE": "/own.json"}
    finished = runtime.bash("echo $TORCHELASTIC_ERROR_FILE", env=own)
    assert finished.log("user-stdout") == b"/own.json\n"


def test_the_error_of_an_earlier_attempt_is_moved_with_its_logs(runtime) -> None:
    runtime.bash("echo '{}' > $TORCHELASTIC_ERROR_FILE; exit 1")
    finished = runtime.bash("exit 1")
    assert not (finished.logs / "torch-error.json").exists()
    (earlier,) = finished.logs.glob("prelog_*")
    assert (earlier / "torch-error.json").exists()
