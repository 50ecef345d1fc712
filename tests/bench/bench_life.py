"""What the runtime adds to a container's life: start, end, and the start of a very large job.

Everything is a whole process, measured from outside; the unit U is one empty ``ansible-playbook``
run on the same machine in the same turn.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from table import Row, show

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
TASKS = 10_000
EMPTY = "- {hosts: all, gather_facts: false, tasks: []}\n"
ROLE = {
    "dockerImage": "image",
    "resourcePerInstance": {"cpu": 1, "memoryMB": 1024, "gpu": 0},
    "commands": ["date +%s.%N > first"],
}
SSH = {"plugin": "ssh", "parameters": {"jobssh": True}}
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
LARGE_ROUNDS = 2
#: The last thing that the failing command does is to say when it is.
FAILING = """\
import sys, time
line = "2026-11-24 08:00:00 INFO epoch 1 step 100 loss 0.1234 images/s 1234.5\\n"
sys.stdout.write(line * (10 * 2**20 // len(line)))
sys.stdout.flush()
sys.stderr.write("Traceback (most recent call last):\\nRuntimeError: it broke\\n")
open("last", "w").write(str(time.time()))
sys.exit(1)
"""
#: Its only error stands in the first of 512 MB, which two files hold.
FAILING_EARLY = """\
import sys, time
line = "2026-11-24 08:00:00 INFO loss 0.1234 accuracy 0.98 images/s 1234.5\\n"
sys.stderr.write("Traceback (most recent call last):\\nValueError: label 11\\n")
for _piece in range(512):
    sys.stdout.write(line * (10**6 // len(line)))
sys.stdout.flush()
open("last", "w").write(str(time.time()))
sys.exit(1)
"""


def measure() -> list[Row]:
    """Return rows of name, value, unit, budget (None where there is none)."""
    with tempfile.TemporaryDirectory(prefix="bench-life-") as name:
        folder = Path(name)
        _write_inputs(folder)
        turns = [_turn(folder) for _round in range(ROUNDS)]
        large = statistics.median(_end_of_large(folder) for _round in range(LARGE_ROUNDS))
    middle = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
    unit = middle["unit"]
    return [
        ("U: one empty ansible-playbook run", unit, "s", None),
        ("start of a container, plugin cmd", middle["start"] / unit, "U", None),
        *_with_ssh(middle, unit),
        ("end of a failed command, 10 MiB log", middle["end"] / unit, "U", 1.5),
        ("end of a failed command, 512 MB log", large, "s", 2 * unit + 2),
        ("start of a job of 10,000 tasks", middle["large"], "s", 3.0),
        ("… above a job of one task", (middle["large"] - middle["small"]) / unit, "U", 2.5),
        ("environment for 10,000 tasks", middle["environment"], "s", 1.0),
    ]


def _with_ssh(middle: dict[str, float], unit: float) -> list[Row]:
    """Return the row that needs an sshd, where there is one."""
    if "ssh" not in middle:
        return []
    return [("start of a container, plugins cmd and ssh", middle["ssh"] / unit, "U", 1.5)]


def _write_inputs(folder: Path) -> None:
    (folder / "home").mkdir()
    (folder / "empty.yml").write_text(EMPTY)
    (folder / "fail.py").write_text(FAILING)
    (folder / "fail_early.py").write_text(FAILING_EARLY)
    plugin = {"plugin": "cmd", "parameters": {"preCommands": ["true"]}}
    for name, plugins in (("job.yml", [plugin]), ("ssh.yml", [plugin, SSH])):
        extras = {"com.microsoft.pai.runtimeplugin": plugins}
        (folder / name).write_text(json.dumps({**_job(), "extras": extras}))
    (folder / "small.json").write_text(json.dumps(_framework(1)))
    (folder / "large.json").write_text(json.dumps(_framework(TASKS)))


def _job() -> dict[str, Any]:
    image = {"name": "image", "type": "dockerimage", "uri": "debian:12"}
    job = {"protocolVersion": 2, "name": "bench", "type": "job", "prerequisites": [image]}
    return {**job, "taskRoles": {"worker": ROLE}}


def _framework(tasks: int) -> dict[str, Any]:
    """Return a Framework with statuses as large as a real one's, about 900 bytes a task."""
    counts = {label: {"count": 1} for label in ("mpi", "ssh", "http")}
    ports = json.dumps({"schedulePortStart": 15000, "schedulePortEnd": 40000, "ports": counts})
    pod = {"metadata": {"annotations": {"rest-server/port-scheduling-spec": ports}}}
    statuses = [_status(index) for index in range(tasks)]
    packed = gzip.compress(json.dumps([{"name": "worker", "taskStatuses": statuses}]).encode())
    return {
        "metadata": {
            "labels": {"userName": "alice"},
            "annotations": {"jobName": "bench", "config": json.dumps(_job())},
        },
        "spec": {"taskRoles": [{"name": "worker", "taskNumber": tasks, "task": {"pod": pod}}]},
        "status": {
            "attemptStatus": {"taskRoleStatusesCompressed": base64.b64encode(packed).decode()}
        },
    }


def _status(index: int) -> dict[str, Any]:
    host = f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}"
    uid = f"f1020521-9bda-11ea-830b-{index:012d}"
    place = {"podHostIP": host, "podIP": host, "podUID": uid, "podNodeName": host}
    return {"index": index, "attemptStatus": {**place, "diagnostics": "x" * 700}}


def _turn(folder: Path) -> dict[str, float]:
    """Measure everything once."""
    return {
        "unit": _empty(folder),
        "start": _until_first_instruction(folder, "job.yml"),
        **({"ssh": _until_first_instruction(folder, "ssh.yml")} if SSHD else {}),
        "end": _end(folder),
        "small": _until_first_instruction(folder, "--framework", "small.json"),
        "large": _until_first_instruction(folder, "--framework", "large.json"),
        "environment": json.loads((folder / "work" / "playbook-start.json").read_bytes())["phases"][
            "runtime_env"
        ],
    }


def _empty(folder: Path) -> float:
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [program, "-c", "local", "-i", "localhost,", "empty.yml"]
    began = time.time()
    subprocess.run(command, cwd=folder, env=_environment(folder), check=True, capture_output=True)
    return time.time() - began


def _until_first_instruction(folder: Path, *inputs: str) -> float:
    for name in ("work", "logs"):  # a new container has none
        shutil.rmtree(folder / name, ignore_errors=True)
    began = time.time()
    _run(folder, *inputs)
    return float((folder / "first").read_text()) - began


def _end_of_large(folder: Path) -> float:
    shutil.rmtree(folder / "logs", ignore_errors=True)
    took = _end(folder, "fail_early.py")
    found = json.loads((folder / "logs" / "exit.json").read_bytes())
    if "ValueError: label 11" not in (found["matchedUserLogString"] or ""):
        raise RuntimeError(f"the error at the beginning was not found: {found['phrase']}")
    return took


def _end(folder: Path, program: str = "fail.py") -> float:
    status = _run(folder, "--", sys.executable, program)
    if status == 0:
        raise RuntimeError("the failing command did not fail")
    return time.time() - float((folder / "last").read_text())


def _run(folder: Path, *arguments: str) -> int:
    places = ("--work-dir", "work", "--log-dir", "logs")
    separator = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = arguments[:separator], arguments[separator:]
    done = subprocess.run(
        [ROOT / "bin" / "pai-runtime", "run", *options, *places, *command],
        cwd=folder,
        env=_environment(folder),
        check=False,
        capture_output=True,
    )
    return done.returncode


def _environment(folder: Path) -> dict[str, str]:
    home = str(folder / "home")  # where the plugin ssh may write a client's settings
    own = {"PAI_PYTHON": sys.executable, "LC_ALL": "C.UTF-8", "PAI_SSH_HOME": home}
    return {**os.environ, **own}


if __name__ == "__main__":
    show(measure())
