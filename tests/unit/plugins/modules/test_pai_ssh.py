"""The module pai_ssh: which files it writes, for whom, and what it leaves out."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.modules import pai_env
from tests.unit.jobs import framework, role
from tests.unit.plugins.module_utils.pai.ssh.test_authorized_keys import ED
from tests.unit.plugins.module_utils.pai.ssh.test_keys import rsa_pem
from tests.unit.ssh_tasks import LocalTask, Run, safe_directory

PEM = rsa_pem()
KEY = f"ssh-ed25519 {ED}"


@pytest.fixture
def task(run_module: Run) -> Any:
    with safe_directory() as directory:
        yield LocalTask(directory, run_module)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_check_run_check_run(task: LocalTask) -> None:
    task.prepare({"jobssh": True})
    first = task.write(check=True)
    assert first["changed"]
    assert not task.directory.exists()
    assert not (task.home / ".ssh").exists()
    assert not (task.work.parents[1] / "ssh-secret").exists()
    runs = [task.write(check=check) for check in (False, True, False)]
    assert [run["changed"] for run in runs] == [True, False, False]
    assert first["actions"] == runs[0]["actions"]
    assert [run["actions"] for run in runs[1:]] == [[], []]
    assert {**runs[0], "actions": [], "changed": False, "diff": []} == runs[2]


def test_what_is_private(task: LocalTask) -> None:
    task.prepare({"jobssh": True})
    result = task.write()
    modes = {path.name: mode(path) for path in task.directory.iterdir()}
    private = ("job_key", "host_key", "environment", "authorized_keys")
    assert {modes[name] for name in private} == {0o600}
    assert modes["session"] == 0o700
    assert mode(task.directory) == mode(task.home / ".ssh") == 0o700
    assert mode(task.home / ".ssh" / "id_rsa") == 0o400
    assert mode(task.work.parents[1] / "ssh-secret") == 0o600
    assert result["aliases"] == 4
    shown = {os.path.basename(entry["after_header"]) for entry in result["diff"]}
    assert shown.isdisjoint({*private, "id_rsa", "session"})


def test_the_users_own_files_are_as_before_at_the_end(task: LocalTask) -> None:
    task.prepare({"jobssh": True})
    (task.home / ".ssh").mkdir(mode=0o755)
    (task.home / ".ssh" / "config").write_text("Host mine\n  Port 1\n")
    (task.home / ".ssh" / "id_rsa").write_text("mine")
    task.write()
    lines = task.config.read_text().splitlines()
    assert lines[1] == f"Include {task.directory}/ssh_config"
    assert lines[2:] == ["Host mine", "  Port 1"]
    assert (task.home / ".ssh" / "id_rsa").read_text() == "mine"
    runs = [task.write(check=check, state="absent") for check in (True, False, True, False)]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    assert runs[1]["actions"] == ["write config", f"remove {task.directory}"]
    assert task.config.read_text() == "Host mine\n  Port 1\n"
    assert (task.home / ".ssh" / "id_rsa").read_text() == "mine"
    assert not task.directory.exists()


def test_what_was_made_in_an_empty_home_goes(task: LocalTask) -> None:
    task.prepare({"jobssh": True})
    task.write()
    task.write(state="absent")
    assert list((task.home / ".ssh").iterdir()) == []


def test_check_mode_on_a_fresh_container(task: LocalTask) -> None:
    result = task.write(check=True)
    assert result["actions"] == ["write the files of ssh, once job.json is written"]
    assert task.write(state="absent")["actions"] == []
    assert "run openpai.runtime.pai_env first" in task.write()["msg"]


@pytest.mark.parametrize(
    ("parameters", "lines"),
    [
        ({"userssh": {"type": "custom", "value": f"{KEY} me"}}, [f"{KEY} me", f"{KEY} portal"]),
        ({"userssh": {}}, []),
        ({"userssh": {"type": "none", "value": f"{KEY} me"}}, [f"{KEY} portal"]),
        ({}, [f"{KEY} portal"]),
    ],
    ids=["custom", "an empty mapping", "none", "not given"],
)
def test_who_may_log_in(task: LocalTask, parameters: dict[str, Any], lines: list[str]) -> None:
    secrets = task.job_file.parent / "secrets.yml"
    keys = [{"title": "laptop", "value": f"{KEY} portal"}, {"title": "old", "value": "ssh-rsa x"}]
    secrets.write_text(yaml.safe_dump({"sshKeys": keys, "jobSSH": ""}))
    task.prepare(parameters)
    result = task.write(user_secrets=str(secrets))
    assert result["serves"] is bool(lines)
    path = task.directory / "authorized_keys"
    text = path.read_text().splitlines() if path.exists() else []
    assert [line.partition('" ')[2] for line in text] == lines
    wanted = ["sshKeys entry 2 ('old'): left out: its base64 text is damaged or cut short"]
    assert result["left_out"] == (wanted if lines else ["no sshd here: nobody may log in"])
    if lines:
        assert "of the job's list): sshKeys entry 2" in str(result["warnings"])
    assert not (task.home / ".ssh").exists()


def test_a_key_file_of_the_image(task: LocalTask) -> None:
    path = task.job_file.parent / "keys"
    task.prepare({"userssh": {"type": "system", "value": str(path)}})
    message = task.write()["msg"]
    assert message.startswith(f"userssh.value: key file {path}: No such file or directory; name")
    path.write_text(KEY)
    assert task.write()["serves"]


def place(task: LocalTask, placed: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Make the task one of a cluster's; return the arguments that tell pai_ssh so."""
    path = task.job_file.parent / "framework.json"
    path.write_text(json.dumps(placed))
    task.prepare({"jobssh": True, "sshbarrier": True}, **job)
    content = yaml.safe_load(task.job_file.read_text())
    content["taskRoles"] = {"worker": role()}
    task.job_file.write_text(yaml.safe_dump(content))
    (task.work / "job.json").unlink()
    done = task.call(pai_env, job_file=str(task.job_file), framework=str(path), cwd="/")
    assert not done.get("failed"), done
    return {"framework": str(path)}


