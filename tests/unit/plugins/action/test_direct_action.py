"""A module gives the same result in the controller's process as in its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document
from tests.unit.playbooks import ROOT, play, write_play

MODULES = sorted(path.stem for path in (ROOT / "library").glob("pai_*.py"))
STORAGE = {
    "name": "own",
    "type": "samba",
    "address": "127.0.0.1",
    "rootPath": "x",
    "userName": "u",
    "password": "<% $secrets.token %>",
}


def results(directory: Path, tasks: list[dict[str, Any]], direct: bool, *options: str) -> list[Any]:
    """Run ``tasks`` and return their results as JSON, less what differs from run to run."""
    (directory / "work").mkdir(parents=True)
    (directory / "work" / "container_env.nul").write_bytes(f"PATH={os.environ['PATH']}\0".encode())
    # What the machine shows differs from moment to moment: what an earlier look has found counts.
    (directory / "work" / "outcome.json").write_text('{"exitCode": 255}')
    (directory / "work" / "exit.json").write_text('{"facts": {"quietSeconds": 1}}')
    registered = [
        {**task, "register": f"r{i}", "ignore_errors": True} for i, task in enumerate(tasks)
    ]
    names = ", ".join(f"r{i}" for i in range(len(tasks)))
    keep = {
        "name": "Keep the results",
        "check_mode": False,
        "ansible.builtin.copy": {
            "content": f"{{{{ [{names}] | to_json }}}}",
            "dest": str(directory / "results"),
        },
    }
    path = write_play(directory / "play.yml", [*registered, keep], vars={"pai_direct": direct})
    done = play(path, directory, *options)
    assert (directory / "results").exists(), done.stdout + done.stderr
    text = (directory / "results").read_text().replace(str(directory), "DIR")
    return [{k: v for k, v in result.items() if k != "exception"} for result in json.loads(text)]


def repository(directory: Path) -> str:
    """Return a git repository with one commit."""
    path = str(directory / "repository")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", path], check=True)
    message = [*identity, "commit", "-q", "--allow-empty", "-m", "first"]
    subprocess.run(["git", "-C", path, *message], check=True)
    return path


def job(directory: Path) -> str:
    plugins = [
        {"plugin": "cmd", "parameters": {"preCommands": ["echo '<% $secrets.token %>'"]}},
        {"plugin": "git", "parameters": {"repo_uri": repository(directory)}},
        {"plugin": "storage", "parameters": {"storages": [STORAGE]}},
    ]
    rules = {"runtimeContainerPatterns": [{"userLogRegex": "no free seat"}]}
    pattern = {"code": 237, "phrase": "NoSeat", "reason": "{{ 7*7 }}", "pattern": rules}
    extras = {
        "env": {"A": "{{ 7*7 }}", "B": "<% $secrets.token %>"},
        "failurePatterns": [pattern, "broken"],
        "com.microsoft.pai.runtimeplugin": plugins,
    }
    path = directory / "job.yml"
    path.write_text(yaml.safe_dump(document(extras=extras, secrets={"token": "hunter2-hunter2"})))
    return str(path)


def tasks(directory: Path, job_file: str) -> list[dict[str, Any]]:
    work = str(directory / "work")
    plugin = {"work_dir": work, "log_dir": work}
    return [
        {"openpai.runtime.pai_env": {"work_dir": work, "job_file": job_file, "cwd": work}},
        {"openpai.runtime.pai_user_command": {"work_dir": work}},
        {"openpai.runtime.pai_plugins": {"work_dir": work, "built_in": str(ROOT / "roles")}},
        {
            "openpai.runtime.pai_failure_analysis": {
                "work_dir": work,
                "log_dir": work,
                "outcome": f"{work}/outcome.json",
                "catalogue": str(ROOT / "catalogue"),
                "exit_spec": f"{work}/missing.yml",
            }
        },
        {"openpai.runtime.pai_commands": {**plugin, "position": 0, "moment": "start"}},
        {"openpai.runtime.pai_git": {**plugin, "position": 1}},
        {"openpai.runtime.pai_env": {"work_dir": work, "job_file": job_file + ".missing"}},
        {"openpai.runtime.pai_env": {"work_dir": work, "wrong": 1}},
        # the private directory of a task would have another name in each of both runs
        {"openpai.runtime.pai_ssh": {"work_dir": work, "state": "absent"}},
        {"openpai.runtime.pai_sshd": {"work_dir": work, "state": "stopped"}},
        {"openpai.runtime.pai_ssh_barrier": {**plugin, "state": "ended"}},
        # nothing is mounted: the seconds would differ
        {"openpai.runtime.pai_mount": {"state_dir": f"{work}/storage", "mounts": []}},
        # others have files on disks, whose sizes would differ
        {"openpai.runtime.pai_mount_info": {"timeout": 30, "mount_points": ["/proc"]}},
        {"openpai.runtime.pai_storage": {"work_dir": work, "position": 2}},
        {
            "openpai.runtime.pai_failure_info": {
                "logs": [job_file],
                "catalogue": str(ROOT / "catalogue"),
                "exit_code": 137,
            }
        },
    ]


@pytest.mark.parametrize("options", [(), ("--check",), ("--diff",)], ids=["run", "check", "diff"])
def test_results_are_the_same_both_ways(tmp_path: Path, options: tuple[str, ...]) -> None:
    job_file = job(tmp_path)
    both = [
        results(tmp_path / name, tasks(tmp_path / name, job_file), direct, *options)
        for name, direct in (("direct", True), ("ordinary", False))
    ]
    direct, ordinary = both
    for here, there in zip(direct, ordinary, strict=True):
        for result in (here, there):
            result.pop("directory", None)
        for noise in ("module_stdout", "module_stderr", "_ansible_no_log"):
            there.pop(noise, None)
        assert here == there
    assert [result["changed"] for result in direct[:6]] == [True] * 6
    assert "exit spec not used" in str(direct[3]["warnings"])
    assert direct[6]["failed"]
    assert "job.yml.missing: No such file or directory" in direct[6]["msg"]
    assert "Unsupported parameters" in direct[7]["msg"]


def test_every_module_is_compared(tmp_path: Path) -> None:
    compared = {name.rpartition(".")[2] for task in tasks(tmp_path, "x") for name in task}
    assert sorted(compared) == MODULES


def test_every_module_has_its_action_plugin() -> None:
    assert sorted(path.stem for path in (ROOT / "action_plugins").glob("*.py")) == MODULES


@pytest.mark.parametrize(
    "keywords",
    [{"environment": {"A": "1"}}, {"vars": {"pai_direct": "false"}}, {"async": 30, "poll": 1}],
    ids=["environment", "switched off", "async"],
)
def test_what_needs_another_process_takes_the_ordinary_way(
    tmp_path: Path, keywords: dict[str, Any]
) -> None:
    task = {**tasks(tmp_path, job(tmp_path))[0], **keywords}
    done = play(
        write_play(tmp_path / "play.yml", [task]), tmp_path, "-vvv", ANSIBLE_ASYNC_DIR=str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Using module file" in done.stdout


def test_a_direct_task_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    before = set(os.listdir("/tmp"))
    done = play(
        write_play(tmp_path / "play.yml", tasks(tmp_path, job(tmp_path))[:1]), tmp_path, "-vvv"
    )
    assert done.returncode == 0
    assert "Using module file" not in done.stdout
    assert not {n for n in set(os.listdir("/tmp")) - before if n.startswith("ansible-direct-")}
    assert "hunter2" not in done.stdout + done.stderr
