"""Storages of ours that work, that are gone, and that no longer answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import mounts
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.probe import (
    Health,
    Probe,
    Space,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import (
    READY,
    STARTING,
    Record,
    Store,
)


def record(point: str = "/data", phase: str = READY) -> Record:
    return Record(
        name="data",
        mount_point=point,
        local=point,
        target=point,
        source="nas:/data",
        filesystems=("nfs4",),
        tool="mount",
        mode="mount",
        read_only=False,
        wanted="1",
        made=(),
        private="",
        phase=phase,
    )


def test_without_storages_there_is_nothing(tmp_path: Path) -> None:
    assert mounts.read(tmp_path, 5.0) == []


def test_one_that_works_and_one_that_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(record("/"))
    store.put(record(str(tmp_path / "gone")))
    store.put(record(str(tmp_path / "starting"), STARTING))
    root, gone = mounts.read(tmp_path, 60.0)
    assert (root["path"], root["alive"], root["reason"]) == ("/", True, "")
    assert root["totalBytes"] > 0
    assert gone["alive"] is False
    assert gone["reason"] == "nothing is mounted there any more"


@pytest.mark.parametrize(
    ("health", "alive"),
    [(Health.STALE, False), (Health.SLOW, False), (Health.REFUSED, True)],
)
def test_why_one_does_not_work_is_told(health: Health, alive: bool) -> None:
    row = mounts.describe(record(), Space(Probe(health, "stat: Stale file handle")))
    assert (row["alive"], row["reason"]) == (alive, "stat: Stale file handle")


def test_a_damaged_state_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mounts.json").write_text('[{"name": "x"}]')
    with pytest.raises(RuntimeConfigError, match="not a list of mounts"):
        mounts.read(tmp_path, 1.0)
