# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments as files: ``NAME=value`` entries, each ended by a NUL byte, as ``env -0`` prints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .errors import RuntimeConfigError


def read(path: str | Path) -> dict[str, str]:
    """Return the environment that a file holds; bytes that are not UTF-8 become surrogates.

    :raises RuntimeConfigError: the file cannot be read.
    """
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise RuntimeConfigError(
            f"environment file {path}: {error.strerror}; the runtime writes it when it starts"
        ) from error


def decode(content: bytes) -> dict[str, str]:
    """Return the entries of ``content``; of two with one name the first counts, as for getenv.

    >>> decode(b"A=1\\0B=x=y\\0")
    {'A': '1', 'B': 'x=y'}
    """
    environment: dict[str, str] = {}
    for entry in content.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if name and equals:
            environment.setdefault(os.fsdecode(name), os.fsdecode(value))
    return environment


def encode(environment: Mapping[str, str]) -> bytes:
    """Return ``environment`` as the bytes of such a file.

    :raises RuntimeConfigError: a name or a value that no environment can hold.
    """
    return b"".join(_entry(name, value) for name, value in environment.items())


def _entry(name: str, value: str) -> bytes:
    if not name or "=" in name or "\0" in name:
        raise RuntimeConfigError(
            f"environment variable {name!r}: a name is not empty and has neither '=' nor NUL in it"
        )
    if "\0" in value:
        raise RuntimeConfigError(
            f"environment variable {name}: no environment holds a value with a NUL byte"
        )
    return os.fsencode(name) + b"=" + os.fsencode(value) + b"\0"
