"""The facts of the machine decide where the logs do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.analysis import (
    Analysis,
    analyse,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.sources import Sources
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
GENERIC = 'Traceback (most recent call last):\n  File "a.py", line 2, in f\n    f()\nKeyError: 1\n'
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
KILLED = {"memory": {"oomKills": 1, "peakBytes": 2**30, "limitBytes": 2**30}}
GPU = {
    "index": 0,
    "name": "A100",
    "id": "00000000:3B:00.0",
    "uncorrectedVolatile": 0,
    "rowRemapPending": False,
    "rowRemapFailed": False,
    "pageRetirementPending": False,
    "needsReset": False,
}
XID = {"code": 79, "id": "0000:3b:00", "hardware": True, "text": "NVRM: Xid (PCI:0000:3b:00): 79"}


def disk(path: str, full: bool, total: int = 2**36) -> dict[str, Any]:
    return {"path": path, "totalBytes": total, "freeBytes": 0, "inodesFree": 9, "full": full}


SHM_FULL = {"disks": [disk("/dev/shm", True)]}
SHM_SMALL = {"disks": [disk("/dev/shm", False, 2**26)]}
DISK_FULL = {"disks": [disk("/job", True)]}
DEAD = {"mounts": [{"path": "/data", "alive": False, "reason": "stat: Stale file handle"}]}
ALIVE = {"mounts": [{"path": "/data", "alive": True, "reason": ""}]}


class Looked:
    """A look at the machine that has found something."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def facts(self) -> dict[str, Any]:
        return self._facts


def explained(
    root: Path, facts: dict[str, Any], log: str = "", code: int = 1, secrets: str = "{}"
) -> Analysis:
    work, logs = root / "work", root / "logs"
    (logs / "user-all").mkdir(parents=True)
    work.mkdir()
    (logs / "user-all" / "current").write_text(log)
    (work / "job.json").write_text("{}")
    (work / "secrets.json").write_text(secrets)
    outcome = work / "outcome.json"
    outcome.write_text(json.dumps({"exitCode": code, "stage": "command"}))
    return analyse(Sources(outcome, logs, work, CATALOGUE), look=lambda _scene: Looked(facts))


