# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the NVIDIA driver for its GPUs, and for errors that their hardware could not correct."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree

#: Seconds that nvidia-smi gets: on a broken GPU it may never answer.
TIME_LIMIT = 2.0
#: The two counters into which that of SRAM is divided on newer GPUs, from driver 550 on.
_DIVIDED = ("sram_uncorrectable_parity", "sram_uncorrectable_secded")
#: Nothing that we read; and some drivers forget the end of a tag there.
_CLOCKS = re.compile(rb"<supported_clocks>.*?</supported_clocks>", re.DOTALL)


def double_bit_errors(report: bytes) -> str | None:
    """Return which GPUs of an ``nvidia-smi -q -x`` report have such errors, or None.

    Only the volatile counters count: the aggregate ones last as long as the card.
    """
    root = read(report)
    if root is None:
        return None
    found = []
    for index, gpu in enumerate(root.iter("gpu")):
        name, errors = gpu.findtext("product_name") or "GPU", uncorrected_now(gpu)
        found.append(told(index, name, gpu.get("id"), errors))
    return "\n".join(filter(None, found)) or None


def read(report: bytes) -> ElementTree.Element | None:
    """Return what the report holds, or None: it is none."""
    for text in (report, _CLOCKS.sub(b"", report)):
        try:
            return ElementTree.fromstring(text)
        except (ElementTree.ParseError, ValueError, LookupError):
            continue
    return None


def told(index: int, name: str, identity: str | None, errors: int) -> str:
    """Return how one GPU's errors are told; nothing where it has none."""
    return f"GPU {index} ({name}, {identity}): {errors} double-bit ECC errors" if errors else ""


def query(time_limit: float = TIME_LIMIT) -> bytes:
    """Return the report of nvidia-smi, or nothing where it is missing, fails or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return b""
    try:
        process = subprocess.Popen(
            [program, "-q", "-x"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return b""
    try:
        report, _errors = process.communicate(timeout=time_limit)
    except subprocess.TimeoutExpired:
        # Not waited for: inside the driver of a hanging GPU it cannot even be killed.
        process.kill()
        return b""
    return report


def uncorrected_now(gpu: ElementTree.Element) -> int:
    """Return how many errors one GPU has had since it was last reset.

    Where it is divided (MIG), its parts count instead of it.
    """
    parts = gpu.iterfind("mig_devices/mig_device/ecc_error_count/volatile_count")
    whole = sum(uncorrected(volatile) for volatile in gpu.iterfind("ecc_errors/volatile"))
    return max(whole, sum(uncorrected(part) for part in parts))


def uncorrected(counters: ElementTree.Element) -> int:
    """Return the sum of a report's ``volatile`` or ``aggregate`` counters."""
    old = counters.find("double_bit")
    if old is not None:
        total = number(old.findtext("total"))
        return total or sum(number(counter.text) for counter in old if counter.tag != "total")
    divided = any(counters.find(name) is not None for name in _DIVIDED)
    names = ("dram_uncorrectable", *(_DIVIDED if divided else ("sram_uncorrectable",)))
    return sum(number(counters.findtext(name)) for name in names)


def number(text: str | None) -> int:
    """Return the count; "N/A" where the GPU has no such memory."""
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() else 0
