"""Several tasks of one job, each the whole life of a real process, that meet over ssh."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document, role
from tests.unit.playbooks import ROOT
from tests.unit.plugins.module_utils.pai.ssh.test_keys import rsa_pem
from tests.unit.ssh_tasks import PLUGINS, need_sshd, safe_directory

SECONDS = 120.0  # for what is expected to come


class Task:
    """One ``pai-runtime run`` of a job; its output goes to a file."""

    def __init__(self, job: Path, index: int, **environment: str) -> None:
        self.place = job.parent
        home = self.place / f"home-{index}"
        home.mkdir()
        self.work = self.place / ".pai" / job.stem / f"task-{index}" / "work"
        self.logs = self.work.parent / "logs"
        self.output = self.place / f"output-{index}"
        command = [ROOT / "bin" / "pai-runtime", "run", job.name, "--task-index", str(index)]
        self.environment = {
            "PATH": os.environ["PATH"],
            "PAI_PYTHON": os.environ.get("PAI_TEST_PYTHON", sys.executable),
            "HOME": str(home),
            "PAI_SSH_HOME": str(home),
            "PAI_USER_EXTENSION_SECRETS": str(self.place / "secrets.yml"),
            "TERM": "dumb",
            **environment,
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self.place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.logs / "exit.json").read_bytes())
        return found

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true while the task runs."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def until_said(self, text: str) -> None:
        self.until(lambda: text in self.said)

    def end(self) -> int:
        return self.process.wait(SECONDS)

    def descendants(self) -> Iterator[int]:
        """Yield every process below this one, but sshd's and what sshd has started."""
        parents: dict[int, list[int]] = {}
        names = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                before, _comma, after = path.read_text().rpartition(")")
                pid = int(path.parent.name)
                names[pid] = before.partition("(")[2]
                parents.setdefault(int(after.split()[1]), []).append(pid)
        found = [self.process.pid]
        for pid in found:
            found += [child for child in parents.get(pid, []) if names[child] != "sshd"]
        yield from found[1:]


class Job:
    """A job of workers with the plugin ssh."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.tasks: list[Task] = []

    def write(
        self, tasks: int, command: str, before: list[Any] | None = None, **parameters: Any
    ) -> None:
        plugin = {"plugin": "ssh", "parameters": {"jobssh": True, **parameters}}
        worker = role(instances=tasks, commands=[command])
        name = self.place.name.strip(".")  # ports follow from it
        job = document(
            name=name, taskRoles={"worker": worker}, extras={PLUGINS: [*(before or []), plugin]}
        )
        (self.place / "job.yml").write_text(yaml.safe_dump(job))

    def start(self, index: int, **environment: str) -> Task:
        task = Task(self.place / "job.yml", index, **environment)
        self.tasks.append(task)
        return task

    def left(self) -> list[str]:
        """Return what of ssh is still there: processes that name this job's directory, and keys."""
        running = [line for line in command_lines() if str(self.place) in line]
        files = [*self.place.rglob("sshd*"), *self.place.rglob("*job_key*")]
        return [*running, *map(str, files)]


