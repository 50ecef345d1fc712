"""The user's command: its code, its environment, what it leaves behind."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("exit 0", 0, id="success is 0"),
        pytest.param("exit 3", 3, id="its own code is kept"),
        pytest.param("exit 255", 255, id="the largest code is kept"),
        pytest.param("kill -KILL $$", 137, id="SIGKILL is 137"),
        pytest.param("kill -SEGV $$", 139, id="SIGSEGV is 139"),
        pytest.param("kill -TERM $$", 143, id="SIGTERM from itself is 143"),
    ],
)
def test_exit_code(runtime, script, code):
    finished = runtime.bash(script)
    assert finished.code == code
    assert finished.exit["exitCode"] == code
    assert finished.exit["stopped"] is False
    assert finished.exit["signal"] == (code - 128 if 128 < code < 255 else None)


def test_command_that_does_not_exist_is_127_and_says_where_it_was_sought(runtime):
    finished = runtime.run("no-such-program", env={"PATH": "/usr/bin:/bin"})
    assert finished.code == 127
    message = b"pai-runtime: no-such-program: not found on PATH (/usr/bin:/bin)\n"
    assert finished.log("user-stderr") == message
    assert message.decode() in finished.stderr


def test_file_that_is_not_executable_is_126(runtime, tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    finished = runtime.run("./notes.txt")
    assert finished.code == 126
    assert b"./notes.txt: cannot be executed: Permission denied" in finished.log("user-stderr")


def test_text_file_that_is_executable_is_126(runtime, tmp_path):
    (tmp_path / "notes").write_text("text")
    (tmp_path / "notes").chmod(0o755)
    finished = runtime.run("./notes")
    assert finished.code == 126
    assert b"Exec format error" in finished.log("user-stderr")


def test_without_a_command_user_sh_runs_in_bash(runtime):
    runtime.hook("start", "(work / 'user.sh').write_text('echo bash $BASH_VERSION; exit 4')")
    finished = runtime.run()
    assert finished.code == 4
    assert finished.log("user-stdout").startswith(b"bash 5")


def test_without_bash_user_sh_runs_in_sh_with_one_warning(runtime, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    runtime.hook(
        "start",
        "(work / 'user.sh').write_text('echo here; exit 5')\n"
        f"variables = b'PATH={tmp_path}/bin\\0'\n"
        "(work / 'container_env.nul').write_bytes(variables)",
    )
    finished = runtime.run()
    assert finished.code == 5
    assert finished.log("user-stdout") == b"here\n"
    assert finished.runtime_log.count("no bash on PATH, the commands run under sh") == 1


def test_without_any_shell_the_code_is_127(runtime, tmp_path):
    runtime.hook(
        "start",
        "(work / 'user.sh').write_text('echo here')\n"
        f"(work / 'container_env.nul').write_bytes(b'PATH={tmp_path}\\0')",
    )
    finished = runtime.run()
    assert finished.code == 127
    assert b"the image has neither bash nor sh" in finished.log("user-stderr")
    assert "neither bash nor sh" in finished.runtime_log


def test_it_gets_exactly_the_prepared_environment_whatever_the_bytes(runtime, tmp_path):
    value = b"line\none ' \" \\ $x \xff\x01"
    (tmp_path / "value").write_bytes(value)
    runtime.hook(
        "start",
        f"value = Path({str(tmp_path / 'value')!r}).read_bytes()\n"
        "entries = b'PATH=' + os.environb[b'PATH'] + b'\\0ODD=' + value + b'\\0'\n"
        "(work / 'container_env.nul').write_bytes(entries)",
    )
    finished = runtime.run("env", "-0")
    path = os.environb[b"PATH"]
    error_file = f"TORCHELASTIC_ERROR_FILE={runtime.logs}/torch-error.json\0".encode()
    expected = b"PATH=" + path + b"\0ODD=" + value + b"\0" + error_file
    assert finished.log("user-stdout") == expected


def test_container_environment_is_handed_over_whole_and_private(runtime):
    finished = runtime.run("true", env={"ODD": "a\nb=c", "PYTHONPATH": "/nowhere"})
    file = finished.work / "container_env.nul"
    assert b"\0ODD=a\nb=c\0" in b"\0" + file.read_bytes()
    assert b"\0PYTHONPATH=/nowhere\0" in b"\0" + file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (finished.work / "command.nul").read_bytes() == b"true\0"


def test_it_runs_where_pai_runtime_was_called_with_the_callers_umask(runtime, tmp_path):
    (tmp_path / "here").mkdir()
    finished = runtime.bash("umask; pwd", cwd=tmp_path / "here", umask=0o077)
    assert finished.log("user-stdout").split() == [b"0077", os.fsencode(tmp_path / "here")]


def test_stdin_goes_to_the_command(runtime, tmp_path):
    (tmp_path / "input").write_bytes(b"some input")
    with (tmp_path / "input").open("rb") as stdin:
        finished = runtime.run("cat", stdin=stdin)
    assert finished.stdout == b"some input"


def test_signals_have_their_default_dispositions(runtime):
    """A SIGPIPE that Python ignores must not be ignored by the command as well."""
    finished = runtime.bash("grep -E 'SigIgn|SigBlk' /proc/self/status")
    # 32 and 33 belong to the C library: no program can set or reset them
    ours = ~(1 << 31 | 1 << 32)
    assert [int(line.split()[1], 16) & ours for line in finished.stdout.splitlines()] == [0, 0]


def test_markers_stand_around_the_command(runtime):
    log = runtime.bash("true").runtime_log
    assert log.index("USER COMMAND START\n") < log.index("USER COMMAND END\n")


@pytest.mark.parametrize(
    "leftover",
    [
        pytest.param("sleep 1000 & echo $! > pid", id="a child in its group"),
        pytest.param("setsid sleep 1000 & sleep 0.2; pgrep -s $! > pid", id="a session of its own"),
        pytest.param("(setsid sh -c 'sleep 1000 & echo $! > pid' &)", id="a double fork"),
        pytest.param("(trap '' TERM; exec sleep 1000) & echo $! > pid", id="deaf to SIGTERM"),
        pytest.param(
            "sleep 1000 & echo $! > pid; kill -STOP $!", id="a stopped child in its group"
        ),
    ],
)
def test_nothing_that_it_started_outlives_us(runtime, tmp_path, gone, leftover):
    pid_file = tmp_path / "pid"
    finished = runtime.bash(f"{leftover}; until [ -s pid ]; do sleep 0.01; done; exit 7")
    assert finished.code == 7
    assert gone(int(pid_file.read_text()))


def test_orphans_are_reaped_while_the_command_runs(runtime, tmp_path):
    script = """
        for n in 1 2 3 4 5; do (sleep 0 & ) ; done
        parent=$PPID
        until [ -z "$(pgrep -P $parent -r Z)" ]; do sleep 0.01; done
        echo "$parent"
    """
    finished = runtime.bash(script)
    assert finished.code == 0
    assert finished.stdout.strip().isdigit()


def test_plugin_daemons_outlive_a_killed_command_until_the_exit_steps(runtime, tmp_path):
    """A storage daemon has to flush first: its plugin stops it, not the KILL to the command."""
    runtime.hook(
        "start",
        "import subprocess\n"
        "quiet = {n: subprocess.DEVNULL for n in ('stdin', 'stdout', 'stderr')}\n"
        "daemon = subprocess.Popen(['sleep', '1000'], start_new_session=True, **quiet)\n"
        f"Path({str(tmp_path / 'daemon')!r}).write_text(str(daemon.pid))",
    )
    runtime.hook(
        "exit",
        f"pid = int(Path({str(tmp_path / 'daemon')!r}).read_text())\n"
        "os.kill(pid, 0)\n"
        "(work / 'daemon-lived').touch()",
    )
    twice = "kill -TERM $PPID; sleep 0.8; kill -TERM $PPID"
    finished = runtime.bash(
        f"trap '' TERM; {twice}; while :; do sleep 0.05; done",
        env={"PAI_TERMINATION_GRACE_SECONDS": "3000"},
    )
    assert finished.code == 137
    assert (Path(finished.work) / "daemon-lived").exists()


def test_open_descriptors_of_the_caller_reach_the_command(runtime):
    read, write = os.pipe()
    finished = runtime.bash(f"echo through >&{write}", pass_fds=[write])
    os.close(write)
    assert finished.code == 0
    assert os.read(read, 100) == b"through\n"
    os.close(read)


def test_nohup_is_respected(runtime, wait_for):
    """What ignores SIGHUP when it starts goes on when its terminal goes."""
    process = runtime.start(
        "bash",
        "-c",
        "kill -HUP $PPID; sleep 0.2; exit 6",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert runtime.finish(process).code == 6