def test_a_cluster_without_a_shared_secret_is_told_what_to_give(task: LocalTask) -> None:
    given = place(task, framework(2, {"ssh": 1}))
    message = task.write(**given)["msg"]
    assert message.startswith("nothing that the containers of the job share")
    assert "PAI_SSH_SECRET_FILE" in message
    assert not (task.directory / "job_key").exists()


def test_the_jobs_key_of_a_cluster_is_used_as_it_is(task: LocalTask) -> None:
    given = place(task, framework(2, {"ssh": 1}))
    secrets = task.job_file.parent / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"jobSSH": {"key": PEM, "pubKey": "ignored"}}))
    result = task.write(**given, user_secrets=str(secrets))
    assert (task.directory / "job_key").read_text() == PEM
    assert (task.directory / "job_key.pub").read_text().startswith("ssh-rsa AAAA")
    assert (result["aliases"], result["barrier"], result["left_out"]) == (2, True, [])
    assert PEM.splitlines()[1] not in json.dumps(task.results)


@pytest.mark.parametrize("key", ["rubbish-rubbish", PEM[:500]], ids=["no key", "half a key"])
def test_a_jobs_key_that_is_none_is_named_and_not_shown(task: LocalTask, key: str) -> None:
    given = place(task, framework(2, {"ssh": 1}))
    secrets = task.job_file.parent / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"jobSSH": {"key": key}}))
    result = task.write(**given, user_secrets=str(secrets))
    assert f"jobSSH.key of {secrets}: no private key that ssh can use" in result["msg"]
    assert "rubbish" not in result["msg"]
    assert not task.directory.exists()


def test_unknown_peers_and_no_gang_are_told_and_the_rest_works(task: LocalTask) -> None:
    placed = framework(2, {"ssh": 1})
    status = placed["status"]["attemptStatus"]["taskRoleStatuses"][0]["taskStatuses"][1]
    status["attemptStatus"]["podHostIP"] = None
    given = place(task, placed, extras={"gangAllocation": False})
    secret = task.job_file.parent / "secret"
    secret.write_text("0123456789abcdef" * 2)
    secret.chmod(0o600)
    result = task.write(**given, secret_file=str(secret))
    assert result["left_out"] == [
        "not reachable by ssh: worker-1: its host is not known yet",
        "no barrier: with gangAllocation false tasks do not start together",
    ]
    assert (result["aliases"], result["barrier"], result["serves"]) == (1, False, True)
    status["attemptStatus"]["podHostIP"] = "10.0.0.9"
    place(task, placed, extras={"gangAllocation": False})
    later = task.write(**given, secret_file=str(secret))
    assert "write known_hosts" in later["actions"]
    assert later["aliases"] == 2


def test_a_missing_client_is_told_and_the_rest_works(task: LocalTask) -> None:
    task.prepare({"jobssh": True})
    (task.work / "process_env.nul").write_bytes(b"PATH=/nowhere\0")
    result = task.write()
    assert result["left_out"] == [
        "there is no ssh in the image, so no other task is reached from here; install it in the"
        " image (package openssh-client), or set PAI_SSH_INSTALL=true"
    ]
    assert result["serves"] is True


def test_a_task_without_an_ssh_port_still_reaches_others(task: LocalTask) -> None:
    given = place(task, framework(2, {"http": 1}))
    secret = task.job_file.parent / "secret"
    secret.write_text("0123456789abcdef" * 2)
    secret.chmod(0o600)
    result = task.write(**given, secret_file=str(secret))
    assert "not reachable by ssh: worker-0, worker-1: it has no port ssh" in result["left_out"]
    assert "no sshd here: this task has no port ssh" in result["left_out"]
    assert (result["port"], result["serves"]) == (0, False)
    assert not (task.directory / "sshd_config").exists()
