# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the NVIDIA driver for memory errors that its hardware could not correct."""

from __future__ import annotations

import shutil
import subprocess
from xml.etree import ElementTree

#: Seconds that nvidia-smi gets: on a broken GPU it may never answer.
TIME_LIMIT = 2.0
#: Names of the counters: before driver 450, from 450 on, and from 525 on.
_COUNTERS = (
    "dram_uncorrectable",
    "sram_uncorrectable",
    "sram_uncorrectable_parity",
    "sram_uncorrectable_secded",
)


def double_bit_errors(report: bytes) -> str | None:
    """Return which GPUs of an ``nvidia-smi -q -x`` report have such errors, or None.

    Only the volatile counters count: the aggregate ones last as long as the card.
    """
    try:
        root = ElementTree.fromstring(report)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    found = []
    for number, gpu in enumerate(root.iter("gpu")):
        errors = sum(_uncorrected(volatile) for volatile in gpu.iterfind("ecc_errors/volatile"))
        if errors:
            name = gpu.findtext("product_name") or "GPU"
            found.append(f"GPU {number} ({name}, {gpu.get('id')}): {errors} double-bit ECC errors")
    return "\n".join(found) or None


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


def _uncorrected(volatile: ElementTree.Element) -> int:
    old = volatile.find("double_bit")
    if old is not None:
        total = _number(old.findtext("total"))
        return total or sum(_number(counter.text) for counter in old if counter.tag != "total")
    return sum(_number(volatile.findtext(name)) for name in _COUNTERS)


def _number(text: str | None) -> int:
    """Return the count; "N/A" where the GPU has no such memory."""
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() else 0
