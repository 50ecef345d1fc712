# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types sftp and ssh: a directory of an SSH server, through sshfs, or rclone where it is cached."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..model import Recipe, Request
from . import buckets, ssh
from .fields import Field, block, directory, host, join, port, refuse, texts_of, word
from .options import merge
from .storage_type import StorageType, Values

# A broken connection is made anew; files belong to the user who runs the job.
_DEFAULTS = ("reconnect", "idmap=user")
_OURS = (
    *("F", "fsname", "subtype", "port", "ssh_command", "sftp_server", "directport", "passive"),
    *("IdentityFile", "UserKnownHostsFile", "StrictHostKeyChecking", "HostKeyAlias", "User"),
)


def _build(request: Request, server: Values, private: Path) -> Recipe:
    if bool(server["password"]) == bool(server["privateKey"]):
        raise refuse(request, "it is not clear how to log in", "give password or privateKey")
    if request.mode == "cached":
        return _cached(request, server, private)
    address = server["address"]
    shown = f"[{address}]" if ":" in address else address
    source = f"{shown}:{join(server['rootPath'], request.path)}"
    options = merge(request, _DEFAULTS, _OURS)
    return Recipe("sshfs", source, ("fuse.sshfs",), options, _files(server, private))


def _cached(request: Request, server: Values, private: Path) -> Recipe:
    if not server["hostKey"]:
        remedy = "give hostKey (see ssh-keyscan), or use the mode mount"
        raise refuse(request, "mode cached accepts no unknown host key", remedy)
    key = server["privateKey"]
    settings = {
        "type": "sftp",
        "host": server["address"],
        "port": server["port"],
        "user": server["userName"],
        "known_hosts_file": private / ssh.KNOWN_HOSTS,
        # The tool obscures it, as rclone wants it.
        "pass": server["password"],
        "key_file": private / ssh.IDENTITY if key else "",
        "shell_type": "none",
    }
    path = join(server["rootPath"], request.path)
    source = f"{request.type}:{server['userName']}@{server['address']}:{server['port']}:{path}"
    recipe = buckets.recipe(request, source, path, settings)
    needed = (ssh.IDENTITY, ssh.KNOWN_HOSTS)  # rclone knows the rest by its environment
    files = {name: text for name, text in _files(server, private).items() if name in needed}
    return dataclasses.replace(recipe, files=files)


def _files(server: Values, private: Path) -> dict[str, str]:
    login = ssh.files(
        private,
        address=server["address"],
        port=server["port"],
        user=server["userName"],
        password=server["password"],
        key=server["privateKey"],
        keys=server["hostKey"],
    )
    return dict(login)


SFTP = StorageType(
    name="sftp",
    fields={
        "address": Field("the name or address of the SSH server", required=True, read=host),
        "port": Field("the server's port", default=22, read=port),
        "userName": Field("the name of the user on the server", required=True, read=word),
        "password": Field("the user's password", secret=True),
        "privateKey": Field("a private key without passphrase", secret=True, read=block),
        "rootPath": Field("the directory; none: the user's home", read=directory),
        "hostKey": Field("the server's host key", default=(), read=ssh.host_keys),
    },
    build=_build,
    secrets=lambda server: texts_of(server, ["password", "privateKey"]),
)
SSH = dataclasses.replace(SFTP, name="ssh")
