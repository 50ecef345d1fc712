"""Runs the real bin/pai-runtime with a stand-in for ansible-playbook."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[6]
PATIENCE = 60.0  # seconds: only a hang fails a test, never a slow machine

# What the real playbooks do, as far as the supervisor can tell; start.py and exit.py beside it are
# what a test wants to happen first.
LAUNCHER = """\
import json, os, sys
from pathlib import Path
work, logs = Path(os.environ["PAI_RUNTIME_WORK_DIR"]), Path(os.environ["PAI_RUNTIME_LOG_DIR"])
name = Path(sys.argv[-1]).stem
hook = Path(__file__).with_name(name + ".py")
print("playing", *sys.argv[1:], flush=True)
if hook.exists():
    exec(compile(hook.read_text(), str(hook), "exec"))
if name == "start":
    (work / "process_env.nul").write_bytes((work / "container_env.nul").read_bytes())
else:
    outcome = json.loads((work / "outcome.json").read_bytes())
    (logs / "exit.json").write_text(json.dumps({**outcome, "job": "a-job", "reason": "analysed"}))
"""


@pytest.fixture(autouse=True)
def _attended() -> Iterator[None]:
    """Under nohup, where HUP is ignored, pai-runtime leaves it ignored: not what is tested."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def make_root(root: Path) -> Path:
    """Make a root of the project whose launcher and playbooks are the caller's to write."""
    (root / "bin").mkdir(parents=True)
    (root / "playbooks").mkdir()
    # A copy: the program finds its root behind links to itself.
    shutil.copy(ROOT / "bin" / "pai-runtime", root / "bin")
    for name in ("module_utils", "collections", "callback_plugins", "ansible.cfg"):
        (root / name).symlink_to(ROOT / name)
    return root


class Finished:
    """A run that has ended: its code, what it printed, and its directories."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes, home: Path) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr.decode(errors="replace")
        self.logs = home / "logs"
        self.work = home / "work"

    def log(self, name: str) -> bytes:
        return (self.logs / name / "current").read_bytes()

    @property
    def runtime_log(self) -> str:
        return (self.logs / "runtime.log").read_text()

    @property
    def exit(self) -> dict[str, Any]:
        return json.loads((self.logs / "exit.json").read_bytes())

    @property
    def outcome(self) -> dict[str, Any]:
        return json.loads((self.work / "outcome.json").read_bytes())


class Runtime:
    """Starts bin/pai-runtime in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.work = home / "work"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "PAI_PYTHON": sys.executable,
        }
        self.launcher = make_root(home / "root") / "bin" / "pai-playbook"
        self.program = self.launcher.with_name("pai-runtime")
        self.launcher.write_text(LAUNCHER)

    def hook(self, name: str, code: str) -> None:
        """Let Python code run in the stand-in playbook, before it does its part."""
        self.launcher.with_name(f"{name}.py").write_text(code)

    def start(self, *command: str, action: str = "run", **popen: Any) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **popen.pop("env", {})}
        directories = ["--work-dir", str(self.work), "--log-dir", str(self.logs)]
        options = [*directories, *popen.pop("options", [])]
        separator = ["--"] if command else []
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("cwd", self.home)
        process = subprocess.Popen(
            [self.program, action, *options, *separator, *command],
            env=environment,
            **popen,
        )
        self.processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> Finished:
        stdout, stderr = process.communicate(timeout=PATIENCE)
        return Finished(process.returncode, stdout or b"", stderr or b"", self.home)

    def run(self, *command: str, **popen: Any) -> Finished:
        return self.finish(self.start(*command, **popen))

    def bash(self, script: str, **popen: Any) -> Finished:
        return self.run("bash", "-c", script, **popen)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path)
    yield runtime
    for process in runtime.processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Wait until a condition holds, and return what it returned."""

    def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Tell whether a process is gone, or a zombie that somebody else has to reap."""

    def check(pid: int) -> bool:
        try:
            stat = Path("/proc", str(pid), "stat").read_text()
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] == "Z"

    return check
