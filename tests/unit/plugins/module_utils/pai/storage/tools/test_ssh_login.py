"""The program that ssh asks for the password, and rclone's form of one."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import types
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Recipe
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import (
    rclone_secrets,
    ssh_login,
)
from tests.unit.storage_servers import request


def test_ssh_gets_the_password_from_a_program_without_it(tmp_path: Path) -> None:
    private = tmp_path / "with 'quotes' and blanks"
    private.mkdir()
    (private / "password").write_text("hunter2-secret\n")

    found = ssh_login.environment(private)

    program = Path(found["SSH_ASKPASS"])
    told = subprocess.run([program, "me@h's password:"], check=True, capture_output=True, text=True)
    assert told.stdout == "hunter2-secret\n"
    assert "hunter2" not in program.read_text()
    assert stat.S_IMODE(program.stat().st_mode) == 0o700
    assert "hunter2-secret" not in found.values()


def test_with_a_key_ssh_asks_nobody(tmp_path: Path) -> None:
    assert ssh_login.environment(tmp_path) == {}


@pytest.mark.parametrize(("env_auth", "passed"), [(True, True), (False, False)])
def test_the_environments_login_is_passed_on_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, env_auth: bool, passed: bool
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/mine")
    login = {"accessKey": None, "secretKey": None, "envAuth": True} if env_auth else {}
    recipe = types.recipe_for(request("s3", **login), Path("/p"))

    found = rclone_secrets.environment("rclone", recipe, time.monotonic())

    assert ("AWS_PROFILE" in found) == passed
    assert "AWS_CA_BUNDLE" not in found
    assert found["RCLONE_CONFIG"] == os.devnull


@pytest.mark.skipif(shutil.which("rclone") is None, reason="no rclone here (package rclone)")
def test_a_password_reaches_rclone_obscured() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpqampqampqampqampqampqampqampqampqampqampq"
    recipe = types.recipe_for(request("sftp", mode="cached", hostKey=key), Path("/p"))

    found = rclone_secrets.environment("rclone", recipe, time.monotonic() + 30)

    obscured = found["RCLONE_CONFIG_SERVER_PASS"]
    revealed = subprocess.run(
        ["rclone", "reveal", obscured], check=True, capture_output=True, text=True
    )
    assert revealed.stdout.strip() == "hunter2-secret"


def test_a_program_that_is_no_rclone_is_told(tmp_path: Path) -> None:
    password = {"RCLONE_CONFIG_SERVER_PASS": "hunter2-secret"}
    recipe = Recipe("rclone", "sftp:x", (), (), environment=password)
    broken = tmp_path / "rclone"
    broken.write_text("#!/bin/sh\ncat; exit 1\n")
    broken.chmod(0o755)

    with pytest.raises(rclone_secrets.MountError, match="rclone does not take the password") as e:
        rclone_secrets.environment(str(broken), recipe, time.monotonic() + 30)

    assert "hunter2" not in str(e.value)
    assert e.value.__cause__ is None
