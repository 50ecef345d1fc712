"""How fast the three logs are captured, and how much memory that takes.

The command writes log lines to stdout and stderr as fast as it can; pai-runtime writes them into
three files with rotation (each byte twice: its output's file, the combined file) and passes them on
to a pipe that this process reads. ``tee`` writes the same lines as often in the same run. Run it by
itself: ``python tests/bench/bench_capture.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

from table import Row, show

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 10**6
TOTAL_MB = 1500
ROUNDS = 3

# Stands in for ansible-playbook: this measures the capture alone.
LAUNCHER = """\
import json, os, sys
from pathlib import Path
work, logs = Path(os.environ["PAI_RUNTIME_WORK_DIR"]), Path(os.environ["PAI_RUNTIME_LOG_DIR"])
if sys.argv[-1].endswith("start.yml"):
    (work / "process_env.nul").write_bytes((work / "container_env.nul").read_bytes())
else:
    (logs / "exit.json").write_bytes((work / "outcome.json").read_bytes())
"""
WRITER = f"""\
import os
line = b"2026-11-24 08:00:00 INFO epoch 1 step 100 loss 0.123456 accuracy 0.98 images/s 1234.5\\n"
block = line * (1024 * 1024 // len(line))
left, output = {TOTAL_MB * MEGABYTE}, 1
while left > 0:
    left -= os.write(output, block)
    output = 3 - output
"""


def measure() -> list[Row]:
    """Return rows of name, value, unit, budget (None where there is none)."""
    with tempfile.TemporaryDirectory(prefix="bench-capture-") as name:
        folder = Path(name)
        _make_root(folder / "root")
        (folder / "writer.py").write_text(WRITER)
        runs = [(_capture(folder), _tee(folder)) for _round in range(ROUNDS)]
    return [
        ("log capture, three files and passing on", _middle([r[0][0] for r in runs]), "MB/s", 300),
        ("the same through tee", _middle([run[1] for run in runs]), "MB/s", None),
        ("memory of pai-runtime meanwhile", max(run[0][1] for run in runs), "MB", 25),
    ]


def _make_root(root: Path) -> None:
    """Make a root of the project with the stand-in as its launcher."""
    (root / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "bin" / "pai-runtime", root / "bin")  # it finds its root behind links
    (root / "bin" / "pai-playbook").write_text(LAUNCHER)
    for name in ("module_utils", "catalogue"):  # what searches finished files needs both
        (root / name).symlink_to(ROOT / name)


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def _capture(folder: Path) -> tuple[float, float]:
    """Return the rate (MB/s) and the largest resident memory (MB)."""
    logs = folder / "logs"
    directories = ["--work-dir", str(folder / "work"), "--log-dir", str(logs)]
    command = [sys.executable, str(folder / "writer.py")]
    runtime = subprocess.Popen(
        [folder / "root" / "bin" / "pai-runtime", "run", *directories, "--", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PAI_PYTHON": sys.executable},
    )
    passed_on, peak = _read_all(runtime)
    if runtime.wait() or passed_on < TOTAL_MB * MEGABYTE:
        raise RuntimeError(f"pai-runtime ended with {runtime.returncode}, {passed_on} bytes passed")
    seconds = json.loads((logs / "exit.json").read_bytes())["phases"]["command"]
    for file in logs.glob("**/*"):
        if file.is_file():
            file.unlink()
    return TOTAL_MB / seconds, peak


def _tee(folder: Path) -> float:
    """Return the rate (MB/s) at which tee writes two files and passes the lines on."""
    files = [folder / f"tee-{number}" for number in range(2)]
    began = time.monotonic()
    writer = subprocess.Popen(
        [sys.executable, folder / "writer.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    tee = subprocess.Popen(["tee", *files], stdin=writer.stdout, stdout=subprocess.PIPE)
    _read_all(tee)
    tee.wait()
    writer.wait()
    seconds = time.monotonic() - began
    for file in files:
        file.unlink()
    return TOTAL_MB / seconds


def _read_all(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Read what a process writes, as a log collector would; return bytes and its peak MB."""
    done = threading.Event()
    peak: list[float] = [0.0]

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _resident(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    total = _count(process.stdout) if process.stdout else 0
    done.set()
    watcher.join()
    return total, peak[0]


def _count(stream: IO[bytes]) -> int:
    total = 0
    while data := os.read(stream.fileno(), 1024 * 1024):
        total += len(data)
    return total


def _resident(pid: int) -> float:
    try:
        lines = Path("/proc", str(pid), "status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) * 1024 / MEGABYTE if found else 0.0


if __name__ == "__main__":
    show(measure())
