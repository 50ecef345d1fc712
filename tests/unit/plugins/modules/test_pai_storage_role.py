"""The plugins storage and teamwise_storage in the whole life of a task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document, role
from tests.unit.playbooks import ROOT, play

PLUGINS = "com.microsoft.pai.runtimeplugin"
PASSWORD = "hunter2-of-the-cluster"
OWN = "hunter2-of-the-job"
NAMESPACE = ["unshare", "--mount", "--propagation", "private"]


def job(place: Path, command: str, *plugins: dict[str, Any], **extras: Any) -> Path:
    worker = role(instances=1, commands=[command])
    uses = {PLUGINS: list(plugins), **extras}
    content = document(taskRoles={"worker": worker}, extras=uses, secrets={"key": OWN})
    (place / "job.yml").write_text(yaml.safe_dump(content))
    return place / "job.yml"


def storage_file(place: Path, servers: list[Any], configs: list[Any]) -> str:
    path = place / "storage.yml"
    path.write_text(yaml.safe_dump({"servers": servers, "configs": configs}))
    path.chmod(0o600)
    return str(path)


def run(place: Path, *before: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, str(ROOT / "bin" / "pai-runtime"), "run", "job.yml"],
        cwd=place,
        env={
            "PATH": os.environ["PATH"],
            "PAI_PYTHON": os.environ.get("PAI_TEST_PYTHON", sys.executable),
            "HOME": str(place),
            "PAI_USER_NAME": "alice",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def holders(place: Path, text: str) -> set[tuple[str, int]]:
    """Return the files below ``place`` that hold ``text``, and their modes."""
    return {
        (path.name, path.stat().st_mode & 0o777)
        for path in place.rglob("*")
        if path.is_file() and not path.is_symlink() and text in path.read_text("utf-8", "replace")
    }


@pytest.mark.parametrize("plugin", ["storage", "teamwise_storage"])
def test_the_command_finds_its_storage_and_what_it_writes_stays(
    tmp_path: Path, plugin: str
) -> None:
    if subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode:
        pytest.skip("mounting takes a mount namespace of its own, for which root is needed")
    point, remote = tmp_path / "mnt", tmp_path / "remote"
    remote.mkdir()
    info = {"mountPoint": f"{tmp_path}/mnt", "path": "users/%USER", "server": "here"}
    file = storage_file(
        tmp_path,
        [{"spn": "here", "type": "hostpath", "rootPath": str(remote)}],
        [{"name": "home", "default": True, "mountInfos": [info]}],
    )
    job(tmp_path, f"echo hello > {point}/file; ls -A {point}", {"plugin": plugin})
    done = run(tmp_path, *NAMESPACE, PAI_STORAGE_FILE=file)
    assert (done.returncode, done.stdout) == (0, "file\n"), done.stderr
    assert (remote / "users" / "alice" / "file").read_text() == "hello\n"
    assert not point.exists()
    assert not list(tmp_path.rglob("position-*.json"))


def test_a_storage_that_cannot_be_had_ends_the_task_with_one_line(tmp_path: Path) -> None:
    plugin = {"plugin": "storage", "parameters": {"storageConfigNames": ["home"]}}
    job(tmp_path, "echo hello", plugin)
    done = run(tmp_path, PAI_STORAGE_KUBERNETES="no")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        "plugin storage (number 1 of the job's list): storageConfigNames[0]: no description of "
        "storage 'home': PAI_STORAGE_FILE names no file, and PAI_STORAGE_KUBERNETES=no"
    ) in " ".join(done.stderr.split())


def test_a_job_of_a_cluster_goes_on_where_nothing_describes_its_storage(tmp_path: Path) -> None:
    job(tmp_path, "echo hello", storages=[{"name": "nowhere"}])
    done = run(tmp_path, PAI_STORAGE_KUBERNETES="no")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert "/mnt/nowhere is not mounted, and no description of 'nowhere': PAI_" in done.stderr


def test_no_password_gets_out_however_loud_the_playbooks_are(tmp_path: Path) -> None:
    server = {"type": "samba", "address": "127.0.0.1", "rootPath": "x", "userName": "u"}
    file = storage_file(
        tmp_path,
        [{"spn": "smb", **server, "password": PASSWORD}],
        [{"name": "team", "mountInfos": [{"server": "smb", "mountPoint": f"{tmp_path}/a"}]}],
    )
    own = {"name": "own", "mountPoint": f"{tmp_path}/b", "password": "<% $secrets.key %>", **server}
    parameters = {"storageConfigNames": ["team"], "storages": [own]}
    path = job(tmp_path, "echo hello", {"plugin": "storage", "parameters": parameters})
    settings = {"PAI_RUNTIME_JOB_FILE": str(path), "PAI_STORAGE_FILE": file}
    done = play("start.yml", tmp_path, "-vvv", "--diff", **settings)
    assert "storage 'team' at " in done.stdout, "nobody serves there"
    assert "position-0.json" in done.stdout
    for secret in (PASSWORD, OWN):
        assert secret not in done.stdout + done.stderr
    work = tmp_path / "work"
    private = {(name, 0o600) for name in ("position-0.json", "secrets_of_plugins.json")}
    assert holders(work, PASSWORD) == private
    path.unlink()
    left = {("plugins.json", 0o600), ("secrets.json", 0o600)}
    assert holders(work, OWN) == private | left
    done = play("exit.yml", tmp_path, "-vvv", **settings)
    for secret in (PASSWORD, OWN):
        assert secret not in done.stdout + done.stderr
    assert holders(work, PASSWORD) == {("secrets_of_plugins.json", 0o600)}
