"""The three logs and what is passed on: byte for byte, whatever happens around them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

import pytest

BOTH = """
import os, sys, threading
def write(fd, path):
    data = open(path, "rb").read()
    while data:
        data = data[os.write(fd, data[:100_003]):]
threads = [threading.Thread(target=write, args=(n, p)) for n, p in ((1, "out"), (2, "err"))]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_five_megabytes_of_random_bytes_on_both_outputs_are_exact(runtime, tmp_path):
    out, err = (random.Random(seed).randbytes(5 * 10**6) for seed in (1, 2))
    (tmp_path / "out").write_bytes(out)
    (tmp_path / "err").write_bytes(err)
    with (tmp_path / "stderr").open("wb") as stderr:
        finished = runtime.run(sys.executable, "-c", BOTH, stderr=stderr)
    assert finished.log("user-stdout") == finished.stdout == out
    assert finished.log("user-stderr") == err
    assert err in b"".join(without_our_lines((tmp_path / "stderr").read_bytes(), err))
    assert sorted(finished.log("user-all")) == sorted(out + err)


def without_our_lines(stderr: bytes, err: bytes):
    """Yield what is on stderr between the lines of the runtime itself."""
    start = stderr.index(err[:64])
    yield stderr[start : start + len(err)]


def test_lines_in_the_combined_file_are_whole(runtime, tmp_path):
    """Both outputs at full speed, in pieces that end anywhere."""
    for name in ("out", "err"):
        text = "".join(f"{name} {n} {'x' * (n % 97)} end\n" for n in range(60_000))
        (tmp_path / name).write_text(text)
    finished = runtime.run(sys.executable, "-c", BOTH, stderr=subprocess.DEVNULL)
    lines = finished.log("user-all").decode().splitlines()
    for name in ("out", "err"):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == (tmp_path / name).read_text().splitlines()
    assert len(lines) == 120_000


def test_outputs_are_in_the_order_of_their_writing_where_they_do_not_overlap(runtime):
    finished = runtime.bash("for n in 1 2 3; do echo o$n; sleep 0.3; echo e$n >&2; sleep 0.3; done")
    assert finished.log("user-all") == b"o1\ne1\no2\ne2\no3\ne3\n"


def test_output_is_passed_on_before_its_line_ends(runtime, tmp_path, wait_for):
    process = runtime.start("bash", "-c", "printf half; until [ -e go ]; do sleep 0.01; done")
    assert os.read(process.stdout.fileno(), 100) == b"half"
    log = tmp_path / "logs" / "user-all" / "current"
    wait_for(lambda: log.read_bytes() == b"half")
    (tmp_path / "go").touch()
    assert runtime.finish(process).code == 0


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("exit 1", id="an exit"),
        pytest.param("kill -SEGV $$", id="a crash"),
        pytest.param("kill -KILL $$", id="a kill"),
    ],
)
def test_nothing_written_before_the_end_is_lost(runtime, end):
    finished = runtime.bash(f"seq 1 200000; printf 'last words' >&2; {end}")
    expected = "".join(f"{n}\n" for n in range(1, 200_001)).encode()
    assert finished.log("user-stdout") == finished.stdout == expected
    assert finished.log("user-stderr") == b"last words"
    assert len(finished.log("user-all")) == len(expected) + len(b"last words")


def test_child_in_another_session_that_holds_stdout_does_not_hold_us(runtime, tmp_path, gone):
    script = "setsid bash -c 'echo $$ > pid; while :; do echo more; done' & sleep 0.3; exit 3"
    finished = runtime.bash(script, stdout=subprocess.DEVNULL)
    assert finished.code == 3
    assert gone(int((tmp_path / "pid").read_text()))


def test_closed_stdout_and_stderr_do_not_matter(runtime):
    script = "echo out; echo err >&2; exit 3"
    process = runtime.start(
        "bash", "-c", script, stdout=None, stderr=None, preexec_fn=lambda: os.closerange(1, 3)
    )
    finished = runtime.finish(process)
    assert finished.code == 3
    assert finished.log("user-stdout") == b"out\n"
    assert finished.log("user-stderr") == b"err\n"


