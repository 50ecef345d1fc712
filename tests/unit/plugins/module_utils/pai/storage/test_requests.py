from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import requests
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Request
from tests.unit.jobs import refusal

REQUEST = Request(
    name="data",
    type="samba",
    server={"address": "10.0.0.1", "password": "pw", "proxy": ["a@b", "hunter2-hunter2"]},
    path="users/alice",
    mount_point=Path("/mnt/data"),
    read_only=True,
    mode="cached",
    options=("vers=3.0",),
    place="extras.storages[0]",
)


def test_a_request_comes_back_as_it_was() -> None:
    assert requests.from_dict(json.loads(json.dumps(requests.to_dict(REQUEST)))) == REQUEST


def test_what_may_be_left_out() -> None:
    given = {"name": "d", "type": "nfs", "mount_point": "/mnt/d/"}
    assert requests.from_dict(given, "mounts[0]") == Request(
        "d", "nfs", {}, "", Path("/mnt/d"), False, "mount", (), "mounts[0]: 'd'"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": None}, "mounts[0]: type: null is not allowed; write a text; put it in quotes"),
        ({"mode": "sync"}, 'mounts[0]: mode: "sync" is not allowed; write one of mount, cached'),
        ({"read_only": "yes"}, "mounts[0]: 'd': read_only: 'yes' is not true or false; write one"),
        ({"path": "../x"}, "mounts[0]: 'd': path: '../x' leads upwards"),
        ({"mount_point": "x"}, "mounts[0]: 'd': mount_point: 'x' is no directory to mount on"),
        ({"options": [{}]}, "mounts[0]: 'd': options: entry 1 is a dict, not a text"),
        ({"mountPoint": "/x"}, "mounts[0]: mountPoint: an unknown key; remove it or write one of:"),
    ],
)
def test_a_wrong_request_is_refused(change: dict[str, Any], message: str) -> None:
    given = {"name": "d", "type": "nfs", "mount_point": "/mnt/d", **change}
    assert refusal(lambda: requests.from_dict(given, "mounts[0]")).startswith(message)


def test_a_server_at_the_wrong_place_is_not_shown() -> None:
    given = {"name": "d", "type": "nfs", "mount_point": "/mnt/d", "server": "hunter2-hunter2"}
    told = refusal(lambda: requests.from_dict(given))
    assert told.startswith("mounts: server: the value (not shown) is not allowed; write a mapping")


def test_a_file_of_requests_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "position-0.json"
    assert requests.read(file) == ()
    file.write_text(requests.document([REQUEST]))
    assert requests.read(file) == (REQUEST,)
    file.write_text('{"mounts": [{"name": "x"}]}')
    assert refusal(lambda: requests.read(file)) == (
        f"{file}: mounts[0]: the top level: the key 'type' is missing; add it"
    )


def test_what_is_shown_has_no_secret_however_short() -> None:
    shown = requests.shown(requests.document([REQUEST]).encode(), ["pw", "hunter2-hunter2"])
    assert json.loads(shown)["mounts"][0]["server"] == {
        "address": "10.0.0.1",
        "password": "******",
        "proxy": "******",
    }


def test_a_secret_at_the_wrong_place_is_masked_too() -> None:
    text = requests.document([REQUEST]).replace("users/alice", "users/hunter2-hunter2")
    assert "hunter2" not in requests.shown(text.encode(), ["hunter2-hunter2"])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"mounts": [1]}', b"\xff"])
def test_of_a_damaged_file_nothing_is_shown(content: bytes) -> None:
    assert requests.shown(content, []) == ""