def command_lines() -> Iterator[str]:
    """Yield the words of every process of this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


@pytest.fixture
def job() -> Iterator[Job]:
    need_sshd()
    with safe_directory() as place:
        made = Job(place)
        try:
            yield made
        finally:
            for task in made.tasks:
                for pid in task.descendants():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                task.process.terminate()
                task.end()


def test_a_task_that_is_stopped_while_it_waits_ends_and_the_others_learn_of_it(job: Job) -> None:
    job.write(3, "echo ran", sshbarrier=True)
    first, stopped = job.start(0), job.start(2)  # the task between them never starts
    first.until_said("waiting for worker-1 (refused)")
    stopped.until_said("waiting for worker-0 (waits itself)")
    stopped.process.send_signal(signal.SIGTERM)
    assert stopped.end() == 143, stopped.said
    # sshd ended with the start; what is written is removed at the exit
    assert "plugin ssh: tell worker-0 that worker-2 has ended (exit code 143)" in stopped.said
    assert "plugin ssh: remove config, remove id_rsa, remove " in stopped.said
    assert stopped.result["stopped"] is True
    assert first.end() == 249, first.said
    assert (
        "ssh barrier: worker-2 has ended (exit code 143) before it was ready, so not all tasks can"
        in " ".join(first.result["message"].split())
    )
    assert "ran" not in first.said.splitlines() + stopped.said.splitlines()
    assert job.left() == []


def test_tasks_that_have_ended_do_not_hold_up_one_that_is_late(job: Job) -> None:
    job.write(3, "true", sshbarrier=True)
    late, others = job.start(1), [job.start(0)]
    late.until_said("waiting for worker-0")
    frozen = list(late.descendants())
    for pid in frozen:  # but not its sshd
        os.kill(pid, signal.SIGSTOP)
    others.append(job.start(2))
    assert [task.end() for task in others] == [0, 0], [task.said for task in others]
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    assert late.end() == 0, late.said
    assert "ssh barrier: worker-0 has ended (exit code 0); it counts as ready" in late.said
    assert "ssh barrier: worker-2 has ended (exit code 0); it counts as ready" in late.said
    assert job.left() == []


def test_a_task_that_failed_before_its_ssh_began_does_not_hold_up_the_others(job: Job) -> None:
    fails_in_one = {
        "plugin": "cmd",
        "parameters": {"preCommands": ["exit $((PAI_TASK_INDEX * 7))"]},
    }
    job.write(2, "echo ran", before=[fails_in_one], sshbarrier=True)
    waits = job.start(0)
    waits.until_said("waiting for worker-1 (refused)")
    fails = job.start(1)
    assert fails.end() == 7, fails.said
    assert "plugin ssh: tell worker-0 that worker-1 has ended (exit code 7)" in fails.said
    assert waits.end() == 249, waits.said
    assert "worker-1 has ended (exit code 7) before it was ready" in " ".join(waits.said.split())
    assert job.left() == []


def test_no_secret_is_seen_in_the_life_of_a_job(job: Job) -> None:
    secret, jobs_key = secrets.token_bytes(48), rsa_pem()
    for name, content in (("shared", secret), ("secrets.yml", _user_secrets(jobs_key))):
        (job.place / name).write_bytes(content)
        (job.place / name).chmod(0o600)
    job.write(2, "touch up-$PAI_TASK_INDEX; while [ ! -e go ]; do sleep 0.1; done", sshbarrier=True)
    with watched_command_lines() as seen:
        given = {"PAI_SSH_SECRET_FILE": str(job.place / "shared")}
        tasks = [job.start(index, **given) for index in (0, 1)]
        for index, task in enumerate(tasks):
            task.until((job.place / f"up-{index}").exists)
        keys = [task.work / "ssh" / "host_key" for task in tasks]
        private = [jobs_key, *(key.read_text() for key in keys)]
        shown = _readable_by_others(job.place) + _start_again(tasks[0])
        (job.place / "go").touch()
        assert [task.end() for task in tasks] == [0, 0], [task.said for task in tasks]
    shown += _readable_by_others(job.place) + b"".join(task.output.read_bytes() for task in tasks)
    shown += b"".join(path.read_bytes() for task in tasks for path in _files(task.logs))
    shown += "\n".join(seen).encode()
    lines = [line.encode() for key in private for line in key.splitlines()]
    hidden = [line for line in lines if len(line) > 20 and b"-----" not in line]
    hidden += [secret, secret.hex().encode(), base64.b64encode(secret)]
    assert [value for value in hidden if value in shown] == []
    assert len(hidden) > 20
    assert any("pai-playbook" in line for line in seen)
    assert any(re.search("ssh.*worker-1", line) for line in seen), "no login was seen"


def _user_secrets(key: str) -> bytes:
    """Return the content of the file with the job's key; the user's own is public."""
    public = {"title": "laptop", "value": "ssh-ed25519 " + base64.b64encode(_ED25519).decode()}
    return yaml.safe_dump({"jobSSH": {"key": key}, "sshKeys": [public]}).encode()


_ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(range(32))


@contextlib.contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """Collect the words of all processes, again and again, until the block ends."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.update(command_lines())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _readable_by_others(place: Path) -> bytes:
    """Return the content of all files that not only their owner may read."""
    content = b""
    for path in _files(place):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                content += path.read_bytes()
    return content


def _files(place: Path) -> Iterator[Path]:
    return (path for path in place.rglob("*") if path.is_file())


def _start_again(task: Task) -> bytes:
    """Repeat the start by hand, as talkative as can be; return what it says."""
    [step] = re.findall(r"by hand: (.*)", (task.logs / "runtime.log").read_text())
    plain = step.replace("ANSIBLE_STDOUT_CALLBACK=openpai.runtime.phases ", "")
    done = subprocess.run(
        ["sh", "-c", f"{plain} -vvv --diff"],
        env=task.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"Start the task's own sshd" in done.stdout
    return done.stdout
