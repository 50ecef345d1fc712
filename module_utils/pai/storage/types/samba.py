# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type samba: a share of a Windows or Samba server, mounted by the kernel as SMB 3."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from . import cifs
from .fields import Field, directory, host, refuse, texts_of, word
from .storage_type import StorageType, Values

_DEFAULTS = ("vers=3.0",)


def _build(request: Request, server: Values, private: Path) -> Recipe:
    share = server["rootPath"].strip("/")
    if not share:
        raise refuse(request, "field 'rootPath' names no share", "give SHARE or SHARE/DIRECTORY")
    user, password, domain = (server[name] for name in ("userName", "password", "domain"))
    files = {cifs.CREDENTIALS: cifs.credentials(user, password, domain)} if user else {}
    return Recipe(
        "mount_helper",
        cifs.source(request, server["address"], share),
        ("cifs",),
        cifs.options(request, _DEFAULTS, private)
        if user
        else cifs.anonymous_options(request, _DEFAULTS),
        files,
    )


TYPE = StorageType(
    name="samba",
    fields={
        "address": Field("the name or address of the SMB server", required=True, read=host),
        "rootPath": Field("the share, or SHARE/DIRECTORY", required=True, read=directory),
        "userName": Field("the user's name; none: log in as a guest", read=word),
        "password": Field("the user's password", secret=True),
        "domain": Field("the user's Windows domain", read=word),
    },
    build=_build,
    secrets=lambda server: texts_of(server, ["password"]),
)
