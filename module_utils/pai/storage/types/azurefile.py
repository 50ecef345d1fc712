# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type azurefile: an Azure file share, mounted as SMB 3, on request through an SSH tunnel."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..model import Recipe, Request
from . import cifs, ssh
from .fields import Field, directory, host, port, refuse, text, texts_of, word
from .storage_type import StorageType, Values

_DEFAULTS = ("vers=3.0", "dir_mode=0777", "file_mode=0777", "serverino")
_DOMAIN = "file.core.windows.net"


@dataclasses.dataclass(frozen=True)
class Proxy:
    """The host that the tunnel goes through; without ``user`` ssh takes the name of ours."""

    user: str
    address: str
    port: int
    password: str = dataclasses.field(repr=False)


def read_proxy(value: Any) -> Proxy:
    """Read ``[user@host, password]``; ``host`` may end in ``:PORT``, the user may be left out.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("a list of USER@HOST and PASSWORD")
    user, _at, server = word(value[0]).rpartition("@")
    name, _colon, number = server.partition(":") if server.count(":") == 1 else (server, "", "")
    return Proxy(user, host(name), port(number or 22), text(value[1]))


def _build(request: Request, server: Values, private: Path) -> Recipe:
    address = server["dataStore"] or f"{server['accountName']}.{_DOMAIN}"
    share = server["fileShare"].strip("/")
    if not share:
        raise refuse(request, "field 'fileShare' names no share", "give the name of the share")
    files = {cifs.CREDENTIALS: cifs.credentials(server["accountName"], server["key"], "")}
    recipe = Recipe(
        "mount_helper",
        # Also behind a tunnel the name is the store's own: the server wants it, and two stores
        # stay two different sources. Only its address and port become those of the tunnel.
        cifs.source(request, address, share),
        ("cifs",),
        cifs.options(request, _DEFAULTS, private),
        files,
    )
    return _through(recipe, server["proxy"], server["proxyHostKey"], private)


def _through(recipe: Recipe, proxy: Proxy | None, keys: tuple[str, ...], private: Path) -> Recipe:
    if proxy is None:
        return recipe
    login = ssh.files(
        private,
        address=proxy.address,
        port=proxy.port,
        user=proxy.user,
        password=proxy.password,
        key="",
        keys=keys,
    )
    return dataclasses.replace(recipe, tool="tunnel", files={**recipe.files, **login})


def _store(value: Any) -> str:
    return host(text(value).strip("/"))


def _secrets(server: Values) -> tuple[str, ...]:
    proxy = server["proxy"]
    return texts_of(server, ["key"]) + ((proxy.password,) if proxy else ())


TYPE = StorageType(
    name="azurefile",
    fields={
        "dataStore": Field(f"the server; by default ACCOUNT.{_DOMAIN}", read=_store),
        "fileShare": Field("the name of the share", required=True, read=directory),
        "accountName": Field("the name of the storage account", required=True, read=word),
        "key": Field("the key of the storage account", required=True, secret=True),
        "proxy": Field("USER@HOST and PASSWORD", secret=True, default=None, read=read_proxy),
        "proxyHostKey": Field("the proxy's host key", default=(), read=ssh.host_keys),
    },
    build=_build,
    secrets=_secrets,
)
