# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which storages a job asks for: names of configs, and entries that say more or define one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import RuntimeConfigError
from ..job.model import Job
from ..job.rules import Rule, check
from ..plugin_entry import PluginEntry, texts
from ..plugins import STORAGE
from ..references import context, render_all
from .model import MODES
from .requests import flag

_TEXT, _ANY = Rule("text"), Rule("any")
_KEYS = {
    "name": Rule("text", filled=True),
    "mountPoint": _TEXT,
    "mountPath": _TEXT,
    "path": _TEXT,
    "subPath": _TEXT,
    "readOnly": _ANY,
    "share": _ANY,
    "mode": Rule("text", choices=MODES),
    "options": _ANY,
}
#: An entry that names a config.
_ENTRY = Rule("mapping", required=("name",), keys=_KEYS)
#: An entry that defines a storage: its other keys are the fields of its type, some secret.
_DEFINITION = Rule(
    "mapping",
    required=("name",),
    private=True,
    keys={**_KEYS, "type": Rule("text", filled=True), "spn": _TEXT},
    items=_ANY,
)


@dataclasses.dataclass(frozen=True)
class Wish:
    """One storage that a job asks for.

    ``definition`` holds the fields of a storage of the job's own, whose ``type`` is given; without
    it ``name`` is that of a config. ``path`` is a directory below what that offers. What is None is
    left to the config. Without ``share`` it is the user's own directory there.
    """

    name: str
    place: str
    type: str | None = None
    definition: Mapping[str, Any] = dataclasses.field(repr=False, default_factory=dict)
    mount_point: str | None = None
    path: str = ""
    read_only: bool = False
    share: bool = True
    mode: str | None = None
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What was asked for, and why the rest was left out."""

    wishes: tuple[Wish, ...]
    warnings: tuple[str, ...] = ()


def read_wishes(
    entry: PluginEntry, entries: Sequence[Mapping[str, Any]], job: Job, tolerant: bool
) -> Wishes:
    """Return the storages that one use of a plugin asks for.

    ``entries`` are all plugins of the task. ``tolerant``: an entry of ``extras.storages`` that no
    PAI cluster would use is left out with a warning, as there.

    Raises:
        RuntimeConfigError: an entry is wrong.
    """
    found: list[Wish] = []
    warnings: list[str] = []
    for value, place, lenient in _entries(entry, entries, job, tolerant):
        try:
            found.append(_wish(value, place))
        except RuntimeConfigError as error:
            if not lenient:
                raise
            warnings.append(f"left out: {error}")
    named = {wish.name for wish in found}
    names = texts(entry.parameters.get("storageConfigNames"), "storageConfigNames")
    for position, name in enumerate(names):
        if name not in named:  # an entry of that name says more
            named.add(name)
            found.append(Wish(name, f"storageConfigNames[{position}]"))
    return Wishes(tuple(found), tuple(warnings))


def _entries(
    entry: PluginEntry, entries: Sequence[Mapping[str, Any]], job: Job, tolerant: bool
) -> Iterator[tuple[Any, str, bool]]:
    """Yield (entry, place, whether it may be wrong) of the parameters, then of the job's extras."""
    for position, value in enumerate(entry.parameters.get("storages") or []):
        yield value, f"storages[{position}]", False
    users = [number for number, use in enumerate(entries) if use["name"] in STORAGE]
    if users and users[0] != entry.position:
        return
    extras = (job.document.get("extras") or {}).get("storages") or []
    if not isinstance(extras, list):
        raise RuntimeConfigError("extras.storages: not a list; start every entry with '- name: …'")
    values = context(job)
    for position, value in enumerate(extras):
        yield render_all(value, values), f"extras.storages[{position}]", tolerant


def _wish(value: Any, place: str) -> Wish:
    defines = isinstance(value, Mapping) and "type" in value
    check(_DEFINITION if defines else _ENTRY, value, "job", place)
    for one, other in (("mountPoint", "mountPath"), ("path", "subPath")):
        if one in value and other in value:
            raise RuntimeConfigError(
                f"{place}: {one} and {other} mean the same; remove one of them"
            )
    return Wish(
        name=value["name"],
        place=place,
        type=value.get("type"),
        definition={key: item for key, item in value.items() if key not in _DEFINITION.keys},
        mount_point=value.get("mountPoint") or value.get("mountPath"),
        path=value.get("path") or value.get("subPath") or "",
        read_only=flag(value.get("readOnly"), f"{place}.readOnly"),
        share=flag(value.get("share"), f"{place}.share", default=True),
        mode=value.get("mode"),
        options=tuple(texts(value.get("options"), f"{place}.options")),
    )
