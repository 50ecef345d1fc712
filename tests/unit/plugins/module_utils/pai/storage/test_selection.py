from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import PluginEntry
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Request
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.paths import Names
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.selection import (
    Selection,
    Selector,
    read_grants,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.sources import (
    Catalogue,
    NoCatalogueError,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.wishes import (
    Wishes,
    read_wishes,
)
from tests.unit.jobs import document, load, refusal

NAMES = Names("alice", "alice~test", {"PAI_USER_NAME": "alice", "RUN": "7"})
SERVERS = {
    "nfs": {"type": "nfs", "address": "10.0.0.1", "rootPath": "/export/%USER"},
    "blob": {"type": "azureblob", "containerName": "c", "accountName": "a", "key": "hunter2"},
}
CONFIGS = {
    "home": {
        "default": True,
        "mountInfos": [{"mountPoint": "/home/%user", "path": "/h/${RUN}", "server": "nfs"}],
    },
    "data": {
        "mountInfos": [
            {"mountPoint": "/data", "path": "d", "server": "nfs", "permission": "ro"},
            {"mountPoint": "/blob", "server": "blob", "mode": "cached", "options": ["a=1"]},
        ]
    },
    "read": {"mountInfos": [{"server": "nfs", "permission": "ro", "path": "r"}]},
    "lost": {"mountInfos": [{"server": "gone"}]},
    "twin": {"mountInfos": [{"server": "nfs", "mountPoint": "/data/."}]},
}
CATALOGUE = Catalogue("the file", CONFIGS, SERVERS)
EVERYTHING = ("home", "data", "read", "lost", "twin")


def wishes(
    tmp_path: Path, extras: Any = None, tolerant: bool = False, uses: Any = None, **parameters: Any
) -> Wishes:
    job = load(tmp_path, document(extras={"storages": extras}), secrets={"key": "hunter2-key"})
    name = "teamwise_storage" if tolerant else "storage"
    entry = PluginEntry(name, 1, parameters)
    return read_wishes(entry, uses or [{"name": "ssh"}, {"name": name}], job, tolerant)


def choose(
    tmp_path: Path,
    catalogue: Catalogue | None = CATALOGUE,
    granted: tuple[str, ...] | None = None,
    mounted: tuple[str, ...] | None = None,
    **asked: Any,
) -> Selection:
    """Select what is asked for; ``mounted`` (a tuple) means teamwise_storage's manner."""

    def look_up() -> Catalogue:
        if catalogue is None:
            raise NoCatalogueError("there is no file")
        return catalogue

    tolerant = mounted is not None
    is_mounted = (lambda point: str(point) in (mounted or ())) if tolerant else None
    found = wishes(tmp_path, tolerant=tolerant, **asked)
    return Selector(NAMES, look_up, granted, is_mounted).select(found.wishes)


def brief(requests: tuple[Request, ...]) -> list[tuple[str, str, str, str, bool]]:
    return [(r.name, r.type, str(r.mount_point), r.path, r.read_only) for r in requests]


HOME = ("home", "nfs", "/home/alice", "h/7", False)
DATA = [("data[0]", "nfs", "/data", "d", True), ("data[1]", "azureblob", "/blob", "", False)]
PVC = ("pvc", "/mnt/home", "", True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, [HOME], id="nothing named: the defaults"),
        pytest.param({"storageConfigNames": ["home"]}, [HOME], id="a name"),
        pytest.param({"storageConfigNames": ["data", "home"]}, [*DATA, HOME], id="two names"),
        pytest.param({"storageConfigNames": ["home", "home"]}, [HOME], id="a name twice"),
        pytest.param(
            {"storages": [{"name": "home", "mountPoint": "/x/%JOB"}]},
            [("home", "nfs", "/x/alice~test", "h/7", False)],
            id="a mount point of one's own",
        ),
        pytest.param(
            {"extras": [{"name": "home", "mountPath": "/x", "share": False}]},
            [("home", "nfs", "/x", "h/7/alice", False)],
            id="extras.storages: not shared",
        ),
        pytest.param(
            {"extras": [{"name": "home", "subPath": "/a/", "readOnly": True, "share": True}]},
            [("home", "nfs", "/home/alice", "h/7/a", True)],
            id="extras.storages: a sub-directory, read only",
        ),
        pytest.param(
            {"extras": [{"name": "home", "path": "a"}], "storageConfigNames": ["home", "read"]},
            [
                ("home", "nfs", "/home/alice", "h/7/a", False),
                ("read", "nfs", "/mnt/read", "r", True),
            ],
            id="what an entry says counts more than a bare name",
        ),
        pytest.param(
            {"extras": [{"name": "read", "readOnly": False}]},
            [("read", "nfs", "/mnt/read", "r", True)],
            id="nobody gives himself the permission to write",
        ),
        pytest.param(
            {"storages": [{"name": "own", "type": "nfs", "address": "h", "rootPath": "/${RUN}"}]},
            [("own", "nfs", "/mnt/own", "", False)],
            id="a storage of the job's own",
        ),
    ],
)
def test_what_is_mounted(tmp_path: Path, asked: dict[str, Any], expected: list[Any]) -> None:
    for mounted in (None, ()):
        found = choose(tmp_path, mounted=mounted, **asked)
        assert brief(found.requests) == expected
        assert found.warnings == ()


