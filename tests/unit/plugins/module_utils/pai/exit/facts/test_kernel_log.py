"""Xid lines of the kernel's log: of this task's time, and of its GPUs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import kernel_log

LOST = "NVRM: Xid (PCI:0000:3b:00): 79, pid=12, GPU has fallen off the bus."
FAULT = "NVRM: Xid (PCI:0000:3b:00): 31, pid=12, name=python, Ch 8, intr 1. MMU Fault"
OTHER = "NVRM: Xid (PCI:0000:af:00): 48, pid=9, DBE"


@pytest.mark.parametrize(
    ("lines", "own", "expected"),
    [
        pytest.param([LOST], ["00000000:3B:00.0"], [(79, True)], id="broken"),
        pytest.param([FAULT], ["00000000:3B:00.0"], [(31, False)], id="the program's"),
        pytest.param([OTHER, LOST], ["00000000:3B:00.0"], [(79, True)], id="another GPU"),
        pytest.param([OTHER, LOST], [], [], id="no GPU of ours"),
        pytest.param([OTHER], ["00000001:AF:00.0"], [], id="another domain"),
        pytest.param(
            [OTHER, LOST],
            ["0000:af:00.0", None, "0000:3B:00.0"],
            [(48, True), (79, True)],
            id="both",
        ),
        pytest.param(["NVRM: loading", "usb 1-1: new"], [], [], id="nothing"),
    ],
)
def test_xids(lines: list[str], own: list[str], expected: list) -> None:
    rows = kernel_log.xids(lines, own)
    assert [(row["code"], row["hardware"]) for row in rows] == expected


def test_the_text_begins_with_the_driver() -> None:
    assert kernel_log.xids([f"[12.3] {LOST}"], ["0000:3b:00.0"])[0]["text"] == LOST


def test_no_more_than_a_few_are_kept() -> None:
    assert len(kernel_log.xids([LOST] * 1000, ["0000:3b:00.0"])) == 16


@pytest.mark.parametrize(
    ("record", "told"),
    [
        pytest.param(b"4,1,9000000,-;words\n KEY=1\n", ["words"], id="with its dictionary"),
        pytest.param(b"4,1,100,-;words", [], id="of before"),
        pytest.param(b"nonsense", [], id="no record"),
        pytest.param(b"4,1,x,-;words", [], id="no time"),
        pytest.param(b"4,1,9000000,c,caller=T1;a;b", ["a;b"], id="more fields"),
    ],
)
def test_records(record: bytes, told: list[str]) -> None:
    assert list(kernel_log.messages([record], 5.0)) == told


def test_a_log_that_is_no_device_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.write_bytes(b"4,1,99000000000000000,-;later\n")
    assert kernel_log.read(time.time(), path) == ["later"]


def test_a_log_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        kernel_log.read(0.0, tmp_path / "none")


@pytest.mark.skipif(
    not os.access(kernel_log.KMSG, os.R_OK) or os.geteuid() != 0,
    reason="the kernel's log can be read by root of the machine only",
)
def test_the_real_log_ends() -> None:
    assert kernel_log.read(time.time() + 3600) == []
