from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai import shell
from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.processes import find_program
from ansible_collections.openpai.runtime.plugins.module_utils.pai.shell import (
    Ended,
    RuntimeLogWriter,
    Shell,
    container_umask,
)

ENVIRONMENT = {"PATH": os.environ["PATH"], "GREETING": "hello"}


def run(tmp_path: Path, text: str, timeout: float | None = None, name: str = "bash") -> Ended:
    script = tmp_path / "script.sh"
    script.write_text(text)
    found = Shell(find_program(name, ENVIRONMENT, None) or name)
    with RuntimeLogWriter(tmp_path, None) as log:
        return found.run(
            script, environment=ENVIRONMENT, directory=tmp_path, log=log, timeout=timeout
        )


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def read_pid(file: Path) -> int:
    return int(file.read_text())


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("true", 0, id="a good end"),
        pytest.param("exit 3", 3, id="its own code"),
        pytest.param("false\ntouch went_on", 1, id="errexit ends it at the first error"),
        pytest.param("kill -9 $$", 137, id="a signal counts from 128"),
        pytest.param("nosuchcommand", 127, id="a command that does not exist"),
        pytest.param("exit 124", 124, id="124 of its own is no timeout"),
        pytest.param('test "$GREETING" = hello', 0, id="it has the given environment"),
        pytest.param('test -z "${HOME+set}"', 0, id="it has nothing of ours"),
        pytest.param("read line", 1, id="its input is empty"),
        pytest.param('test "$PWD" -ef "$(dirname "$0")"', 0, id="it starts in the given directory"),
    ],
)
def test_exit_codes(tmp_path: Path, script: str, code: int) -> None:
    assert run(tmp_path, script) == Ended(code)
    assert not (tmp_path / "went_on").exists()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("0077\n", "0077", id="the container's"),
        pytest.param("", "0022", id="damaged: our own"),
        pytest.param(None, "0022", id="not known: our own"),
    ],
)
def test_commands_run_with_the_containers_umask(
    tmp_path: Path, written: str | None, expected: str
) -> None:
    if written is not None:
        (tmp_path / "umask").write_text(written)
    (tmp_path / "script.sh").write_text("umask")
    found = Shell.find(ENVIRONMENT)
    assert found
    before = os.umask(0o022)
    try:
        with RuntimeLogWriter(tmp_path, None) as log:
            found.run(
                tmp_path / "script.sh",
                environment=ENVIRONMENT,
                directory=tmp_path,
                log=log,
                umask=container_umask(tmp_path),
            )
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert (tmp_path / "runtime.log").read_text() == f"{expected}\n"


def test_both_outputs_are_appended_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "runtime.log").write_text("before\n")
    run(tmp_path, "echo out\necho err >&2")
    assert (tmp_path / "runtime.log").read_text() == "before\nout\nerr\n"


def test_sh_runs_a_script_too(tmp_path: Path) -> None:
    assert run(tmp_path, "false\nexit 5", name="sh") == Ended(1)


def test_a_background_process_lives_on_and_is_not_waited_for(tmp_path: Path) -> None:
    # it keeps the log open: who waits for the end of the output waits a minute
    assert run(tmp_path, "sleep 60 & echo $! > pid") == Ended(0)
    pid = read_pid(tmp_path / "pid")
    assert is_running(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    ended = run(tmp_path, "sleep 60 & echo $! > pid; sleep 60", timeout=0.5)
    assert ended == Ended(124, timed_out=True)
    assert not is_running(read_pid(tmp_path / "pid"))


def test_a_group_that_ignores_term_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "SECONDS_TO_END", 0.1)
    ended = run(tmp_path, "trap '' TERM; echo $$ > pid; while :; do sleep 1; done", timeout=0.5)
    assert ended == Ended(124, timed_out=True)
    assert not is_running(read_pid(tmp_path / "pid"))


def test_a_group_of_another_user_is_left_and_the_timeout_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(shell, "LAST_SECONDS", 0.1)
    ended = run(tmp_path, "echo $$ > pid; exec sleep 60", timeout=1)
    assert ended == Ended(124, timed_out=True)
    os.kill(read_pid(tmp_path / "pid"), signal.SIGKILL)


def test_a_group_may_clean_up_after_term(tmp_path: Path) -> None:
    run(tmp_path, "trap 'echo cleaned; exit' TERM; sleep 60 & wait", timeout=0.5)
    assert (tmp_path / "runtime.log").read_text() == "cleaned\n"


def test_lines_go_to_the_pipe_that_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with RuntimeLogWriter(tmp_path, str(pipe)) as log:
        log.line("a line")
        assert os.get_blocking(log.fileno())
    assert os.read(reader, 100) == b"a line\n"
    os.close(reader)
    assert not (tmp_path / "runtime.log").exists()


@pytest.mark.parametrize("kind", ["missing", "unread", "file", "unset"])
def test_without_a_reader_lines_go_to_the_file(tmp_path: Path, kind: str) -> None:
    pipe = tmp_path / "pipe"
    if kind == "unread":
        os.mkfifo(pipe)
    elif kind == "file":
        pipe.write_text("")
    with RuntimeLogWriter(tmp_path, None if kind == "unset" else str(pipe)) as log:
        log.line("a line")
    assert (tmp_path / "runtime.log").read_text() == "a line\n"


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(
            RuntimeConfigError, match=r"gone/runtime\.log: No such file or directory; choose"
        ),
        RuntimeLogWriter(tmp_path / "gone", None),
    ):
        pass


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        pytest.param(["bash", "sh"], "bash", id="bash before sh"),
        pytest.param(["sh"], "sh", id="sh where there is no bash"),
        pytest.param([], None, id="no shell at all"),
    ],
)
def test_the_shell_is_the_one_of_the_users_path(
    tmp_path: Path, programs: list[str], expected: str | None
) -> None:
    for name in programs:
        shutil.copy(shutil.which(name) or name, tmp_path / name)
    found = Shell.find({"PATH": f"relative::{tmp_path}"})
    assert found == (Shell(str(tmp_path / expected)) if expected else None)
    assert found is None or found.is_bash == (expected == "bash")


def test_a_relative_path_counts_from_the_commands_directory(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(shutil.which("sh") or "sh", tmp_path / "tools" / "sh")
    assert Shell.find({"PATH": "tools"}, tmp_path) == Shell(f"{tmp_path}/tools/sh")
    assert Shell.find({"PATH": "tools"}) is None


def test_what_cannot_be_executed_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "git").mkdir()
    assert find_program("git", {"PATH": f"{tmp_path}:{tmp_path}/dir"}, tmp_path) is None
