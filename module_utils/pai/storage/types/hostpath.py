# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type hostpath: a directory that this machine or container has already, at another place."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .fields import Field, directory, join, refuse
from .options import merge
from .storage_type import StorageType, Values

# What one mount of a file system can have for itself; mount(8) ignores all others in silence.
_RESTRICTIONS = ("noexec", "nosuid", "nodev", "noatime", "nodiratime", "relatime", "nosymfollow")


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    root = server["rootPath"]
    if not root.startswith("/"):
        raise refuse(request, f"field 'rootPath': {root!r} is relative", "begin it with a slash")
    options = merge(request, ())
    for option in options:
        if option not in _RESTRICTIONS:
            known = ", ".join(_RESTRICTIONS)
            raise refuse(request, f"option {option!r} does nothing here", f"it has {known}")
    # A bind mount keeps no trace of its source's name or kind; see mountinfo.origin.
    return Recipe("bind", join(root, request.path), (), options)


TYPE = StorageType(
    name="hostpath",
    fields={"rootPath": Field("the directory, as this machine sees it", True, read=directory)},
    build=_build,
)
