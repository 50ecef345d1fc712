# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the GPUs, from the report of ``nvidia-smi -q -x`` of old and new drivers."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from ..gpu import number, read, uncorrected, uncorrected_now

#: What nvidia-smi says instead of a report of a GPU that does not answer.
_LOST = re.compile(
    r"GPU is lost|fallen off the bus|Unable to determine the device handle|GPU requires reset"
)
#: What stands in the place of a value that a GPU which does not answer should have told.
_SILENT = ("GPU is lost", "Unknown Error", "ERR!")
#: Recovery actions of drivers from 565 on: "None", "Reset", "Reboot", "Reset Bus", ...; and those
#: that can wait, "Drain P2P" and "Drain and Reset": unaffected processes go on until then.
_RECOVERY, _DRAIN = re.compile(r"Reset|Reboot"), re.compile(r"Drain")
#: What is repaired at the next reset, from driver 580 on.
_REPAIRS = ("channel", "tpc")
_SHOWN = 200


def parse(report: bytes) -> dict[str, Any]:
    """Return ``gpus``, a row each; or ``gpuProblem`` and ``gpuLost`` where there is no report.

    An empty report means that there is no nvidia-smi, or that it did not answer: nothing is known.
    """
    root = read(report)
    if root is None:
        return _problem(report.decode("utf-8", "replace").strip())
    return {"gpus": [_row(index, gpu) for index, gpu in enumerate(root.iter("gpu"))]}


def _problem(text: str) -> dict[str, Any]:
    if not text:
        return {}
    lost = _LOST.search(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()[:1] != "<"]
    told = next((line for line in lines if _LOST.search(line)), "".join(lines[:1]))
    told = told or "nvidia-smi wrote a report that is no XML"
    return {"gpuProblem": told[:_SHOWN], "gpuLost": lost is not None}


def _row(index: int, gpu: ElementTree.Element) -> dict[str, Any]:
    retired = gpu.find("retired_pages")
    rows = gpu.find("remapped_rows")
    return {
        "index": index,
        "name": gpu.findtext("product_name") or "GPU",
        "id": gpu.get("id"),
        "uncorrectedVolatile": uncorrected_now(gpu),
        "uncorrectedAggregate": sum(map(uncorrected, gpu.iterfind("ecc_errors/aggregate"))),
        "rowsRemapped": _count(rows, "remapped_row_unc"),
        "rowRemapPending": _yes(rows, "remapped_row_pending"),
        "rowRemapFailed": _yes(rows, "remapped_row_failure"),
        "pagesRetired": _count(retired, "double_bit_retirement/retired_count")
        + _count(retired, "multiple_single_bit_retirement/retired_count"),
        "pageRetirementPending": _yes(retired, "pending_retirement")
        or _yes(retired, "pending_blacklist"),
        "repairPending": any(_yes(gpu, f"ecc_errors/{name}_repair_pending") for name in _REPAIRS),
        "lost": _lost(gpu),
        "needsReset": _needs_reset(gpu),
        "resetAdvised": _reset_advised(gpu),
        "memoryUsedMiB": _mebibytes(gpu, "used"),
        "memoryTotalMiB": _mebibytes(gpu, "total"),
        "processes": len(gpu.findall("processes/process_info")),
    }


def _lost(gpu: ElementTree.Element) -> bool:
    """Whether it does not tell how large its memory is; one without memory of its own says N/A."""
    memory = [gpu.findtext(f"fb_memory_usage/{name}") or "" for name in ("total", "used")]
    return all(text.strip() in _SILENT for text in memory)


def _needs_reset(gpu: ElementTree.Element) -> bool:
    if _yes(gpu, "gpu_reset_status/reset_required"):
        return True
    action = gpu.findtext("gpu_recovery_action") or ""
    if _RECOVERY.search(action) and not _DRAIN.search(action):
        return True
    return any("GPU requires reset" in (each.text or "") for each in gpu.iter())


def _reset_advised(gpu: ElementTree.Element) -> bool:
    drain = _DRAIN.search(gpu.findtext("gpu_recovery_action") or "")
    return drain is not None or _yes(gpu, "gpu_reset_status/drain_and_reset_recommended")


def _count(parent: ElementTree.Element | None, path: str) -> int:
    return 0 if parent is None else number(parent.findtext(path))


def _yes(parent: ElementTree.Element | None, path: str) -> bool:
    return parent is not None and (parent.findtext(path) or "").strip() == "Yes"


def _mebibytes(gpu: ElementTree.Element, name: str) -> int:
    return number((gpu.findtext(f"fb_memory_usage/{name}") or "").replace("MiB", ""))
