"""Signals from outside: forwarded to the command, and the grace period that some of them start."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.stopping import (
    Stopping,
)

ROOT = Path(__file__).resolve().parents[6]


@pytest.fixture
def running(runtime, tmp_path, wait_for):
    """Start a bash script and return its process once the script has created the file ``ready``."""

    def start(script, **popen):
        process = runtime.start("bash", "-c", script, **popen)
        wait_for((tmp_path / "ready").exists)
        return process

    return start


@pytest.fixture
def on_terminal(runtime, tmp_path):
    """Start a bash script under pai-runtime on a terminal of its own."""

    def start(script):
        directories = ["--work-dir", str(runtime.work), "--log-dir", str(runtime.logs)]
        program = str(ROOT / "bin" / "pai-runtime")
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(tmp_path)
            os.environ.update(runtime.environment)
            os.execv(program, [program, "run", *directories, "--", "bash", "-c", script])
        return pid, terminal

    return start


def read_to_end(terminal):
    output = b""
    with contextlib.suppress(OSError):  # EIO: the last process on the terminal has ended
        while data := os.read(terminal, 65536):
            output += data
    os.close(terminal)
    return output


WAIT = "touch ready; while :; do sleep 0.02; done"


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "WINCH"])
def test_signal_reaches_the_whole_group(runtime, running, name):
    script = f"""
        (trap 'echo child {name}; exit' {name}; touch set; while :; do sleep 0.02; done) &
        trap 'wait; echo main {name}; exit 9' {name}
        until [ -e set ]; do sleep 0.01; done
        {WAIT}
    """
    process = running(script)
    process.send_signal(getattr(signal, f"SIG{name}"))
    finished = runtime.finish(process)
    assert finished.code == 9
    assert sorted(finished.stdout.decode().splitlines()) == [f"child {name}", f"main {name}"]


@pytest.mark.parametrize(
    ("name", "stopped"),
    [("TERM", True), ("INT", True), ("HUP", False), ("USR1", False)],
)
def test_only_some_signals_mean_stop(runtime, running, name, stopped):
    """Without a terminal SIGHUP tells a daemon to read its configuration again."""
    process = running(f"trap 'exit 0' {name}; {WAIT}")
    process.send_signal(getattr(signal, f"SIG{name}"))
    finished = runtime.finish(process)
    assert finished.code == 0
    assert finished.exit["stopped"] is stopped


def test_stopped_process_group_goes_on_with_sigcont(runtime, running):
    process = running("touch ready; kill -STOP $$; echo went on; exit 3")
    while process.poll() is None:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    finished = runtime.finish(process)
    assert (finished.code, finished.stdout) == (3, b"went on\n")


def test_command_that_ends_by_itself_after_sigterm_keeps_its_code(runtime, running):
    process = running(f"trap 'echo saved; exit 0' TERM; {WAIT}")
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 0
    assert finished.stdout == b"saved\n"
    assert finished.exit["stopped"] is True
    assert "SIGTERM: stopping" in finished.runtime_log


def test_command_without_a_handler_ends_with_143(runtime, running):
    process = running(WAIT)
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 143
    assert finished.exit["signal"] == 15
    assert finished.exit["stopped"] is True


def test_ignored_sigterm_is_followed_by_sigkill_also_in_other_sessions(
    runtime, running, tmp_path, gone
):
    script = f"trap '' TERM; setsid sleep 1000 & echo $! > pid; {WAIT}"
    process = running(script, env={"PAI_TERMINATION_GRACE_SECONDS": "6"})
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 137
    assert finished.exit["signal"] == 9
    assert finished.exit["stopped"] is True
    assert gone(int((tmp_path / "pid").read_text()))


def test_second_sigterm_kills_at_once(runtime, running, wait_for):
    script = f"trap 'echo told; trap : TERM' TERM; {WAIT}"
    process = running(script, env={"PAI_TERMINATION_GRACE_SECONDS": "3000"})
    process.terminate()
    log = runtime.logs / "user-stdout" / "current"
    wait_for(lambda: log.read_bytes() == b"told\n")
    time.sleep(0.6)  # a repetition at once is the same wish, sent twice
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 137


def test_timeout_does_not_count_as_two_signals(runtime, running):
    """coreutils' timeout sends its signal to the process and to the group."""
    process = running(
        f"trap 'echo told; sleep 0.3; exit 4' TERM; {WAIT}",
        env={"PAI_TERMINATION_GRACE_SECONDS": "3000"},
    )
    process.terminate()
    time.sleep(0.1)  # two signals at the same moment would be one
    process.terminate()
    assert runtime.finish(process).code == 4


