# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of exit.json as rows for people: a name, and values in units that one can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..facts.words import notable

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: Which value says what an element of a list is.
_NAMES = ("path", "directory", "index", "id", "name")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
#: What a key does not say by itself.
_SAID = {"quietSeconds": "without output before the end"}
#: Of several values in a list of plain ones.
_LISTED = 20


def seen(facts: object) -> list[str]:
    """Return a line for each thing that is out of order; none where the facts are damaged."""
    try:
        return notable(facts) if isinstance(facts, Mapping) else []
    except (LookupError, TypeError, AttributeError, ValueError):
        return []


def rows(facts: object) -> list[tuple[str, str]]:
    """Return a row for every group of values: what it is about, and the values with their names.

    >>> rows({"memory": {"usedBytes": 2048, "oomKills": 1}, "waitedSeconds": 3})
    [('memory', 'used 2.0 KiB, oom kills 1'), ('waited', '3 s')]
    """
    return list(_rows("", facts)) if isinstance(facts, Mapping) else []


def _rows(name: str, group: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    plain = {str(key): each for key, each in group.items() if not _deep(each)}
    if name:
        told = ", ".join(f"{_name(key)} {text}" for key, text in _texts(plain))
        yield from [(name, told)] if told else []
    else:
        yield from ((_name(key), text) for key, text in _texts(plain))
    for key, each in group.items():
        if not _deep(each):
            continue
        inner = f"{name}: {_name(str(key))}" if name else _name(str(key))
        elements = [each] if isinstance(each, Mapping) else each
        for element in elements:
            if isinstance(element, Mapping):
                called = None if element is each else _called(element)
                rest = {key: value for key, value in element.items() if key != called}
                yield from _rows(f"{inner}: {element[called]}" if called else inner, rest)


def _deep(value: object) -> bool:
    """Whether a value holds groups of values."""
    inner = value if isinstance(value, list) else [value]
    return any(isinstance(each, Mapping) for each in inner)


def _called(element: Mapping[Any, Any]) -> str | None:
    return next((key for key in _NAMES if isinstance(element.get(key), (str, int))), None)


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        text = _text(key, value)
        if text:
            yield key, text


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(key, value)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value[:_LISTED])
    return "" if value is None else str(value)


def _number(key: str, value: float) -> str:
    if key.endswith(("Seconds", "MiB")):
        return f"{value} {'MiB' if key.endswith('MiB') else 's'}"
    if not key.endswith("Bytes"):
        return str(value)
    power = 0
    while abs(value) >= 1024 and power < len(_UNITS) - 1:
        value /= 1024
        power += 1
    return f"{value:.1f} {_UNITS[power]}" if power else f"{value} B"


def _name(key: str) -> str:
    """Return the words of a key, without the unit that its value is told with."""
    if key in _SAID:
        return _SAID[key]
    for unit in ("Bytes", "Seconds", "MiB"):
        key = key[: -len(unit)] if key.endswith(unit) and key != unit else key
    return _WORDS.sub(" ", key).lower()
