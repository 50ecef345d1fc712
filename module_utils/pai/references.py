# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References such as ``<% $parameters.epochs %>`` in the job file's texts.

The grammar is that of OpenPAI's job protocol: a root, then names or positions; ``uri[0]`` and
``uri.0`` are the same; spaces inside the tag are free.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .job.model import Job

ROOTS = ("parameters", "secrets", "data", "script", "output")
_TAG = re.compile(
    r"<%\s*\$(" + "|".join(ROOTS) + r")((?:\s*\.\s*[^\s.\[\]<>%]+|\s*\[\s*\d+\s*\])+)\s*%>"
)
_STEP = re.compile(r"\.\s*([^\s.\[\]<>%]+)|\[\s*(\d+)\s*\]")


def context(job: Job) -> dict[str, Any]:
    """Return what each root means in the current task: root → mapping of names to values."""
    document, role = job.document, job.document["taskRoles"][job.current_role]
    prerequisites = document.get("prerequisites") or []
    values: dict[str, Any] = {
        "parameters": document.get("parameters") or {},
        "secrets": job.secrets,
    }
    for kind in ("data", "script", "output"):
        values[kind] = next(
            (p for p in prerequisites if p.get("type") == kind and p["name"] == role.get(kind)), {}
        )
    return values


def render(text: str, values: Mapping[str, Any]) -> str:
    """Replace every reference that ``values`` knows; any other one stays as it is written."""

    def replacement(match: re.Match[str]) -> str:
        found = _look_up(values.get(match[1]), match[2])
        rendered = as_text(found)
        return match[0] if rendered is None else rendered

    return _TAG.sub(replacement, text)


def render_all(value: Any, values: Mapping[str, Any]) -> Any:
    """Return ``value`` with the references in all its texts replaced."""
    if isinstance(value, str):
        return render(value, values)
    if isinstance(value, Mapping):
        return {key: render_all(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [render_all(item, values) for item in value]
    return value


def uses_secrets(text: str) -> bool:
    """Tell whether ``text`` refers to a secret."""
    return any(match[1] == "secrets" for match in _TAG.finditer(text))


def as_text(value: Any) -> str | None:
    """Return a value as the job protocol writes it into a text; None where it has no such form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, (list, tuple)):
        items = [as_text(item) or "" for item in value]
        return ",".join(items)
    return None


def _number(value: float) -> str:
    """Return a number as JavaScript prints it: an exponent below 1e-6 and from 1e21 on only."""
    if math.isinf(value) or math.isnan(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    digits, _e, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent):+d}"


def _look_up(value: Any, path: str) -> Any:
    for name, position in _STEP.findall(path):
        step = name or position
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and step.isascii() and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
