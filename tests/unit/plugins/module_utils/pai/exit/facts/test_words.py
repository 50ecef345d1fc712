"""Only what is out of order is told, a line for each thing."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts.words import (
    notable,
    size,
)

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
DISK = {"path": "/dev/shm", "full": True, "freeBytes": 0, "totalBytes": 2**26, "inodesFree": 50}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, []),
        ({"memory": {"oomKills": 0, "peakBytes": 1, "limitBytes": 1}, "gpus": [GPU]}, []),
        (
            {"memory": {"oomKills": 2, "peakBytes": 2**30, "limitBytes": 2**31}},
            ["processes that the kernel killed for memory: 2; the most was 1.0 GiB of 2.0 GiB"],
        ),
        ({"memory": {"oomKills": 1}}, ["processes that the kernel killed for memory: 1"]),
        (
            {"disks": [{**DISK, "full": False}, DISK]},
            ["/dev/shm is full: 0 bytes of 64.0 MiB are free"],
        ),
        (
            {"disks": [{**DISK, "freeBytes": 2**25, "inodesFree": 5, "inodes": 200}]},
            ["/dev/shm is full: 5 of 200 inodes are free"],
        ),
        (
            {"mounts": [{"path": "/data", "reason": "stat: Stale file handle"}]},
            ["/data: stat: Stale file handle"],
        ),
        (
            {"gpus": [{**GPU, "uncorrectedVolatile": 2, "needsReset": True}]},
            [
                "GPU 0 (A100, 00000000:3B:00.0): 2 double-bit ECC errors",
                "GPU 0 (A100, 00000000:3B:00.0): needs a reset",
            ],
        ),
        (
            {"gpuProblem": "GPU is lost", "xids": [{"text": "NVRM: Xid 79"}]},
            ["GPU is lost", "NVRM: Xid 79"],
        ),
    ],
)
def test_notable(facts: dict, told: list[str]) -> None:
    assert notable(facts) == told


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (2**60, "1048576.0 TiB")],
)
def test_size(count: int, shown: str) -> None:
    assert size(count) == shown