def test_everything_of_a_config_arrives(tmp_path: Path) -> None:
    entry = {"name": "home", "mode": "copy", "options": ["b=2"]}
    request = choose(tmp_path, storages=[entry]).requests[0]
    assert request.server == {"address": "10.0.0.1", "rootPath": "/export/alice"}
    assert (request.mode, request.options) == ("copy", ("b=2",))
    assert request.place == "storages[0] (the file: config 'home'.mountInfos[0])"
    blob = choose(tmp_path, storageConfigNames=["data"]).requests[1]
    assert (blob.mode, blob.options, blob.server["key"]) == ("cached", ("a=1",), "hunter2")
    assert "hunter2" not in repr(blob)


def test_a_storage_of_the_jobs_own_needs_no_grant_and_has_its_secret(tmp_path: Path) -> None:
    fields = {"containerName": "c", "accountName": "a", "key": "<% $secrets.key %>"}
    entry = {"name": "own", "type": "azureblob", "mountPoint": "/b", "mode": "cached", **fields}
    found = choose(tmp_path, catalogue=None, granted=(), extras=[entry])
    request = found.requests[0]
    assert request.server == {**fields, "key": "hunter2-key"}
    assert (request.mode, request.place) == ("cached", "extras.storages[0]")
    assert "hunter2" not in repr(wishes(tmp_path, extras=[entry]))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"storageConfigNames": ["home"]}, [("home", *PVC)], id="a name"),
        pytest.param({"extras": [{"name": "home"}]}, [("home", *PVC)], id="extras.storages"),
        pytest.param(
            {"extras": [{"name": "x", "mountPath": "/mnt/home/"}]}, [("x", *PVC)], id="its own path"
        ),
    ],
)
def test_what_the_platform_has_mounted_is_looked_at_only(
    tmp_path: Path, asked: dict[str, Any], expected: list[Any]
) -> None:
    for catalogue in (None, CATALOGUE):
        found = choose(tmp_path, catalogue, granted=(), mounted=("/mnt/home",), **asked)
        assert brief(found.requests) == expected
        assert found.warnings == ()


