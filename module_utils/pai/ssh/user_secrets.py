# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user gave a cluster for his containers: ``userExtensionSecrets.yaml``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..yaml12 import load


@dataclasses.dataclass(frozen=True)
class NamedKey:
    """Text with public keys, and how messages name it."""

    name: str
    text: str


@dataclasses.dataclass(frozen=True)
class UserSecrets:
    """The job's private key, None where none is given, and the user's own public keys."""

    source: str
    job_key: str | None = dataclasses.field(repr=False, default=None)
    ssh_keys: tuple[NamedKey, ...] = ()


def read_user_secrets(path: Path | None) -> UserSecrets:
    """Return what the file holds; a file that is not there holds nothing.

    Raises:
        RuntimeConfigError: the file cannot be read, or has another form.
    """
    source = str(path)
    if path is None:
        return UserSecrets(source)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return UserSecrets(source)
    except OSError as error:
        raise RuntimeConfigError(f"{path}: {error.strerror}; make it readable") from error
    try:
        document = load(content, source) or {}
    except RuntimeConfigError:
        # without the parser's words, which may quote a secret
        raise RuntimeConfigError(f"{path}: not valid YAML; write it again") from None
    if not isinstance(document, dict):
        raise RuntimeConfigError(f"{path}: not a mapping; write sshKeys and jobSSH there")
    return UserSecrets(source, _job_key(document, source), tuple(_ssh_keys(document, source)))


def _job_key(document: dict[Any, Any], source: str) -> str | None:
    given = document.get("jobSSH") or {}
    key = given.get("key") if isinstance(given, dict) else given
    if not key:
        return None
    if not isinstance(key, str) or not isinstance(given, dict):
        raise RuntimeConfigError(
            f"{source}: jobSSH: not a mapping with a text 'key'; write the private key there"
        )
    return key


def _ssh_keys(document: dict[Any, Any], source: str) -> Iterator[NamedKey]:
    given = document.get("sshKeys") or []
    if not isinstance(given, list):
        raise RuntimeConfigError(f"{source}: sshKeys: not a list; write one entry per key")
    for number, entry in enumerate(given, 1):
        title = entry.get("title") if isinstance(entry, dict) else None
        value = entry.get("value") if isinstance(entry, dict) else entry
        name = f"sshKeys entry {number}" + (f" ({title!r})" if title else "")
        # what is no text is no key either: it is refused by name where keys are read
        yield NamedKey(name, value if isinstance(value, str) else "-")
