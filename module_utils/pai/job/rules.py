# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a value against a rule, and say where in the document which value is wrong."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import RuntimeConfigError


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value must be.

    ``kind`` is one of ``text``, ``integer``, ``list``, ``mapping``, ``any``. A mapping
    has fixed ``keys`` (further ones are refused unless ``items`` says what they must be), a list
    has ``items``. A ``private`` value is never shown.
    """

    kind: str
    keys: Mapping[str, Rule] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()
    items: Rule | None = None
    key_pattern: str | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    filled: bool = False
    nullable: bool = False
    private: bool = False


_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "list": (list,),
    "mapping": (dict,),
}
_REMEDIES = {
    "text": 'a text; put it in quotes ("…")',
    "integer": "a whole number",
    "list": "a list; start every entry with '- '",
    "mapping": "a mapping of 'key: value' lines",
}


def check(rule: Rule, value: Any, source: str, place: str = "") -> None:
    """Accept ``value`` or say what is wrong with it.

    Raises:
        RuntimeConfigError: ``<source>: <place>: <value> is not …; …``.
    """
    if rule.kind == "any" or (value is None and rule.nullable):
        return
    if not _is_kind(rule.kind, value):
        raise _error(rule, value, source, place, f"write {_REMEDIES[rule.kind]}")
    remedy = _remedy(rule, value)
    if remedy:
        raise _error(rule, value, source, place, remedy)
    if rule.kind == "list" and rule.items:
        for position, item in enumerate(value):
            check(rule.items, item, source, f"{place}[{position}]")
    if rule.kind == "mapping":
        _check_keys(rule, value, source, place)


def _remedy(rule: Rule, value: Any) -> str | None:
    """Return what to write instead of a value of the right kind; None where it is right."""
    if rule.choices and value not in rule.choices:
        return f"write one of {', '.join(rule.choices)}"
    if rule.pattern and not re.fullmatch(rule.pattern, value):
        return f"it must match {rule.pattern}"
    if rule.minimum is not None and value < rule.minimum:
        return f"write a whole number of at least {rule.minimum}"
    if rule.maximum is not None and value > rule.maximum:
        return f"write a whole number of at most {rule.maximum}"
    return "it must not be empty" if rule.filled and not value else None


def _is_kind(kind: str, value: Any) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind != "integer" or not isinstance(value, bool))


def _check_keys(rule: Rule, value: Mapping[str, Any], source: str, place: str) -> None:
    for key in rule.required:
        if key not in value:
            where = place or "the top level"
            raise RuntimeConfigError(f"{source}: {where}: the key {key!r} is missing; add it")
    for key, item in value.items():
        inner = f"{place}.{key}" if place else key
        if key in rule.keys:
            check(rule.keys[key], item, source, inner)
        elif rule.items is None and rule.keys:
            known = ", ".join(sorted(rule.keys))
            raise RuntimeConfigError(
                f"{source}: {inner}: an unknown key; remove it or write one of: {known}"
            )
        elif rule.items is not None:
            if rule.key_pattern and not re.fullmatch(rule.key_pattern, key):
                raise RuntimeConfigError(
                    f"{source}: {inner}: {key!r} cannot be a name here; "
                    f"it must match {rule.key_pattern}"
                )
            check(rule.items, item, source, inner)


def _error(rule: Rule, value: Any, source: str, place: str, remedy: str) -> RuntimeConfigError:
    return RuntimeConfigError(
        f"{source}: {place or 'the top level'}: {show(rule, value)}; {remedy}"
    )


def show(rule: Rule, value: Any) -> str:
    """Return the wrong value as one short line; a private one is not shown."""
    if rule.private:
        return "the value (not shown) is not allowed"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f"{text if len(text) <= 60 else text[:57] + '...'} is not allowed"