def test_reader_that_goes_away_does_not_stop_the_command(runtime):
    process = runtime.start("bash", "-c", "seq 1 300000; exit 4", stderr=subprocess.DEVNULL)
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(60) == 4
    log = (runtime.logs / "user-stdout" / "current").read_bytes()
    assert log.endswith(b"\n300000\n")
    assert "our stdout is not written any more: Broken pipe" in (
        (runtime.logs / "runtime.log").read_text()
    )


def test_slow_reader_of_a_non_blocking_pipe_gets_every_byte(runtime):
    read, write = os.pipe()
    os.set_blocking(write, False)
    process = runtime.start("seq", "1", "300000", stdout=write, stderr=subprocess.DEVNULL)
    os.close(write)
    got = b""
    while data := os.read(read, 4096):
        got += data
    os.close(read)
    assert process.wait(60) == 0
    assert got == "".join(f"{n}\n" for n in range(1, 300_001)).encode()


def test_signals_work_while_nobody_reads_our_stdout(runtime, wait_for):
    """A full blocking pipe must not block us."""
    script = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(6))
while True:
    os.write(1, b"words " * 10_000)
"""
    read, write = os.pipe()
    process = runtime.start(
        sys.executable,
        "-c",
        script,
        stdout=write,
        stderr=subprocess.DEVNULL,
        env={"PAI_TERMINATION_GRACE_SECONDS": "6"},
    )
    os.close(write)
    log = runtime.logs / "user-stdout" / "current"
    wait_for(lambda: log.exists() and log.stat().st_size > 65536)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 6
    os.close(read)


def test_blocking_flag_of_the_callers_stdout_stays(runtime):
    read, write = os.pipe()
    process = runtime.start("seq", "1", "10", stdout=write, stderr=subprocess.DEVNULL)
    assert process.wait(60) == 0
    assert os.get_blocking(write)
    os.close(write)
    os.close(read)


def test_stdout_in_a_file_is_appended_not_overwritten(runtime, tmp_path):
    (tmp_path / "all.txt").write_text("before\n")
    with (tmp_path / "all.txt").open("ab") as stdout:
        runtime.bash("echo words", stdout=stdout)
    assert (tmp_path / "all.txt").read_text() == "before\nwords\n"


def test_socket_as_stdout(runtime):
    import socket

    ours, theirs = socket.socketpair()
    process = runtime.start("seq", "1", "100000", stdout=theirs, stderr=subprocess.DEVNULL)
    theirs.close()
    got = b""
    while data := ours.recv(65536):
        got += data
    ours.close()
    assert process.wait(60) == 0
    assert got.endswith(b"\n100000\n")
    assert len(got) == sum(len(f"{n}\n") for n in range(1, 100_001))


@pytest.mark.skipif(os.getuid() != 0 or not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_behind_stdout_does_not_stop_the_logs(runtime):
    with open("/dev/full", "wb") as stdout:
        finished = runtime.bash("echo words; exit 2", stdout=stdout)
    assert finished.code == 2
    assert finished.log("user-stdout") == b"words\n"
    assert "our stdout is not written any more: No space left on device" in finished.runtime_log


def test_rotation_keeps_the_newest_and_loses_nothing_between(runtime):
    limits = {"PAI_LOG_FILE_BYTES": "100000", "PAI_LOG_FILES_KEPT": "2"}
    finished = runtime.run("seq", "1", "200000", env=limits)
    everything = "".join(f"{n}\n" for n in range(1, 200_001)).encode()
    for name in ("user-stdout", "user-all"):
        folder = finished.logs / name
        old = sorted(path.name for path in folder.glob("@*"))
        assert len(old) == 2
        assert all(len(name) == 27 and name.endswith(".s") for name in old)
        kept = b"".join((folder / name).read_bytes() for name in [*old, "current"])
        assert everything.endswith(kept)
        assert 200_000 - 14 < len(kept) <= 300_000
        assert all((folder / name).read_bytes().endswith(b"\n") for name in old)
    assert finished.stdout == everything
