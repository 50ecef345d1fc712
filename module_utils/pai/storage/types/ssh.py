# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the OpenSSH client is configured for a storage: by a file, with host keys of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIG = "ssh_config"
PASSWORD = "password"  # noqa: S105 - the name of a file
IDENTITY = "identity"
KNOWN_HOSTS = "known_hosts"
#: The name by which the configuration's known_hosts file knows the server.
ALIAS = "storage"
# No file and no agent of the user's; a server that is silent for 45 s is gone.
_ALWAYS = {
    "GlobalKnownHostsFile": "none",
    "UpdateHostKeys": "no",
    "IdentityAgent": "none",
    "IdentitiesOnly": "yes",
    "NumberOfPasswordPrompts": "1",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    "ControlPath": "none",
}
_HOST_KEY = re.compile(r"(?:ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/]+=*")


def host_keys(value: Any) -> tuple[str, ...]:
    """Read a server's host keys, ``TYPE BASE64`` each, from lines or a list of known_hosts lines.

    Raises:
        ValueError: a line holds no key.
    """
    lines = value if isinstance(value, list) else str(value).splitlines()
    keys = [_HOST_KEY.search(str(line)) for line in lines if str(line).strip()]
    if not keys or None in keys:
        raise ValueError("a public host key such as 'ssh-ed25519 AAAA…' (see ssh-keyscan)")
    return tuple(key[0] for key in keys if key)


def config(private: Path, *, address: str, port: int, user: str, key: bool, verified: bool) -> str:
    """Return the configuration for logins at one server; no file of the user's is read.

    ``verified``: the host key is known. Otherwise the first one seen is taken and kept in the
    mount's private directory (trust on first use).
    """
    settings = {
        **_ALWAYS,
        "HostName": address,
        "HostKeyAlias": ALIAS,
        "Port": str(port),
        **({"User": user} if user else {}),
        "UserKnownHostsFile": _quoted(private / KNOWN_HOSTS),
        "StrictHostKeyChecking": "yes" if verified else "accept-new",
        "IdentityFile": _quoted(private / IDENTITY) if key else "none",
        "PreferredAuthentications": "publickey" if key else "password,keyboard-interactive",
    }
    lines = [f"  {name} {value}" for name, value in settings.items()]
    return "\n".join(["Host *", *lines, ""])


def files(
    private: Path,
    *,
    address: str,
    port: int,
    user: str,
    password: str,
    key: str,
    keys: tuple[str, ...],
) -> Mapping[str, str]:
    """Return the files of a login: configuration, secret, and host keys where they are known."""
    text = config(
        private, address=address, port=port, user=user, key=bool(key), verified=bool(keys)
    )
    found = {CONFIG: text, **({IDENTITY: key} if key else {PASSWORD: password + "\n"})}
    if keys:
        shown = f"[{address}]:{port}"
        # OpenSSH looks for the alias, rclone for the address.
        names = f"{ALIAS},{address},{shown}" if port == 22 else f"{ALIAS},{shown}"
        found[KNOWN_HOSTS] = "".join(f"{names} {one}\n" for one in keys)
    return found


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'
