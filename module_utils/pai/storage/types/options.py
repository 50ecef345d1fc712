# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a mount: those of the type, and those that the user adds or replaces."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model import Request
from .fields import refuse

# Options stand in process arguments, which everybody may read.
_SECRET = re.compile(r"pass(?!ive)|secret|key|token|cred|sas[_-]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def merge(
    request: Request, defaults: Iterable[str], ours: Iterable[str] = (), dashes: bool = False
) -> tuple[str, ...]:
    """Return the defaults with the user's options; the user's one replaces one of the same name.

    ``ours`` are the names that the runtime sets by itself. ``dashes``: the options are flags of a
    program, whose names have dashes (``vfs_cache_mode`` is the same as ``vfs-cache-mode``).

    Raises:
        RuntimeConfigError: an option cannot be given by the user.
    """
    merged = {_name(option): option for option in defaults}
    for option in _single(request.options):
        name, equals, value = option.partition("=")
        if dashes:
            name = name.lstrip("-").replace("_", "-")
        _check(request, name, option, {item.lower() for item in ours})
        merged[name] = f"{name}{equals}{value}"
    return tuple(merged.values())


def _single(options: Iterable[str]) -> list[str]:
    return [part.strip() for option in options for part in option.split(",") if part.strip()]


def _name(option: str) -> str:
    return option.partition("=")[0]


def _check(request: Request, name: str, option: str, ours: set[str]) -> None:
    if name.lower() in ("ro", "rw", "read-only"):
        raise refuse(request, f"option {name!r}", "say readOnly: true or false instead")
    if name.lower() in ours:
        raise refuse(request, f"option {name!r} is set by the runtime itself", "leave it out")
    if _SECRET.search(name):
        remedy = "others can read options; give secrets as fields of the server"
        raise refuse(request, f"option {name!r} may hold a secret", remedy)
    if _CONTROL.search(option) or not re.fullmatch(r"[A-Za-z][\w.-]*", name):
        raise refuse(request, f"option {option!r} is not NAME or NAME=VALUE", "correct it")