@pytest.mark.parametrize(
    ("asked", "warning"),
    [
        (
            {"storageConfigNames": ["home"]},
            "storageConfigNames[0]: /mnt/home is not mounted, and no description of 'home': there "
            "is no file",
        ),
        (
            {"extras": [{"name": "x", "mountPath": "/x"}]},
            "extras.storages[0]: /x is not mounted, and no description of 'x': there is no file",
        ),
        ({}, "no storage is named, and no default one known: there is no file"),
    ],
)
def test_without_any_description_teamwise_storage_goes_on(
    tmp_path: Path, asked: dict[str, Any], warning: str
) -> None:
    found = choose(tmp_path, catalogue=None, mounted=(), **asked)
    assert found == Selection((), (warning,))


def test_an_unknown_name_is_a_warning_of_teamwise_storage(tmp_path: Path) -> None:
    found = choose(tmp_path, mounted=(), storageConfigNames=["old", "home"])
    assert brief(found.requests) == [HOME]
    assert found.warnings == (
        "storageConfigNames[0]: there is no storage config 'old' in the file; write one of: data, "
        "home, lost, read, twin",
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            {"storageConfigNames": ["old"]},
            "storageConfigNames[0]: there is no storage config 'old' in the file; write one of: "
            "data, home, lost, read, twin",
            id="an unknown name",
        ),
        pytest.param(
            {"storageConfigNames": ["home"], "catalogue": None},
            "storageConfigNames[0]: no description of storage 'home': there is no file",
            id="no catalogue",
        ),
        pytest.param(
            {"catalogue": None},
            "no storage is named, and no default one known: there is no file",
            id="no catalogue and no name",
        ),
        pytest.param(
            {"catalogue": Catalogue("x", {"data": CONFIGS["data"]}, SERVERS)},
            "no storage is named, and of those that may be used none is a default (data); name some"
            " in storageConfigNames",
            id="no default",
        ),
        pytest.param(
            {"storageConfigNames": ["lost"]},
            "the file: config 'lost'.mountInfos[0]: there is no server 'gone' in the file; define "
            "it there, or name one of: blob, nfs",
            id="no server",
        ),
        pytest.param(
            {"storageConfigNames": ["data", "twin"]},
            "storageConfigNames[1] (the file: config 'twin'.mountInfos[0]): the mount point /data "
            "is that of storage 'data[0]' (storageConfigNames[0] (the file: config 'data'."
            "mountInfos[0])) already; give one of them another",
            id="one mount point twice",
        ),
        pytest.param(
            {"storages": [{"name": "data", "mountPoint": "/x"}]},
            "storages[0]: the storage config 'data' has 2 mounts with a mount point each (/data, "
            "/blob); name none here",
            id="one mount point for two mounts",
        ),
        pytest.param(
            {"storages": [{"name": "read", "options": ["noatime,rw"]}]},
            "storages[0].options: storage config 'read' may only be read; remove 'rw'",
            id="an option against the permission",
        ),
        pytest.param(
            {"storages": [{"name": "home", "path": "../bob"}]},
            "storages[0].path: '../bob' leads upwards; write the path without '..', and look at "
            "what its variables hold",
            id="a path upwards",
        ),
        pytest.param(
            {"storages": [{"name": "home", "mountPoint": "data"}]},
            "storages[0].mountPoint: 'data' is no directory to mount on; write an absolute path, "
            "for example /mnt/data",
            id="a relative mount point",
        ),
        pytest.param(
            {"storages": [{"name": "x", "type": "nfs", "rootPath": "/a\n/b"}]},
            "storages[0].rootPath: '/a\\n/b' has a line break in it; write it without",
            id="a line break in a server's path",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, asked: dict[str, Any], message: str) -> None:
    assert refusal(lambda: choose(tmp_path, **asked)) == message


