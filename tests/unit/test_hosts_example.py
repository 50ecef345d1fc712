"""The inventory of examples/hosts describes storages that can be mounted persistently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import boot, systemd
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.requests import from_dict
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.sight import make_wish
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import Store
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import TOOLS
from tests.unit.playbooks import ROOT
from tests.unit.storage_mounts import real_ways


def variables(directory: Path) -> dict[str, Any]:
    """Return what the inventory says of a host, decrypted as its README tells."""
    password = directory / "vault_password"
    password.write_text("example\n")
    command = [str(Path(sys.executable).with_name("ansible")), "storage_hosts[0]"]
    options = ["-i", "examples/hosts", "--vault-password-file", str(password), "-c", "local"]
    task = ["-m", "ansible.builtin.debug", "-a", "msg={{ storage_mounts }}"]
    done = subprocess.run(
        [*command, *options, *task],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
    return found


def test_the_example_can_be_mounted_persistently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = variables(tmp_path)["msg"]
    store = Store(tmp_path / "state")
    wishes = [make_wish(from_dict(mount), store, real_ways(TOOLS)) for mount in mounts]
    monkeypatch.setattr(systemd, "is_here", lambda: True)
    boot.refuse(wishes, store, (), "")
    told = boot.present(wishes, store, persistent=True)
    assert [line["path"] for line in told.fstab] == ["/mnt/datasets", "/mnt/results"]
    assert [unit["name"] for unit in told.units] == ["openpai-storage-mnt-models.service"]
    secrets = [secret for wish in wishes for secret in wish.recipe.secrets]
    assert secrets == ["results-password", "models-access-key", "models-secret-key"]
    assert [secret for secret in secrets if secret in json.dumps(told.public())] == []
