"""What a login finds: the job's environment, a shell of its own, and nothing of the client's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import configs
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import (
    PASSED,
    QUESTION,
    Marks,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.place import Account
from tests.unit.ssh_tasks import LocalTask, two_tasks

__all__ = ["two_tasks"]  # a fixture
JOBSSH = {"jobssh": True}
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
MARK = ExitRecord("worker-7", 3, ready=True)


class Session:
    """The script that a login runs, started as sshd starts it: by the user's shell."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory / "it's $work"
        marks = self.work / "ssh" / "marks"
        marks.mkdir(parents=True)
        self.marks = Marks(self.work, "")
        (directory / "environment").write_text("export MINE=job\n")
        self.script = directory / "session"
        self.script.write_text(configs.session(directory, self.marks, 0o027))
        self.script.chmod(0o700)
        (directory / ".bashrc").write_text("echo of .bashrc\n")

    def run(self, shell: str, command: str, *words: str, **environment: str) -> str:
        """Log in with a command; ``words`` are the one that a key is restricted to."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "SHELL": shell,
            "SSH_CLIENT": "10.0.0.1 1 2",
            "SSH_ORIGINAL_COMMAND": command,
            "SHLVL": "1",
            **environment,
        }
        line = " ".join([str(self.script), *words])
        return subprocess.run([shell, "-c", line], env=env, stdout=-1, text=True, check=True).stdout


def shells() -> list[str]:
    return [path for name in ("bash", "sh", "dash", "zsh") if (path := shutil.which(name))]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


@pytest.mark.parametrize("shell", shells())
def test_a_barriers_question_is_answered(session: Session, shell: str) -> None:
    assert session.run(shell, QUESTION) == ""
    session.marks.write(session.marks.passed, PASSED)
    assert session.run(shell, QUESTION) == f"{PASSED}\n"
    (session.work / "ssh" / "marks" / MARK.alias).write_text(f"{MARK.encode()}\n")
    assert session.run(shell, QUESTION) == f"{PASSED}\n{MARK.encode()}\n"


def test_the_answer_needs_neither_the_environment_nor_another_program(session: Session) -> None:
    session.marks.write(session.marks.passed, PASSED)
    (session.directory / "environment").write_text("echo the environment was read\n")
    assert session.run("/bin/sh", QUESTION, PATH="/nowhere") == f"{PASSED}\n"


def test_a_key_that_is_restricted_to_a_command_asks_nothing(session: Session) -> None:
    session.marks.write(session.marks.passed, PASSED)
    said = session.run("/bin/sh", QUESTION, "'echo \"only $MINE\"'")
    assert said == "only job\n"


@pytest.mark.parametrize("shell", shells())
def test_a_command_runs_in_the_shell_of_the_user(session: Session, shell: str) -> None:
    command = 'echo "$MINE ${SSH_ORIGINAL_COMMAND-none}"; umask; (exit 4) || echo $?'
    *words, umask, code = session.run(shell, command).split()
    assert (words, int(umask, 8), code) == (["job", "none"], 0o027, "4")


@needs_bash
def test_no_command_reads_bashrc(session: Session) -> None:
    bash = str(shutil.which("bash"))
    assert session.run(bash, "echo $MINE $SHLVL") == "job 1\n"
    assert session.run(bash, QUESTION) == ""
    # what sshd's option SetEnv is for: bash, as the first shell below sshd, does read it
    assert session.run(bash, QUESTION, SHLVL="") == "of .bashrc\n"


def test_a_login_is_the_first_level_of_shells(tasks: list[LocalTask]) -> None:
    if Path(Account.current(None).shell).name != "bash":
        pytest.skip("the user's shell is not bash")
    tasks[0].start(JOBSSH)
    assert tasks[0].ssh("Ps_1-0", "echo $SHLVL").stdout == "1\n"
    assert tasks[0].ssh("Ps_1-0", input="echo $SHLVL\n").stdout == "1\n"


def test_where_marks_belong_is_not_the_jobs_affair(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.prepare(JOBSSH)
    environment = task.work / "process_env.nul"
    environment.write_bytes(environment.read_bytes() + b"PAI_RUNTIME_WORK_DIR=/elsewhere\0")
    task.write()
    task.serve()
    assert task.ssh("Ps_1-0", "echo $PAI_RUNTIME_WORK_DIR").stdout == f"{task.work}\n"


def test_the_client_has_no_say_in_the_environment(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    given = ("-o", "SetEnv=MINE=theirs OTHER=theirs LANG=theirs")
    done = task.ssh(*given, "Ps_1-0", 'echo "$MINE $OTHER $LANG"')
    assert done.stdout == "a 'b'\n$c  C\n"
    command = [*_sshd(task), "-T"]
    settings = subprocess.run(command, stdout=-1, text=True, check=True).stdout.splitlines()
    assert "permituserenvironment no" in settings
    assert not any(line.startswith("acceptenv") for line in settings)


def test_sshd_runs_with_the_options_that_it_knows(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    words = _sshd(task)
    for option in ("PerSourcePenalties=no", "SetEnv=SHLVL=1"):
        plain = [word for word in words if not word.startswith("-o")]
        known = subprocess.run([*plain, "-t", f"-o{option}"], stderr=subprocess.DEVNULL)
        assert (f"-o{option}" in words) is (known.returncode == 0)


def _sshd(task: LocalTask) -> list[str]:
    """Return the command that the task's sshd runs as, less what keeps it in the foreground."""
    words = Path(f"/proc/{task.results[-1]['pid']}/cmdline").read_bytes().decode()
    title = words.replace("\0", " ").removeprefix("sshd: ").split(" [listener]")[0].split()
    return [word for word in title if word != "-D"]
