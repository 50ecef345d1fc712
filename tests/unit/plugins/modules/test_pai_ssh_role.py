"""The plugin ssh in the whole life of a task: what the command finds, and what is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document, role
from tests.unit.playbooks import ROOT
from tests.unit.ssh_tasks import PLUGINS, need_sshd, safe_directory


@pytest.fixture
def place() -> Iterator[Path]:
    need_sshd()
    with safe_directory() as directory:
        (directory / "home").mkdir()
        yield directory


def run(
    place: Path, parameters: dict[str, Any], command: str, policy: str = "fail"
) -> subprocess.CompletedProcess[str]:
    plugin = {"plugin": "ssh", "failurePolicy": policy, "parameters": parameters}
    worker = role(instances=1, commands=[command])
    job = document(taskRoles={"worker": worker}, extras={PLUGINS: [plugin]})
    (place / "job.yml").write_text(yaml.safe_dump(job))
    return subprocess.run(
        [str(ROOT / "bin" / "pai-runtime"), "run", "job.yml"],
        cwd=place,
        env={
            "PATH": os.environ["PATH"],
            "PAI_PYTHON": os.environ.get("PAI_TEST_PYTHON", sys.executable),
            "HOME": str(place / "home"),
            "PAI_SSH_HOME": str(place / "home"),
            "PAI_USER_EXTENSION_SECRETS": str(place / "secrets.yml"),
            "TERM": "dumb",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def left(place: Path) -> list[Path]:
    """Return what of ssh is still there."""
    return [*place.rglob("sshd*"), *place.rglob("*job_key*"), *place.rglob("id_rsa")]


def test_the_command_reaches_its_task_and_nothing_is_left(place: Path) -> None:
    command = 'ssh -F "$HOME/.ssh/config" worker-0 \'echo "in $PAI_TASK_INDEX"\''
    done = run(place, {"jobssh": True, "sshbarrier": True}, command)
    assert (done.returncode, done.stdout) == (0, "in 0\n"), done.stderr
    assert "plugin ssh: stop sshd" in done.stderr
    assert left(place) == []


def test_a_key_that_is_malformed_is_named_in_the_log(place: Path) -> None:
    keys = [{"title": "old laptop", "value": "ssh-ed25519 AAAAmalformed"}]
    (place / "secrets.yml").write_text(yaml.safe_dump({"sshKeys": keys}))
    done = run(place, {"jobssh": True}, "echo hello")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert "sshKeys entry 1 ('old laptop'): left out: its base64 text is damaged" in done.stderr
    assert "AAAAmalformed" not in done.stderr


@pytest.mark.parametrize(("policy", "output"), [("fail", ""), ("ignore", "hello\n")])
def test_a_key_of_the_job_that_is_none(place: Path, policy: str, output: str) -> None:
    (place / "secrets.yml").write_text(yaml.safe_dump({"jobSSH": {"key": "rubbish-rubbish"}}))
    done = run(place, {"jobssh": True}, "echo hello", policy)
    assert done.stdout == output
    assert "no private key that ssh can use" in " ".join(done.stderr.split())
    assert "rubbish" not in done.stderr
    assert left(place) == []
