# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type nfs: a directory that a server exports, mounted by the kernel as NFS version 4."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .fields import Field, directory, host, join
from .options import merge
from .storage_type import StorageType, Values


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    address = server["address"]
    shown = f"[{address}]" if ":" in address else address  # as mountinfo has it
    root = join("/", server["rootPath"], request.path)
    # mount.nfs tries again for two minutes by default; nobody would see why.
    options = merge(request, ("retry=0",), ours=("addr",))
    return Recipe("mount_helper", f"{shown}:{root}", ("nfs4", "nfs"), options)


TYPE = StorageType(
    name="nfs",
    fields={
        "address": Field("the name or address of the NFS server", required=True, read=host),
        "rootPath": Field("the directory that the server exports", default="/", read=directory),
    },
    build=_build,
)
