# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as JSON, and as they may be shown."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..job.rules import Rule, check
from ..masking import MASK, Masker, texts
from ..plugin_entry import texts as read_texts
from ..work_dir import read_json
from . import paths
from .model import MODES, Request

_TEXT, _ANY = Rule("text"), Rule("any")
_REQUEST = Rule(
    "mapping",
    required=("name", "type", "mount_point"),
    keys={
        "name": Rule("text", filled=True),
        "type": Rule("text", filled=True),
        # its values may be secret
        "server": Rule("mapping", items=_ANY, private=True),
        "path": _TEXT,
        "mount_point": _TEXT,
        "read_only": _ANY,
        "mode": Rule("text", choices=MODES),
        "options": _ANY,
        "place": _TEXT,
    },
)
_MOUNTS = Rule("list", private=True)


def to_dict(request: Request) -> dict[str, Any]:
    """Return a request as JSON types; with its server's secrets: for private files only."""
    return {
        "name": request.name,
        "type": request.type,
        "server": dict(request.server),
        "path": request.path,
        "mount_point": str(request.mount_point),
        "read_only": request.read_only,
        "mode": request.mode,
        "options": list(request.options),
        "place": request.place,
    }


def from_dict(value: Any, place: str = "mounts") -> Request:
    """Return the request that a mapping describes; all but name, type and mount_point may lack.

    ``place`` is where the mapping stands, for messages.

    Raises:
        RuntimeConfigError: a key is missing, unknown or wrong.
    """
    check(_REQUEST, value, place)
    where = f"{place}: {value['name']!r}"
    return Request(
        name=value["name"],
        type=value["type"],
        server=dict(value.get("server") or {}),
        path=paths.directory(value.get("path") or "", f"{where}: path"),
        mount_point=paths.mount_point(value["mount_point"], f"{where}: mount_point"),
        read_only=flag(value.get("read_only"), f"{where}: read_only"),
        mode=value.get("mode") or MODES[0],
        options=tuple(read_texts(value.get("options"), f"{where}: options")),
        place=value.get("place") or where,
    )


def read(file: Path) -> tuple[Request, ...]:
    """Return the requests that pai_storage wrote; none where there is no such file.

    Raises:
        RuntimeConfigError: the file is damaged.
    """
    mounts = (read_json(file, dict) or {}).get("mounts", [])
    check(_MOUNTS, mounts, str(file), "mounts")
    return tuple(from_dict(mount, f"{file}: mounts[{n}]") for n, mount in enumerate(mounts))


def flag(value: Any, place: str, default: bool = False) -> bool:
    """Return a yes or no; null is the default.

    Raises:
        RuntimeConfigError: it is something else.
    """
    if value is None:
        return default
    if not isinstance(value, bool):
        raise RuntimeConfigError(f"{place}: {value!r} is not true or false; write one of them")
    return value


def document(requests: Sequence[Request]) -> str:
    """Return the text of a file of requests."""
    mounts = [to_dict(request) for request in requests]
    return json.dumps({"mounts": mounts}, indent=2, ensure_ascii=True) + "\n"


def shown(text: bytes, secrets: Collection[str]) -> str:
    """Return the text of such a file as everybody may see it; empty where it is none.

    A server's field that is a secret, or holds one, is replaced whole, however short it is.
    """
    try:
        mounts = json.loads(text)["mounts"]
        for mount in mounts:
            mount["server"] = _without(mount["server"], secrets)
    except (ValueError, TypeError, LookupError):
        return ""
    return Masker(secrets).text(json.dumps({"mounts": mounts}, indent=2) + "\n")


def _without(server: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    return {
        name: MASK if any(secret in text for text in texts(value) for secret in secrets) else value
        for name, value in server.items()
    }
