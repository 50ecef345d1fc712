"""What each type tells its tool: source, options, files, environment."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import types
from tests.unit.storage_servers import PRIVATE, request

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpqampqampqampqampqampqampqampqampqampqampq"


@pytest.mark.parametrize(
    ("type_name", "path", "changes", "tool", "source"),
    [
        ("nfs", "", {}, "mount_helper", "nfs-1:/exports"),
        ("nfs", "users/me", {"rootPath": None}, "mount_helper", "nfs-1:/users/me"),
        ("nfs", "", {"address": "fd00::1", "rootPath": "/"}, "mount_helper", "[fd00::1]:/"),
        ("nfs", "a b,c", {}, "mount_helper", "nfs-1:/exports/a b,c"),
        ("samba", "", {}, "mount_helper", "//smb-1/share/top"),
        ("samba", "a b", {"rootPath": "/share/"}, "mount_helper", "//smb-1/share/a b"),
        ("azurefile", "a", {}, "mount_helper", "//acc.file.core.windows.net/share/a"),
        (
            "azurefile",
            "",
            {"dataStore": None},
            "mount_helper",
            "//acc.file.core.windows.net/share",
        ),
        ("azurefile", "", {"dataStore": "//store/"}, "mount_helper", "//store/share"),
        ("azurefile", "", {"proxy": ["me@p", "pw"]}, "tunnel", "//acc.file.core.windows.net/share"),
        ("azureblob", "a", {}, "rclone", "azureblob:acc.blob.core.windows.net/cont/a"),
        ("s3", "", {}, "rclone", "s3:amazonaws.com/buck"),
        ("s3", "a/b", {"endpoint": "http://m:9000"}, "rclone", "s3:m:9000/buck/a/b"),
        ("gcs", "", {}, "rclone", "gcs:storage.googleapis.com/buck"),
        ("sftp", "", {}, "sshfs", "host-1:"),
        ("sftp", "a", {"rootPath": "/data", "address": "::1"}, "sshfs", "[::1]:/data/a"),
        ("ssh", "a", {"rootPath": "data/"}, "sshfs", "host-1:data/a"),
        (
            "sftp",
            "a",
            {"mode": "cached", "hostKey": HOST_KEY, "rootPath": "/data"},
            "rclone",
            "sftp:me@host-1:22:/data/a",
        ),
        ("hostpath", "a/b", {}, "bind", "/data/a/b"),
        ("pvc", "", {}, "existing", ""),
    ],
)
def test_tool_and_source(
    type_name: str, path: str, changes: dict[str, Any], tool: str, source: str
) -> None:
    recipe = types.recipe_for(request(type_name, path, **changes), PRIVATE)

    assert (recipe.tool, recipe.source) == (tool, source)


@pytest.mark.parametrize(
    ("type_name", "changes", "expected"),
    [
        ("samba", {}, "username=me\npassword=hunter2-secret\ndomain=WORK\n"),
        ("samba", {"password": 123456, "domain": None}, "username=me\npassword=123456\n"),
        ("azurefile", {}, "username=acc\npassword=a2V5LWtleS1rZXk=\n"),
    ],
)
def test_the_credentials_of_a_share_are_in_a_file(
    type_name: str, changes: dict[str, Any], expected: str
) -> None:
    recipe = types.recipe_for(request(type_name, **changes), PRIVATE)

    assert recipe.files == {"credentials": expected}
    assert recipe.options[0] == "credentials=/run/pai/1/credentials"


def test_a_share_without_user_is_mounted_as_guest() -> None:
    recipe = types.recipe_for(request("samba", userName=None, password=None), PRIVATE)

    assert recipe.options == ("guest", "vers=3.0")
    assert recipe.files == {}


@pytest.mark.parametrize("path", ["a,uid=0", "a\\b"])
def test_a_path_that_would_become_an_option_of_cifs_is_refused(path: str) -> None:
    with pytest.raises(
        RuntimeConfigError, match="a path on a share has neither commas nor backslashes"
    ):
        types.check(request("samba", path))


@pytest.mark.parametrize(
    ("type_name", "changes", "expected"),
    [
        (
            "s3",
            {"region": "eu-1", "endpoint": "http://m:9000"},
            {
                "TYPE": "s3",
                "PROVIDER": "Other",
                "ENDPOINT": "http://m:9000",
                "REGION": "eu-1",
                "ACCESS_KEY_ID": "access-key-1",
                "SECRET_ACCESS_KEY": "secret-key-1",
                "ENV_AUTH": "false",
                "FORCE_PATH_STYLE": "true",
                "NO_CHECK_BUCKET": "true",
            },
        ),
        (
            "s3",
            {"accessKey": None, "secretKey": None, "envAuth": True, "pathStyle": False},
            {
                "TYPE": "s3",
                "PROVIDER": "AWS",
                "ENV_AUTH": "true",
                "FORCE_PATH_STYLE": "false",
                "NO_CHECK_BUCKET": "true",
            },
        ),
        (
            "azureblob",
            {"accountName": "devstoreaccount1", "endpoint": "http://e:1/devstoreaccount1"},
            {
                "TYPE": "azureblob",
                "ACCOUNT": "devstoreaccount1",
                "KEY": "a2V5LWtleS1rZXk=",
                "ENDPOINT": "http://e:1/devstoreaccount1",
                "USE_EMULATOR": "true",
            },
        ),
        (
            "azureblob",
            {"endpoint": "https://acc.blob.core.chinacloudapi.cn"},
            {
                "TYPE": "azureblob",
                "ACCOUNT": "acc",
                "KEY": "a2V5LWtleS1rZXk=",
                "ENDPOINT": "blob.core.chinacloudapi.cn",
                "USE_EMULATOR": "false",
            },
        ),
        (
            "gcs",
            {"serviceAccountKey": None, "anonymous": True},
            {
                "TYPE": "google cloud storage",
                "ANONYMOUS": "true",
                "ENV_AUTH": "false",
                "BUCKET_POLICY_ONLY": "true",
            },
        ),
        (
            "sftp",
            {"mode": "cached", "hostKey": HOST_KEY, "rootPath": "/data"},
            {
                "TYPE": "sftp",
                "HOST": "host-1",
                "PORT": "22",
                "USER": "me",
                "PASS": "hunter2-secret",
                "KNOWN_HOSTS_FILE": "/run/pai/1/known_hosts",
                "SHELL_TYPE": "none",
            },
        ),
    ],
)
def test_rclone_learns_of_the_server_by_its_environment(
    type_name: str, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    recipe = types.recipe_for(request(type_name, **changes), PRIVATE)

    of_server = {
        name[len("RCLONE_CONFIG_SERVER_") :]: value
        for name, value in recipe.environment.items()
        if name.startswith("RCLONE_CONFIG_SERVER_")
    }
    assert of_server == expected
    assert recipe.environment["RCLONE_CONFIG_PAI_TYPE"] == "alias"
    assert recipe.environment["RCLONE_CONFIG_PAI_REMOTE"].startswith("server:")


def test_a_proxy_is_used_only_where_the_server_names_one() -> None:
    recipe = types.recipe_for(request("s3", httpProxy="http://proxy:3128"), PRIVATE)

    assert recipe.environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert "HTTPS_PROXY" not in types.recipe_for(request("s3"), PRIVATE).environment


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("mount", {"vfs-cache-mode=writes", "vfs-write-back=1s"}),
        ("copy", {"vfs-cache-mode=writes", "vfs-write-back=1s"}),
        ("cached", {"vfs-cache-mode=full", "vfs-write-back=5s"}),
    ],
)
def test_the_mode_chooses_the_cache(mode: str, expected: set[str]) -> None:
    assert expected <= set(types.recipe_for(request("s3", mode=mode), PRIVATE).options)


def test_a_known_host_key_is_the_only_one_accepted() -> None:
    recipe = types.recipe_for(request("sftp", port=2222, hostKey=f"host-1 {HOST_KEY} x"), PRIVATE)

    assert recipe.files["known_hosts"] == f"storage,[host-1]:2222 {HOST_KEY}\n"
    assert "  StrictHostKeyChecking yes\n" in recipe.files["ssh_config"]


def test_the_file_of_a_host_key_seen_first_is_left_to_ssh() -> None:
    recipe = types.recipe_for(request("sftp"), PRIVATE)

    assert set(recipe.files) == {"ssh_config", "password"}
    assert "  StrictHostKeyChecking accept-new\n" in recipe.files["ssh_config"]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here (openssh-client)")
@pytest.mark.parametrize(
    ("type_name", "changes", "expected"),
    [
        (
            "ssh",
            {"port": 2222, "address": "fd00::1"},
            {"hostname fd00::1", "port 2222", "user me", "preferredauthentications publickey"},
        ),
        (
            "azurefile",
            {"proxy": ["me@proxy-1:2200", "pw-of-proxy"]},
            {"hostname proxy-1", "port 2200", "user me", "stricthostkeychecking accept-new"},
        ),
        (
            "azurefile",
            {"proxy": ["proxy-1", "pw-of-proxy"], "proxyHostKey": HOST_KEY},
            {"hostname proxy-1", "port 22", "stricthostkeychecking true"},
        ),
    ],
)
def test_openssh_reads_what_is_meant(
    tmp_path: Path, type_name: str, changes: dict[str, Any], expected: set[str]
) -> None:
    private = tmp_path / "100% mine"
    private.mkdir()
    recipe = types.recipe_for(request(type_name, **changes), private)
    (private / "ssh_config").write_text(recipe.files["ssh_config"])

    told = subprocess.run(
        ["ssh", "-G", "-F", str(private / "ssh_config"), "storage"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()

    assert {*expected, f"userknownhostsfile {private}/known_hosts"} <= set(told)
    assert "hostkeyalias storage" in told


def test_a_private_key_ends_with_a_line_break() -> None:
    recipe = types.recipe_for(request("ssh", privateKey="BEGIN\r\nabc\r\nEND"), PRIVATE)

    assert recipe.files["identity"] == "BEGIN\nabc\nEND\n"
    assert re.search(r'IdentityFile "/run/pai/1/identity"', recipe.files["ssh_config"])
