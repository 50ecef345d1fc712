# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs and servers in one file: of our own form, or what a PAI cluster keeps in secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..job.rules import Rule, check
from ..yaml12 import load
from .sources import SECRETS, Catalogue, from_secrets

_ANY, _NAME = Rule("any"), Rule("text", filled=True)
# private: anything in such a file may be a password that stands at the wrong place
_FILE = Rule(
    "mapping",
    private=True,
    keys={"servers": Rule("list", private=True), "configs": Rule("list", private=True)},
)


def read_file(path: Path) -> Catalogue:
    """Read configs and servers from one YAML or JSON file.

    The file holds ``servers`` and ``configs``, or the data of a cluster's two secrets under their
    names, or the secrets themselves as ``kubectl get secret -o yaml`` prints them.

    Raises:
        RuntimeConfigError: it cannot be read, or has another form.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RuntimeConfigError(
            f"storage file {path}: {error.strerror}; correct PAI_STORAGE_FILE, or make it readable"
        ) from error
    source = f"storage file {path}"
    value = _parsed(content, source)
    if isinstance(value, Mapping) and isinstance(value.get("items"), list):
        value = {name: data for name, data in map(_named_data, value["items"]) if name in SECRETS}
    if isinstance(value, Mapping) and any(name in value for name in SECRETS):
        configs, servers = (value.get(name) or {} for name in SECRETS)
        return from_secrets(configs, servers, source)
    check(_FILE, value, source)
    return Catalogue(
        source,
        _by_name(value.get("configs") or [], "name", source, "configs"),
        _by_name(value.get("servers") or [], "spn", source, "servers"),
    )


def _parsed(content: bytes, source: str) -> Any:
    try:
        return load(content, source)
    except RuntimeConfigError as error:
        # only the place: the parser's words may quote a password
        found = re.search(r"line \d+, column \d+", str(error))
        where = f" at {found[0]}" if found else ""
        raise RuntimeConfigError(f"{source}: not valid YAML{where}; correct it there") from None


def _named_data(item: Any) -> tuple[str, Any]:
    """Return name and data of a Kubernetes secret; an empty name for anything else."""
    if not isinstance(item, Mapping) or not isinstance(item.get("metadata"), Mapping):
        return "", None
    return str(item["metadata"].get("name")), item.get("data")


def _by_name(entries: list[Any], key: str, source: str, place: str) -> dict[str, Any]:
    rule = Rule("mapping", required=(key,), keys={key: _NAME}, items=_ANY, private=True)
    found: dict[str, Any] = {}
    for position, entry in enumerate(entries):
        where = f"{place}[{position}]"
        check(rule, entry, source, where)
        if entry[key] in found:
            raise RuntimeConfigError(
                f"{source}: {where}.{key}: {entry[key]!r} stands here a second time; rename one"
            )
        found[entry[key]] = entry
    return found
