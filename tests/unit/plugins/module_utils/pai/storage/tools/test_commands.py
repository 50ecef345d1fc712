"""The command lines of the tools."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import types
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import (
    TOOLS,
    bind,
    mount_helper,
    rclone,
    sshfs,
    tunnel,
)
from tests.unit.storage_servers import PRIVATE, SERVERS, request

POINT = Path("/mnt/data")


def test_every_types_tool_is_in_the_table() -> None:
    tools = {types.recipe_for(request(name), PRIVATE).tool for name in SERVERS}
    tools.add(types.recipe_for(request("azurefile", proxy=["me@p", "pw"]), PRIVATE).tool)

    assert tools == set(TOOLS)


@pytest.mark.parametrize(
    ("type_name", "changes", "read_only", "expected"),
    [
        ("nfs", {}, False, ["-t", "nfs4", "-o", "rw,retry=0", "nfs-1:/exports/a", "/mnt/data"]),
        (
            "nfs",
            {"address": "fd00::1"},
            True,
            ["-t", "nfs4", "-o", "ro,retry=0", "[fd00::1]:/exports/a", "/mnt/data"],
        ),
        (
            "samba",
            {},
            False,
            [
                *("-t", "cifs", "-o", "rw,credentials=/run/pai/1/credentials,vers=3.0"),
                *("//smb-1/share/top/a", "/mnt/data"),
            ],
        ),
        (
            "azurefile",
            {},
            True,
            [
                *("-t", "cifs", "-o"),
                "ro,credentials=/run/pai/1/credentials,"
                "vers=3.0,dir_mode=0777,file_mode=0777,serverino",
                *("//acc.file.core.windows.net/share/a", "/mnt/data"),
            ],
        ),
    ],
)
def test_mount_helpers(
    type_name: str, changes: dict[str, Any], read_only: bool, expected: list[str]
) -> None:
    recipe = types.recipe_for(request(type_name, "a", **changes), PRIVATE)

    assert mount_helper.command(recipe, POINT, read_only) == expected


def test_the_tunnel_leads_to_the_store_and_the_mount_to_the_tunnel() -> None:
    recipe = types.recipe_for(request("azurefile", proxy=["me@proxy-1", "pw"]), PRIVATE)

    words = tunnel.command(recipe, PRIVATE, 2000)
    mount = mount_helper.command(tunnel.through(recipe, 2000), POINT, False)

    assert words[:2] == ["-F", "/run/pai/1/ssh_config"]
    assert words[-2:] == ["127.0.0.1:2000:acc.file.core.windows.net:445", "storage"]
    assert mount[3].endswith(",serverino,ip=127.0.0.1,port=2000")
    assert mount[4] == "//acc.file.core.windows.net/share"


@pytest.mark.parametrize(
    ("read_only", "others", "expected"),
    [
        (False, True, "rw,allow_other,reconnect,idmap=user"),
        (True, False, "ro,reconnect,idmap=user"),
    ],
)
def test_sshfs(read_only: bool, others: bool, expected: str) -> None:
    recipe = types.recipe_for(request("ssh", "a"), PRIVATE)

    assert sshfs.command(recipe, PRIVATE, POINT, read_only, others) == [
        *("-f", "-F", "/run/pai/1/ssh_config", "-o", expected, "host-1:a", "/mnt/data")
    ]


def test_rclone_has_neither_secrets_nor_the_server_in_its_arguments() -> None:
    recipe = types.recipe_for(request("s3", "a"), PRIVATE)

    words = rclone.command(recipe, PRIVATE, POINT, read_only=True, others=True)

    assert words[:3] == [
        "mount",
        "--devname=s3:amazonaws.com/buck/a",
        "--cache-dir=/run/pai/1/cache",
    ]
    assert words[-3:] == ["--", "pai:", "/mnt/data"]
    assert {"--read-only", "--allow-other", "--vfs-cache-mode=writes"} <= set(words)


@pytest.mark.parametrize(
    ("options", "read_only", "second"),
    [
        ([], False, None),
        ([], True, "remount,bind,ro"),
        (["noexec", "nosuid"], True, "remount,bind,ro,noexec,nosuid"),
        (["nodev"], False, "remount,bind,nodev"),
    ],
)
def test_a_bind_mount_is_restricted_by_a_second_call(
    options: list[str], read_only: bool, second: str | None
) -> None:
    recipe = types.recipe_for(request("hostpath", "", *options), PRIVATE)

    calls = bind.commands(recipe, POINT, read_only)

    assert calls[0] == ["--bind", "/data", "/mnt/data"]
    assert calls[1:] == ([["-o", second, "/mnt/data"]] if second else [])


def test_a_bind_mount_of_nothing_says_so(tmp_path: Path) -> None:
    recipe = types.recipe_for(request("hostpath", rootPath=str(tmp_path / "none")), PRIVATE)

    with pytest.raises(bind.MountError, match="there is no directory") as e:
        TOOLS["bind"].mount(recipe, PRIVATE, tmp_path, False, 0.0)

    assert str(e.value) == f"there is no directory {tmp_path}/none on this machine"
    assert e.value.path_missing


def test_a_volume_that_the_platform_did_not_mount_is_missed(tmp_path: Path) -> None:
    recipe = types.recipe_for(request("pvc"), PRIVATE)

    with pytest.raises(bind.MountError, match=f"nothing is mounted at {tmp_path}; add the volume"):
        TOOLS["existing"].mount(recipe, PRIVATE, tmp_path, False, 0.0)

    assert TOOLS["existing"].mount(recipe, PRIVATE, Path("/proc"), False, 0.0) == {}


@pytest.mark.parametrize(
    ("filesystem", "package"),
    [("nfs4", "package nfs-common, on RHEL nfs-utils"), ("cifs", "package cifs-utils")],
)
def test_a_mount_helper_that_is_missing_is_told_with_its_package(
    filesystem: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ansible_collections.openpai.runtime.plugins.module_utils.pai.processes._SYSTEM",
        (),
    )
    recipe = types.recipe_for(request("nfs"), PRIVATE)

    told = TOOLS["mount_helper"].missing(
        dataclasses.replace(recipe, filesystems=(filesystem,)), {"PATH": "/nowhere"}
    )

    assert told == (
        f"the program mount.{filesystem} is missing; install it in the image ({package})"
    )
