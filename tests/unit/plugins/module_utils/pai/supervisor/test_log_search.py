"""Finished log files are searched by a child while the command runs, before they are deleted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[6]
ERROR = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
FILL = "seq -f 'reader %08.0f waits for the others' 1 {lines}"
#: Small files, of which one is kept.
SMALL = {"PAI_LOG_FILE_BYTES": "200000", "PAI_LOG_FILES_KEPT": "1"}
#: What it prints is read by nobody who could be late.
QUIET = {"stdout": subprocess.DEVNULL}
FOUND = "until [ -e logs/user-all/earlier.json ]; do sleep 0.05; done"


@pytest.fixture(autouse=True)
def catalogue(runtime) -> Path:
    link = runtime.home / "root" / "catalogue"
    link.symlink_to(ROOT / "catalogue")
    return link


def script(*commands: str) -> str:
    return "; ".join([f"echo '{ERROR}'", *commands, "exit 3"])


def fill(lines: int = 10_000) -> str:
    return FILL.format(lines=lines)


def digests(finished) -> list[dict[str, object]]:
    return json.loads((finished.logs / "user-all" / "earlier.json").read_bytes())["files"]


@pytest.mark.parametrize("files_kept", ["1", "0"])
def test_what_a_deleted_file_said_is_kept(runtime, files_kept):
    limits = {**SMALL, "PAI_LOG_FILES_KEPT": files_kept}
    finished = runtime.bash(script(fill(), FOUND, fill(20_000)), env=limits)
    assert finished.code == 3
    first = digests(finished)[0]
    assert not (finished.logs / "user-all" / first["name"]).exists()
    assert first["lines"][0][:2] == [0, 1]
    assert first["lines"][0][2].startswith(f"{ERROR}\n")
    assert first["size"] == first["searched"]


def test_patterns_of_the_job_count_too(runtime):
    own = [
        {
            "code": 237,
            "phrase": "LicenceServerFull",
            "reason": "All licences are in use.",
            "type": "USER_FAILURE",
            "behavior": "PERMANENT",
            "reaction": "NEVER_RETRY",
            "pattern": {"runtimeContainerPatterns": [{"userLogRegex": "no free seat"}]},
        }
    ]
    hook = f"(work / 'failure_patterns.json').write_text({json.dumps(json.dumps(own))})"
    runtime.hook("start", hook)
    finished = runtime.bash(f"echo 'LICENSE: no free seat'; {fill()}; {FOUND}", env=SMALL)
    assert "no free seat" in digests(finished)[0]["lines"][0][2]


@pytest.fixture
def stuck(runtime, catalogue, wait_for):
    """Let the child wait for a catalogue that nobody writes; return how to find the child."""
    catalogue.unlink()
    catalogue.mkdir()
    os.mkfifo(catalogue / "10-slow.yml")

    def find() -> int:
        return wait_for(lambda: next(children_of(runtime), 0))

    return find


def children_of(runtime):
    words = f"--log\0{runtime.logs / 'user-all'}\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if words in path.read_bytes():
                yield int(path.parent.name)


def test_the_child_steps_back_behind_the_command(runtime, stuck, gone):
    process = runtime.start("bash", "-c", f"{fill()}; sleep 60", env=SMALL, **QUIET)
    child = stuck()
    assert os.getpriority(os.PRIO_PROCESS, child) == 19
    assert os.sched_getscheduler(child) == os.SCHED_BATCH
    assert os.getpgid(child) == child
    assert os.getsid(child) == os.getsid(process.pid)
    assert Path("/proc", str(child), "oom_score_adj").read_text() == "1000\n"
    process.send_signal(signal.SIGTERM)
    assert runtime.finish(process).code == 143
    assert gone(child)


def test_a_child_that_hangs_holds_nothing_up(runtime, stuck, gone):
    wait = "until [ -e go ]; do sleep 0.05; done"
    script = f"{fill()}; {wait}; {fill(20_000)}; exit 4"
    process = runtime.start("bash", "-c", script, env=SMALL, **QUIET)
    child = stuck()
    (runtime.home / "go").touch()
    assert runtime.finish(process).code == 4
    assert gone(child)


PLAYING = (
    "(logs / 'playing').touch()\nimport time\nwhile not (logs / 'go').exists(): time.sleep(0.05)"
)


def test_a_signal_during_the_exit_playbook_ends_the_child_at_once(runtime, stuck, gone, wait_for):
    runtime.hook("exit", PLAYING)
    process = runtime.start("bash", "-c", f"{fill()}; exit 4", env=SMALL, **QUIET)
    child = stuck()
    unfinished = runtime.logs / "user-all" / f".earlier.json.{child}"
    unfinished.touch()
    wait_for((runtime.logs / "playing").exists)
    assert not gone(child)
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: gone(child))
    assert not (runtime.logs / "exit.json").exists()
    (runtime.logs / "go").touch()
    finished = runtime.finish(process)
    assert finished.exit["reason"] == "analysed"
    assert "the search of finished log files ended" not in finished.runtime_log
    assert not unfinished.exists()


def test_a_child_that_is_killed_leaves_nothing_and_is_told(runtime, stuck, wait_for):
    said = "grep -q 'searched at the end' logs/runtime.log"
    script = f"{fill()}; until {said}; do sleep 0.05; done; exit 4"
    process = runtime.start("bash", "-c", script, env=SMALL, **QUIET)
    child = stuck()
    unfinished = runtime.logs / "user-all" / f".earlier.json.{child}"
    unfinished.touch()
    os.kill(child, signal.SIGKILL)
    finished = runtime.finish(process)
    assert finished.code == 4
    assert finished.runtime_log.count("the search of finished log files ended with 137: they") == 1
    assert not unfinished.exists()


def test_a_child_that_we_end_is_no_reason_to_give_up(runtime, wait_for, tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    packages = next(bare.glob("lib/python*/site-packages"))
    slow = "import sys, time; 'digest' in sys.orig_argv and time.sleep(1000)\n"
    (packages / "slow.pth").write_text(slow)  # before it can hear a signal
    script = f"{fill()}; until [ -e go ]; do sleep 0.05; done; rm logs/user-all/@*.s; exit 4"
    environment = {**SMALL, "PAI_PYTHON": str(bare / "bin" / "python")}
    process = runtime.start("bash", "-c", script, env=environment, **QUIET)
    wait_for(lambda: next(children_of(runtime), 0))
    (runtime.home / "go").touch()
    finished = runtime.finish(process)
    assert finished.code == 4
    assert "the search of finished log files ended" not in finished.runtime_log


@pytest.mark.parametrize(
    ("broken", "written"),
    [
        pytest.param("log_search.LogSearch.settle", True, id="to settle"),
        pytest.param("ending.Ending.conclude", False, id="to conclude"),
    ],
)
def test_a_defect_of_ours_at_the_end_leaves_no_child_and_costs_nothing_else(
    runtime, stuck, gone, broken, written
):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/module_utils')\n"
        "from pai.supervisor import cli, ending, log_search\n"
        "def fail(*_arguments): raise RuntimeError('a defect')\n"
        f"{broken} = fail\n"
        "raise SystemExit(cli.main(sys.argv[2:]))"
    )
    places = ["--work-dir", str(runtime.work), "--log-dir", str(runtime.logs)]
    wait = f"{fill()}; until [ -e go ]; do sleep 0.05; done; exit 4"
    words = [sys.executable, "-c", program, str(runtime.launcher.parents[1]), "run", *places]
    process = subprocess.Popen(
        [*words, "--", "bash", "-c", wait],
        env={**runtime.environment, **SMALL},
        cwd=runtime.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    runtime.processes.append(process)
    child = stuck()
    (runtime.home / "go").touch()
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 4
    assert "RuntimeError: a defect" in said
    assert gone(child)
    assert (runtime.logs / "exit.json").exists() is written


@pytest.mark.usefixtures("stuck")
def test_it_is_said_that_files_were_deleted_too_early_and_how_many(runtime):
    finished = runtime.bash(f"{fill(40_000)}; exit 4", env=SMALL)
    said = "deleted before it could be searched: the log grows too fast"
    assert finished.runtime_log.count(said) == 1
    assert finished.runtime_log.count(" finished log files were not searched") == 1


def test_without_the_engine_the_job_ends_as_ever(runtime, tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    packages = next(bare.glob("lib/python*/site-packages"))
    (packages / "yaml").symlink_to(Path(yaml.__file__).parent)
    said = "grep -q 'searched at the end' logs/runtime.log"
    finished = runtime.bash(
        script(fill(), f"until {said}; do sleep 0.05; done", fill(20_000)),
        env={**SMALL, "PAI_PYTHON": str(bare / "bin" / "python")},
    )
    assert finished.code == 3
    assert finished.exit["reason"] == "analysed"
    words = (
        "the search of finished log files ended with 1: google-re2 is not installed:"
        " they are searched at the end, if they are still there"
    )
    assert finished.runtime_log.count(words) == 1
    assert not (finished.logs / "user-all" / "earlier.json").exists()


def test_only_the_log_of_both_outputs_is_searched(runtime):
    finished = runtime.bash(script(fill(), FOUND), env=SMALL)
    names = {path.parent.name for path in finished.logs.rglob("earlier.json")}
    assert names == {"user-all"}
    mode = (finished.logs / "user-all" / "earlier.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_digests_of_an_earlier_run_are_not_ours(runtime):
    runtime.bash(script(fill(), FOUND), env=SMALL)
    finished = runtime.bash("exit 1")
    assert not (finished.logs / "user-all" / "earlier.json").exists()
    assert len(list(finished.logs.glob("prelog_*/user-all/earlier.json"))) == 1