@pytest.mark.parametrize(
    ("facts", "log", "code", "phrase"),
    [
        pytest.param(KILLED, "", 137, "MemoryLimitReached", id="killed at the limit"),
        pytest.param({}, "", 137, "ContainerSigKillReceived", id="killed, nobody knows why"),
        pytest.param(
            {"memory": {"oomKills": 0}}, "", 137, "ContainerSigKillReceived", id="no kill"
        ),
        pytest.param(KILLED, GENERIC, 1, "ProcessKilledAtMemoryLimit", id="a worker was killed"),
        pytest.param(KILLED, OOM, 1, "ContainerCudaOOMKilled", id="precise words come first"),
        pytest.param(SHM_FULL, "", 135, "SharedMemoryFull", id="a bus error, and no memory left"),
        pytest.param(SHM_SMALL, "", 135, "SharedMemoryFull", id="a bus error, and 64 MB of it"),
        pytest.param(SHM_SMALL, "", 1, "PAIRuntimeUnknownFailed", id="64 MB are no failure"),
        pytest.param(SHM_FULL, "", 1, "SharedMemoryLeftFull", id="no shared memory left"),
        pytest.param(DISK_FULL, "", 1, "DiskLeftFull", id="no disk left"),
        pytest.param(DISK_FULL, GENERIC, 1, "KeyError", id="an exception of its own"),
        pytest.param(DEAD, GENERIC, 1, "StorageMountDead", id="a dead mount"),
        pytest.param(ALIVE, "", 1, "PAIRuntimeUnknownFailed", id="a mount that works"),
        pytest.param({"xids": [XID]}, GENERIC, 1, "GpuErrorInKernelLog", id="an Xid"),
        pytest.param(
            {"xids": [{**XID, "hardware": False}]},
            "",
            1,
            "PAIRuntimeUnknownFailed",
            id="an Xid of the program",
        ),
        pytest.param({"gpuLost": True, "gpuProblem": "x"}, "", 1, "GpuDoesNotAnswer", id="lost"),
        pytest.param(
            {"gpus": [{**GPU, "needsReset": True}]}, "", 1, "GpuDoesNotAnswer", id="needs a reset"
        ),
        pytest.param(
            {"gpus": [{**GPU, "lost": True}]}, "", 1, "GpuDoesNotAnswer", id="does not answer"
        ),
        pytest.param(
            {"gpus": [{**GPU, "resetAdvised": True}]},
            "RuntimeError: CUDA error: unspecified launch failure\n",
            1,
            "GpuMemoryDefect",
            id="a CUDA error where a reset is advised",
        ),
        pytest.param({"gpus": [GPU]}, "", 1, "PAIRuntimeUnknownFailed", id="a sound GPU"),
        pytest.param(
            {"gpus": [{**GPU, "uncorrectedVolatile": 2}]},
            "",
            1,
            "ContainerMayFailDueToGpuDeviceEccError",
            id="memory errors",
        ),
        pytest.param(
            {"gpus": [{**GPU, "rowRemapFailed": True}]},
            "RuntimeError: CUDA error: an illegal memory access was encountered\n",
            1,
            "GpuMemoryDefect",
            id="a CUDA error on defect memory",
        ),
        pytest.param(
            {"gpus": [{**GPU, "rowRemapFailed": True}]},
            "",
            1,
            "PAIRuntimeUnknownFailed",
            id="defect",
        ),
    ],
)
def test_the_verdict(
    tmp_path: Path, facts: dict[str, Any], log: str, code: int, phrase: str
) -> None:
    report = explained(tmp_path, facts, log, code).report
    known = report["category"] if phrase == "KeyError" else report["phrase"]
    assert known == ("python-error" if phrase == "KeyError" else phrase)
    assert report["facts"] == facts


def test_the_trigger_tells_the_facts(tmp_path: Path) -> None:
    report = explained(tmp_path, {**KILLED, **DEAD}, code=137).report
    assert report["trigger"] == (
        "exit code 137; processes that the kernel killed for memory: 1; the most was 1.0 GiB of "
        "1.0 GiB; /data: stat: Stale file handle"
    )


TORCH = {"torchError": {"message": "KeyError: 'x'", "traceback": GENERIC}}
CHILD = (
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
    "a.py FAILED\n  exitcode  : 1 (pid: 12)\n"
)


@pytest.mark.parametrize("log", ["", "step 1\n", CHILD], ids=["no log", "no reason", "a cascade"])
def test_the_error_file_of_torch_counts_where_the_log_has_no_cause(
    tmp_path: Path, log: str
) -> None:
    report = explained(tmp_path, TORCH, log).report
    assert report["category"] == "python-error"
    assert report["trigger"] == "exit code 1; torch error file: KeyError: 'x'"
    told = {"file": None, "line": None, "rank": None, "text": "KeyError: 1"}
    assert report["evidence"] == [told]


def test_a_cause_in_the_log_comes_before_the_error_file_of_torch(tmp_path: Path) -> None:
    report = explained(tmp_path, TORCH, OOM).report
    assert report["category"] == "gpu-oom"
    assert "torch error file" not in report["trigger"]


def test_secrets_in_facts_are_masked(tmp_path: Path) -> None:
    facts = {"torchError": {"message": "KeyError: hunter2-hunter2", "traceback": GENERIC}}
    report = explained(tmp_path, facts, secrets='{"key": "hunter2-hunter2"}').report
    assert "hunter2" not in json.dumps(report)
    assert report["facts"]["torchError"]["message"] == "KeyError: ******"
    assert report["trigger"].endswith("torch error file: KeyError: ******")


def test_facts_are_not_shown_where_the_secrets_are_not_known(tmp_path: Path) -> None:
    report = explained(tmp_path, KILLED, code=137, secrets="damaged").report
    assert (report["phrase"], report["facts"]) == ("MemoryLimitReached", {})
