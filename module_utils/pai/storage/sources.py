# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster or a file offers: storage configs and the servers they lead to."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ..errors import MachineError, RuntimeConfigError
from ..job.rules import Rule, check
from ..plugin_entry import texts
from .model import MODES, MountInfo, Server, StorageConfig
from .requests import flag

#: The names of a PAI cluster's secrets: of configs, of servers.
SECRETS = ("storage-config", "storage-server")
_TEXT, _ANY, _NAME = Rule("text"), Rule("any"), Rule("text", filled=True)
_CONFIG = Rule(
    "mapping",
    required=("mountInfos",),
    keys={
        "name": _NAME,
        "default": _ANY,
        "mountInfos": Rule(
            "list",
            filled=True,
            items=Rule(
                "mapping",
                required=("server",),
                keys={
                    "mountPoint": _TEXT,
                    "path": _TEXT,
                    "server": _NAME,
                    "permission": Rule("text", choices=("rw", "ro")),
                    "mode": Rule("text", choices=MODES),
                    "options": _ANY,
                },
                items=_ANY,
            ),
        ),
    },
    items=_ANY,
)
# private: whatever stands in the place of a server may be a password
_SERVER = Rule(
    "mapping",
    required=("type",),
    private=True,
    keys={"spn": _NAME, "type": _NAME, "data": Rule("mapping", items=_ANY, private=True)},
    items=_ANY,
)
_SECRET = Rule("mapping", items=_ANY, private=True)


class NoCatalogueError(MachineError):
    """There is nothing to look up a storage in: no file is named, and no cluster can be asked."""


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """Configs and servers by name, each read when it is asked for.

    An entry is a mapping, or the base64 text of one as JSON. ``source`` names the whole in
    messages; ``granted_only``: what STORAGE_CONFIGS does not grant is not to be had, even where
    that variable is missing.
    """

    source: str
    configs: Mapping[str, Any] = dataclasses.field(repr=False)
    servers: Mapping[str, Any] = dataclasses.field(repr=False)
    granted_only: bool = False

    def config(self, name: str) -> StorageConfig | None:
        """Return the config of that name, None where there is none.

        Raises:
            RuntimeConfigError: it is broken.
        """
        if name not in self.configs:
            return None
        place = f"config {name!r}"
        value = _decoded(self.configs[name], self.source, place)
        check(_CONFIG, value, self.source, place)
        where = f"{self.source}: {place}"
        infos = tuple(
            _mount_info(info, name, f"{where}.mountInfos[{position}]")
            for position, info in enumerate(value["mountInfos"])
        )
        return StorageConfig(name, flag(value.get("default"), f"{where}.default"), infos, where)

    def server(self, name: str, place: str) -> Server:
        """Return the server that ``place`` names.

        Raises:
            RuntimeConfigError: there is none, or it is broken.
        """
        if name not in self.servers:
            known = ", ".join(sorted(self.servers)) or "none"
            raise RuntimeConfigError(
                f"{place}: there is no server {name!r} in {self.source}; define it there, or name "
                f"one of: {known}"
            )
        where = f"server {name!r}"
        value = _decoded(self.servers[name], self.source, where)
        check(_SERVER, value, self.source, where)
        fields = {key: item for key, item in value.items() if key not in ("spn", "type", "data")}
        return Server(
            name, value["type"], {**fields, **value.get("data", {})}, f"{self.source}: {where}"
        )


def from_secrets(configs: Any, servers: Any, source: str, granted_only: bool = False) -> Catalogue:
    """Return the catalogue that the data of a cluster's two secrets are.

    Raises:
        RuntimeConfigError: these are no mappings.
    """
    for name, data in zip(SECRETS, (configs, servers)):
        check(_SECRET, data, source, name)
    return Catalogue(source, configs, servers, granted_only)


def _decoded(value: Any, source: str, place: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        # "from None": the parser's error would quote the text
        raise RuntimeConfigError(
            f"{source}: {place}: not JSON in base64; write it to the secret again"
        ) from None


def _mount_info(info: Mapping[str, Any], name: str, place: str) -> MountInfo:
    return MountInfo(
        mount_point=info.get("mountPoint") or f"/mnt/{name}",
        path=info.get("path") or "",
        server=info["server"],
        read_only=info.get("permission") == "ro",
        mode=info.get("mode") or MODES[0],
        options=tuple(texts(info.get("options"), f"{place}.options")),
        place=place,
    )