@pytest.mark.parametrize("mounted", [None, ()], ids=["storage", "teamwise_storage"])
@pytest.mark.parametrize(
    ("granted", "limited", "name", "shown"),
    [
        pytest.param(("home", "read"), False, "data", "home, read", id="another one"),
        pytest.param(("home",), False, "old", "home", id="an unknown one is not told apart"),
        pytest.param((), False, "home", "none", id="none granted"),
        pytest.param(None, True, "home", "none", id="a cluster that says nothing"),
    ],
)
def test_what_is_not_granted_is_refused_by_name(
    tmp_path: Path, mounted: Any, granted: Any, limited: bool, name: str, shown: str
) -> None:
    catalogue = dataclasses.replace(CATALOGUE, granted_only=limited)
    asked = {"catalogue": catalogue, "granted": granted, "mounted": mounted}
    assert refusal(lambda: choose(tmp_path, **asked, storageConfigNames=[name])) == (
        f"storageConfigNames[0]: user 'alice' may not use storage config {name!r}; granted "
        f"(STORAGE_CONFIGS): {shown}; name one of these, or ask the cluster's administrator"
    )


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        pytest.param(("home", "gone"), [HOME], id="the granted default"),
        pytest.param(None, [HOME], id="a file of the user's own grants everything"),
    ],
)
def test_defaults_are_taken_of_what_is_granted(
    tmp_path: Path, granted: Any, expected: list[Any]
) -> None:
    assert brief(choose(tmp_path, granted=granted).requests) == expected


def test_a_default_that_is_not_granted_is_none(tmp_path: Path) -> None:
    assert refusal(lambda: choose(tmp_path, granted=("read",))) == (
        "no storage is named, and of those that may be used none is a default (read); name some in "
        "storageConfigNames"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("", None), ("[]", ()), ('["b", "a", "b"]', ("b", "a"))],
)
def test_grants(text: str | None, expected: Any) -> None:
    environment = {} if text is None else {"STORAGE_CONFIGS": text}
    assert read_grants(environment) == expected


@pytest.mark.parametrize("text", ["home", '"home"', "[1]", "{}"])
def test_grants_that_are_no_list_are_refused(text: str) -> None:
    assert refusal(lambda: read_grants({"STORAGE_CONFIGS": text})) == (
        f'STORAGE_CONFIGS: {text!r} is not a JSON list of names; write it as ["one", "two"]'
    )


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        ({"name": "a"}, "extras.storages: not a list; start every entry with '- name: …'"),
        (["a"], 'job: extras.storages[0]: "a" is not allowed; write a mapping of'),
        ([{"mountPath": "/x"}], "job: extras.storages[0]: the key 'name' is missing"),
        (
            [{"name": "a", "mount": "/x"}],
            "job: extras.storages[0].mount: an unknown key; remove it",
        ),
        (
            [{"name": "a", "mode": "sync"}],
            'job: extras.storages[0].mode: "sync" is not allowed; wri',
        ),
        ([{"name": "a", "share": "no"}], "extras.storages[0].share: 'no' is not true or false;"),
        (
            [{"name": "a", "mountPath": "/x", "mountPoint": "/y"}],
            "extras.storages[0]: mountPoint and mountPath mean the same; remove one of them",
        ),
        (
            [{"name": "a", "type": "nfs", "options": {"key": "hunter2"}}],
            "extras.storages[0].options: entry 1 is a dict, not a text; write it in quotes",
        ),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, extras: Any, message: str) -> None:
    assert refusal(lambda: wishes(tmp_path, extras)).startswith(message)


def test_an_entry_that_no_cluster_would_use_is_left_out_by_teamwise_storage(
    tmp_path: Path,
) -> None:
    found = wishes(tmp_path, [{"mountPath": "/x"}, {"name": "a"}], tolerant=True)
    assert [wish.name for wish in found.wishes] == ["a"]
    assert found.warnings == (
        "left out: job: extras.storages[0]: the key 'name' is missing; add it",
    )


def test_the_jobs_storages_belong_to_the_first_storage_plugin(tmp_path: Path) -> None:
    uses = [{"name": "storage"}, {"name": "teamwise_storage"}]
    found = wishes(tmp_path, [{"name": "a"}], tolerant=True, uses=uses, storageConfigNames=["b"])
    assert [wish.name for wish in found.wishes] == ["b"]
