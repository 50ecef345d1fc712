# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that are numbers, from environment variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import RuntimeConfigError


class LogLimits(NamedTuple):
    """How large a captured log grows (bytes) and how many rotated files of it stay."""

    file_bytes: int = 256 * 1024 * 1024
    kept: int = 2


def log_limits(environ: Mapping[str, str]) -> LogLimits:
    """Return the limits of one captured log; a total is shared by its three logs' files.

    Raises:
        RuntimeConfigError: a value is no number that can be used.
    """
    default = LogLimits()
    file_bytes = _count(environ, "PAI_LOG_FILE_BYTES", default.file_bytes, least=1)
    kept = _count(environ, "PAI_LOG_FILES_KEPT", default.kept, least=0)
    total = _count(environ, "PAI_LOG_TOTAL_BYTES", 0, least=0)
    if total:
        file_bytes = max(1, min(file_bytes, total // (3 * (kept + 1))))
    return LogLimits(file_bytes, kept)


def seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """Return a variable's number of seconds.

    Raises:
        RuntimeConfigError: the value is no such number.
    """
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise RuntimeConfigError(f"{name}={text!r}: give a number of seconds, for example 30")
    return value


def _count(environ: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) >= least):
        raise RuntimeConfigError(f"{name}={text!r}: give a whole number from {least} up")
    return int(text)
