from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import MountInfo
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.sources import (
    Catalogue,
    from_secrets,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.storage_file import (
    read_file,
)
from tests.unit.jobs import refusal

SERVERS = [
    {"spn": "nfs-1", "type": "nfs", "address": "10.0.0.1", "rootPath": "/export"},
    {"spn": "smb-1", "type": "samba", "data": {"address": "10.0.0.2", "password": "hunter2"}},
]
CONFIGS = [
    {
        "name": "data",
        "default": True,
        "gpn": "of another time",
        "mountInfos": [
            {"mountPoint": "/data", "path": "users/%USER", "server": "nfs-1", "permission": "ro"},
            {"path": "", "server": "smb-1", "mode": "cached", "options": "vers=3.1.1"},
        ],
    }
]


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def write(directory: Path, value: Any) -> Path:
    path = directory / "storage.yml"
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return path


def secret(name: str, entries: list[dict[str, Any]], key: str) -> dict[str, Any]:
    data = {entry[key]: encoded(entry) for entry in entries}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}


FORMS = {
    "our own": {"servers": SERVERS, "configs": CONFIGS},
    "two secrets": {
        "storage-config": {"data": encoded(CONFIGS[0])},
        "storage-server": {"nfs-1": encoded(SERVERS[0]), "smb-1": SERVERS[1]},
    },
    "as kubectl prints them": {
        "kind": "List",
        "items": [
            secret("storage-config", CONFIGS, "name"),
            secret("something-else", [], ""),
            secret("storage-server", SERVERS, "spn"),
        ],
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, FORMS[form])
    catalogue = read_file(path)
    config = catalogue.config("data")
    place = f"storage file {path}: config 'data'"
    assert config is not None
    assert (config.name, config.default, config.place) == ("data", True, place)
    assert config.mount_infos == (
        MountInfo("/data", "users/%USER", "nfs-1", True, "mount", (), f"{place}.mountInfos[0]"),
        MountInfo(
            "/mnt/data", "", "smb-1", False, "cached", ("vers=3.1.1",), f"{place}.mountInfos[1]"
        ),
    )
    server = catalogue.server("smb-1", "here")
    assert (server.type, server.data) == ("samba", {"address": "10.0.0.2", "password": "hunter2"})
    flat = catalogue.server("nfs-1", "here")
    assert flat.data == {"address": "10.0.0.1", "rootPath": "/export"}
    assert catalogue.config("other") is None
    assert "hunter2" not in repr((catalogue, server))


@pytest.mark.parametrize("form", ["{}", "{servers: [], configs: []}", "storage-config: {}"])
def test_a_file_without_entries(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form)
    assert refusal(lambda: read_file(path).server("nfs-1", "config 'x'")) == (
        f"config 'x': there is no server 'nfs-1' in storage file {path}; define it there, or name "
        "one of: none"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hunter2", "the top level: the value (not shown) is not allowed; write a mapping of"),
        ("a: [hunter2", "not valid YAML at line "),
        ("'hunter2': 1\n'hunter2': 2", "not valid YAML at line 2, column 1; correct it there"),
        ("server: []", "server: an unknown key; remove it or write one of: configs, servers"),
        ("servers: [hunter2]", "servers[0]: the value (not shown) is not allowed; write a mapping"),
        ("servers: [{type: nfs}]", "servers[0]: the key 'spn' is missing; add it"),
        ("configs: [{name: a}, {name: a}]", "configs[1].name: 'a' stands here a second time;"),
        ("storage-server: [hunter2]", "storage-server: the value (not shown) is not allowed"),
    ],
)
def test_a_broken_file_is_refused_without_quoting_it(
    tmp_path: Path, content: str, message: str
) -> None:
    path = write(tmp_path, content)
    told = refusal(lambda: read_file(path))
    assert told.startswith(f"storage file {path}: {message}")
    assert "hunter2" not in told


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    assert refusal(lambda: read_file(path)) == (
        f"storage file {path}: No such file or directory; correct PAI_STORAGE_FILE, or make it "
        "readable"
    )


def config(**info: Any) -> Catalogue:
    entry = {"mountInfos": [{"server": "s", **info}]}
    return from_secrets({"c": encoded(entry)}, {}, "the secrets")


@pytest.mark.parametrize(
    ("catalogue", "message"),
    [
        (
            config(permission="rx"),
            """the secrets: config 'c'.mountInfos[0].permission: "rx" is not allowed; write one""",
        ),
        (config(mode="sync"), """the secrets: config 'c'.mountInfos[0].mode: "sync" is not allo"""),
        (config(server=None), "the secrets: config 'c'.mountInfos[0].server: null is not allowed"),
        (
            from_secrets({"c": {"mountInfos": []}}, {}, "the secrets"),
            "the secrets: config 'c'.mountInfos: [] is not allowed; it must not be empty",
        ),
        (
            from_secrets({"c": {}}, {}, "the secrets"),
            "the secrets: config 'c': the key 'mountInfos' is missing; add it",
        ),
        (
            from_secrets({"c": "hunter2"}, {}, "the secrets"),
            "the secrets: config 'c': not JSON in base64; write it to the secret again",
        ),
    ],
)
def test_a_broken_config_is_refused_when_it_is_asked_for(
    catalogue: Catalogue, message: str
) -> None:
    assert catalogue.config("other") is None
    told = refusal(lambda: catalogue.config("c"))
    assert told.startswith(message)
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("hunter2!", "the secrets: server 's': not JSON in base64"),
        (encoded("hunter2"), "the secrets: server 's': the value (not shown) is not allowed"),
        ({"key": "hunter2"}, "the secrets: server 's': the key 'type' is missing; add it"),
        ({"type": "nfs", "data": "hunter2"}, "the secrets: server 's'.data: the value (not sh"),
    ],
)
def test_a_broken_server_is_refused_without_its_secrets(entry: Any, message: str) -> None:
    told = refusal(lambda: from_secrets({}, {"s": entry}, "the secrets").server("s", "here"))
    assert told.startswith(message)
    assert "hunter2" not in told
