# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the types that the kernel mounts by SMB have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..model import Request
from .fields import refuse
from .options import merge

#: The name of the file with user name and password, in the mount's private directory.
CREDENTIALS = "credentials"
_OURS = ("credentials", "cred", "user", "username", "domain", "workgroup", "ip", "addr", "unc")


def source(request: Request, address: str, share: str) -> str:
    """Return ``//address/share/path``.

    Raises:
        RuntimeConfigError: there is a comma or backslash in it. mount.cifs hands the path on as one
            of the kernel's comma-separated options, with no way to escape it.
    """
    found = f"//{address}/" + "/".join(part for part in (share, request.path) if part)
    if "," in found or "\\" in found:
        remedy = "a path on a share has neither commas nor backslashes; rename the directory"
        raise refuse(request, f"the path {found!r}", remedy)
    return found


def credentials(user: str, password: str, domain: str) -> str:
    """Return the credentials file of mount.cifs(8); it takes a value up to the end of its line."""
    lines = {"username": user, "password": password, "domain": domain}
    return "".join(f"{name}={value}\n" for name, value in lines.items() if value)


def options(request: Request, defaults: Iterable[str], private: Path) -> tuple[str, ...]:
    """Return the options of a login with the credentials file."""
    return (f"credentials={private / CREDENTIALS}", *merge(request, defaults, _OURS))


def anonymous_options(request: Request, defaults: Iterable[str]) -> tuple[str, ...]:
    """Return the options of a mount without login."""
    return ("guest", *merge(request, defaults, _OURS))