def test_sigterm_during_the_start_ends_it_with_all_it_started(runtime, tmp_path, wait_for, gone):
    runtime.hook(
        "start",
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        f"Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\n"
        f"Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(1000)",
    )
    process = runtime.start("touch", str(tmp_path / "ran"))
    wait_for((tmp_path / "ready").exists)
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 143
    assert finished.exit["stage"] == "start"
    assert finished.exit["stopped"] is True
    assert finished.exit["message"] == "stopped by SIGTERM during the start"
    assert not (tmp_path / "ran").exists()
    assert gone(int((tmp_path / "child").read_text()))


def test_exit_playbook_gets_what_is_left_of_the_grace(runtime, running):
    """Its overrun ends, is explained, and the command's code stays."""
    runtime.hook("exit", "import time; time.sleep(1000)")
    process = running(f"trap 'exit 5' TERM; {WAIT}", env={"PAI_TERMINATION_GRACE_SECONDS": "6"})
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 5
    assert (
        "what was left of PAI_TERMINATION_GRACE_SECONDS (6 s): give it more"
        in (finished.exit["message"])
    )


def test_sigterm_during_exit_bounds_it_but_does_not_end_it(runtime, tmp_path, wait_for):
    runtime.hook("exit", f"Path({str(tmp_path / 'ready')!r}).touch(); import time; time.sleep(1)")
    process = runtime.start("bash", "-c", "exit 8")
    wait_for((tmp_path / "ready").exists)
    process.terminate()
    finished = runtime.finish(process)
    assert finished.code == 8
    assert finished.exit["reason"] == "analysed"
    assert finished.exit["stopped"] is False


def test_stop_key_where_nobody_could_continue_us_changes_nothing(on_terminal, wait_for, tmp_path):
    """In a container there is no shell above us that could say fg."""
    pid, terminal = on_terminal("touch ready; read -r line; echo got $line; exit 3")
    wait_for((tmp_path / "ready").exists)
    os.write(terminal, b"\x1a")
    time.sleep(0.3)
    os.write(terminal, b"words\n")
    assert b"got words" in read_to_end(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3


def test_interrupt_on_a_terminal_reaches_the_command_alone(on_terminal, tmp_path, wait_for):
    """The command has the foreground: ^C is its business, and it can read the terminal."""
    # without children: a shell that waits for one goes on where ^C comes when that has just ended
    script = "read -r line; echo got $line; : >ready; exec sleep 1000"
    pid, terminal = on_terminal(script)
    os.write(terminal, b"words\n")
    wait_for((tmp_path / "ready").exists)
    os.write(terminal, b"\x03")
    assert b"got words" in read_to_end(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130


@pytest.mark.parametrize(
    ("grace", "reserve"),
    [
        pytest.param(30.0, 10.0, id="a third of the default"),
        pytest.param(600.0, 10.0, id="never more than ten seconds"),
        pytest.param(6.0, 2.0, id="a third of little"),
        pytest.param(0.0, 0.0, id="nothing of nothing"),
    ],
)
def test_part_of_the_grace_is_kept_for_exit(grace, reserve):
    stopping = Stopping(grace)
    assert stopping.exit_deadline() is None
    assert not stopping.requested
    stopping.request(signal.SIGTERM)
    assert stopping.exit_reserve == reserve
    assert stopping.requested
    assert stopping.kill_at <= stopping.exit_deadline()


def test_a_second_stop_leaves_the_exit_its_part_from_now_on(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stopping = Stopping(30.0)
    stopping.request(signal.SIGTERM)
    assert (stopping.kill_at, stopping.exit_deadline()) == (120.0, 128.0)
    assert "20 s to end by itself" in stopping.told()
    now[0] = 102.0
    assert stopping.request(signal.SIGTERM)
    assert (stopping.kill_at, stopping.exit_deadline()) == (102.0, 110.0)
    assert stopping.told() == "told to stop again: KILL now, 10 s are kept for exit"
    now[0] = 110.0
    assert not stopping.request(signal.SIGTERM)
    assert stopping.exit_deadline() == 110.0


def test_a_grace_of_months_is_no_problem(runtime):
    """epoll takes no wait of more than 24 days."""
    finished = runtime.bash(
        "trap 'exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.1; done",
        env={"PAI_TERMINATION_GRACE_SECONDS": "9000000"},
    )
    assert finished.code == 3, finished.stderr
