# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that pass between the parts of the storage package."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: How a mount is used: directly, through a write-back cache, or as a copy on the local disk.
MODES = ("mount", "cached", "copy")


@dataclasses.dataclass(frozen=True)
class Server:
    """A storage server: ``{spn, type, data…}``; ``data`` holds the fields of its type.

    ``place`` says where it was read, for messages.
    """

    name: str
    type: str
    data: Mapping[str, Any] = dataclasses.field(repr=False)
    place: str


@dataclasses.dataclass(frozen=True)
class MountInfo:
    """One mount of a storage config; ``mount_point`` and ``path`` are still templates."""

    mount_point: str
    path: str
    server: str
    read_only: bool
    mode: str
    options: tuple[str, ...]
    place: str


@dataclasses.dataclass(frozen=True)
class StorageConfig:
    """What a cluster offers under a name; ``default``: taken where a job names none."""

    name: str
    default: bool
    mount_infos: tuple[MountInfo, ...]
    place: str


@dataclasses.dataclass(frozen=True)
class Request:
    """One mount that is wanted, with nothing left to look up.

    ``name`` is how messages call it; ``server`` the fields of its ``type``; ``path`` the directory
    below the server's root (no leading slash, no ``..``; empty: the root itself); ``options`` what
    the user adds to the tool's own ``-o`` options; ``place`` where it was asked for.
    """

    name: str
    type: str
    server: Mapping[str, Any] = dataclasses.field(repr=False)
    path: str
    mount_point: Path
    read_only: bool
    mode: str
    options: tuple[str, ...]
    place: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one request is made into a mount: what its type tells a tool.

    ``source`` and ``filesystems`` are what /proc/self/mountinfo shows of it later; ``options`` are
    ``-o`` options without secrets; ``files`` (name → content) are written with mode 0600 into the
    mount's private directory before the tool starts; ``environment`` is added to the tool's;
    ``secrets`` is what must not be seen in anything that the tool says.
    """

    tool: str
    source: str
    filesystems: tuple[str, ...]
    options: tuple[str, ...]
    files: Mapping[str, str] = dataclasses.field(repr=False, default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(repr=False, default_factory=dict)
    secrets: tuple[str, ...] = dataclasses.field(repr=False, default=())
