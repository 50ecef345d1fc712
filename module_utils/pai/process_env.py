# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments as files: ``NAME=value`` entries, each ended by a NUL byte, as ``env -0`` prints.

A command's words are kept the same way. Standard library only: pai-runtime itself uses this, too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import RuntimeConfigError


def read(path: str | Path) -> dict[str, str]:
    """Return the environment that a file holds; bytes that are not UTF-8 become surrogates.

    Raises:
        RuntimeConfigError: the file cannot be read.
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
    return {os.fsdecode(name): os.fsdecode(value) for name, value in split(content).items()}


def split(content: bytes) -> dict[bytes, bytes]:
    """Return the entries of ``content`` as they stand there, byte for byte."""
    environment: dict[bytes, bytes] = {}
    for entry in content.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if name and equals:
            environment.setdefault(name, value)
    return environment


def join(environment: Mapping[bytes, bytes]) -> bytes:
    """Return an environment that a process has as the bytes of such a file."""
    return b"".join(name + b"=" + value + b"\0" for name, value in environment.items())


def encode(environment: Mapping[str, str]) -> bytes:
    """Return ``environment`` as the bytes of such a file.

    Raises:
        RuntimeConfigError: a name or a value that no environment can hold.
    """
    return join(dict(_entry(name, value) for name, value in environment.items()))


def encode_words(words: Sequence[str]) -> bytes:
    """Return a command's words, none of which can hold a NUL byte, each ended by one.

    >>> encode_words(["a", ""])
    b'a\\x00\\x00'
    """
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def decode_words(content: bytes) -> list[str]:
    """Return the words of a command as ``encode_words`` wrote them."""
    return [os.fsdecode(word) for word in content.split(b"\0")[:-1]]


def _entry(name: str, value: str) -> tuple[bytes, bytes]:
    if not name or "=" in name or "\0" in name:
        raise RuntimeConfigError(
            f"environment variable {name!r}: a name is not empty and has neither '=' nor NUL in it;"
            " give it another name"
        )
    if "\0" in value:
        raise RuntimeConfigError(
            f"environment variable {name}: no environment holds a value with a NUL byte; take it"
            " out, or encode the value, for example as base64"
        )
    return os.fsencode(name), os.fsencode(value)
