"""What is decided about a mount."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Recipe
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.mountinfo import (
    MountEntry,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.plan import (
    Act,
    Seen,
    decide,
    fingerprint,
    is_ours,
    matches,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.probe import (
    Health,
    Place,
    Probe,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import (
    MOUNTED,
    READY,
    STARTING,
    Record,
)
from tests.unit.storage_mounts import request

POINT = Path("/mnt/data")
WANTED = request(POINT, type="nfs")
READ_ONLY = dataclasses.replace(WANTED, read_only=True)
RECIPE = Recipe("mount_helper", "srv:/a", ("nfs4", "nfs"), ())
ENTRY = MountEntry(POINT, "srv:/a", "nfs4", ("rw",), "/", "0:45")
LOCKED = dataclasses.replace(ENTRY, options=("ro",))
ALIVE = Probe(Health.ALIVE)
STALE = Probe(Health.STALE, "stat: Stale file handle")
SLOW = Probe(Health.SLOW, "it did not answer within 5 seconds")
FORBIDDEN = Probe(Health.REFUSED, "write: Permission denied")


def record(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "name": "data",
        "mount_point": str(POINT),
        "local": str(POINT),
        "target": str(POINT),
        "source": "srv:/a",
        "filesystems": ("nfs4", "nfs"),
        "tool": "mount_helper",
        "mode": "mount",
        "read_only": False,
        "wanted": "same",
        "made": (),
        "private": "/state/mount-1",
        "phase": READY,
        "identity": ("0:45", "/"),
    }
    return Record(**{**values, **changes})


OURS = Seen(ENTRY, matches=True, ours=True, probe=ALIVE, record=record())
THEIRS = Seen(ENTRY, matches=True, probe=ALIVE)


@pytest.mark.parametrize(
    ("seen", "act", "reason"),
    [
        (Seen(place=Place(POINT, "missing")), Act.MOUNT, ""),
        (Seen(place=Place(POINT, "directory", empty=False)), Act.MOUNT, ""),
        (Seen(place=Place(POINT, "missing"), record=record()), Act.REPAIR, "its mount was gone"),
        (
            Seen(place=Place(POINT, "missing"), record=record(phase=STARTING)),
            Act.REPAIR,
            "an earlier start was interrupted",
        ),
        (Seen(place=Place(POINT, "file")), Act.REFUSE, "/mnt/data is no directory; move it away"),
        (
            Seen(place=Place(Path("/x"), "directory", link=True)),
            Act.REFUSE,
            "/mnt/data is a symbolic link; give what it leads to, /x",
        ),
        (
            Seen(place=Place(POINT, "unknown", problem="look: Stale file handle")),
            Act.REFUSE,
            "/mnt/data cannot be looked at (look: Stale file handle); choose another mount point",
        ),
        (OURS, Act.NOTHING, ""),
        (dataclasses.replace(OURS, probe=STALE), Act.REPAIR, "stat: Stale file handle"),
        (dataclasses.replace(OURS, probe=SLOW), Act.REPAIR, "it did not answer within 5 seconds"),
        (
            dataclasses.replace(OURS, record=record(wanted="other")),
            Act.REPAIR,
            "its settings have changed",
        ),
        (
            dataclasses.replace(OURS, record=record(phase=MOUNTED)),
            Act.REPAIR,
            "an earlier start was interrupted",
        ),
        (
            dataclasses.replace(OURS, probe=FORBIDDEN),
            Act.REFUSE,
            "it is mounted but cannot be used (write: Permission denied); correct",
        ),
        (
            dataclasses.replace(OURS, matches=False),
            Act.REFUSE,
            "srv:/a (nfs4) is mounted at /mnt/data already; unmount it or choose another",
        ),
        (THEIRS, Act.NOTHING, ""),
        (
            dataclasses.replace(THEIRS, probe=STALE),
            Act.REFUSE,
            "srv:/a (nfs4) is mounted at /mnt/data already, not by this runtime, and does not work"
            " (stat: Stale file handle); unmount it with umount -l and start again",
        ),
        (
            dataclasses.replace(THEIRS, entry=LOCKED),
            Act.REFUSE,
            "srv:/a (nfs4) is mounted at /mnt/data already, not by this runtime, and read-only;",
        ),
    ],
    ids=[
        "nothing there",
        "files there",
        "ours is gone",
        "ours was interrupted",
        "a file",
        "a link",
        "not to be looked at",
        "ours works",
        "ours is stale",
        "ours is slow",
        "ours with other settings",
        "ours was not probed",
        "ours cannot be written",
        "another source",
        "theirs works",
        "theirs is stale",
        "theirs is read-only",
    ],
)
def test_decisions(seen: Seen, act: Act, reason: str) -> None:
    decision = decide(WANTED, "same", seen)
    assert decision.act is act
    assert decision.reason.startswith(reason)
    assert bool(decision.reason) is bool(reason)


@pytest.mark.parametrize(
    ("wanted", "seen", "warning"),
    [
        (
            WANTED,
            Seen(place=Place(POINT, "directory", empty=False)),
            "/mnt/data is not empty; while",
        ),
        (READ_ONLY, THEIRS, "/mnt/data was mounted before, and so that it can be written"),
        (READ_ONLY, dataclasses.replace(THEIRS, entry=LOCKED), ""),
        (dataclasses.replace(READ_ONLY, type="pvc"), THEIRS, ""),
        (
            dataclasses.replace(WANTED, mode="copy"),
            Seen(place=Place(POINT, "directory", empty=False)),
            "",
        ),
    ],
    ids=[
        "hidden files",
        "theirs can be written",
        "theirs is read-only",
        "the platform's",
        "a copy hides nothing",
    ],
)
def test_warnings(wanted: Any, seen: Seen, warning: str) -> None:
    decision = decide(wanted, "same", seen)
    assert decision.act is not Act.REFUSE
    assert decision.warning.startswith(warning)
    assert bool(decision.warning) is bool(warning)


@pytest.mark.parametrize(
    ("recipe", "entry", "wanted"),
    [
        (RECIPE, ENTRY, True),
        (RECIPE, dataclasses.replace(ENTRY, source="srv:/a/"), True),
        (RECIPE, dataclasses.replace(ENTRY, source="srv:/ab"), False),
        (RECIPE, dataclasses.replace(ENTRY, filesystem="cifs"), False),
        (Recipe("existing", "", (), ()), ENTRY, True),
        (Recipe("bind", "/mnt/data/x", (), ()), dataclasses.replace(ENTRY, root="/x"), True),
        (Recipe("bind", "/mnt/data/y", (), ()), dataclasses.replace(ENTRY, root="/x"), False),
    ],
    ids=["same", "slash at the end", "source", "kind", "any", "bind", "bind of another"],
)
def test_what_is_the_wanted_mount(recipe: Recipe, entry: MountEntry, wanted: bool) -> None:
    assert matches(recipe, entry, [ENTRY]) is wanted


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (None, False),
        (record(), True),
        (record(identity=("0:46", "/")), False),
        (record(phase=STARTING, identity=()), True),
        (record(phase=STARTING, identity=(), source="srv:/b"), False),
    ],
    ids=["unknown", "same device", "another device", "interrupted", "interrupted, another source"],
)
def test_what_is_ours(known: Record | None, wanted: bool) -> None:
    assert is_ours(known, ENTRY, [ENTRY]) is wanted


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"name": "other", "place": "elsewhere"}, False),
        ({"read_only": True}, True),
        ({"mode": "cached"}, True),
        ({"options": ("vers=4.1",)}, True),
        ({"server": {"key": "another"}}, True),
    ],
    ids=["names", "read-only", "mode", "options", "a new key"],
)
def test_what_counts_as_another_request(change: dict[str, Any], differs: bool) -> None:
    before = fingerprint(WANTED, RECIPE)
    assert (fingerprint(dataclasses.replace(WANTED, **change), RECIPE) != before) is differs
