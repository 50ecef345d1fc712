# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own variables: ``extras.env``, ``extras.taskRoles.R.env`` and ``taskRoles.R.env``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import RuntimeConfigError
from .job.model import IDENTIFIER, Job
from .references import as_text, context, render, uses_secrets

#: The runtime's and FrameworkController's own names.
_RESERVED = ("PAI_", "FC_")
_VARIABLE = re.compile(r"\$?\$\{([a-zA-Z_][a-zA-Z0-9_]*)(?::-([^}]*))?\}")


def user_variables(job: Job, defined: Mapping[str, str]) -> dict[str, str]:
    """Return the user's variables in the order of their definition; a later one of a name wins.

    A value may use ``<% %>`` references and ``${OTHER}`` or ``${OTHER:-default}`` of variables that
    are ``defined`` already (container, runtime) or stand before it; ``$${OTHER}`` is the text
    ``${OTHER}``. A null value is taken from the container's environment.

    Raises:
        RuntimeConfigError: a reserved name, a value that is no text, an undefined variable, or a
            null value for which nothing was given from outside.
    """
    values = context(job)
    known = dict(defined)
    chosen: dict[str, str] = {}
    for place, name, value in definitions(job):
        _refuse_name(place, name)
        if value is None:
            if name not in known:
                raise RuntimeConfigError(
                    f"job {job.name!r}: {place}.{name}: no value here, and none in the container's "
                    f"environment; start it with {name} set, or write a value"
                )
            chosen[name] = known[name]
            continue
        text = as_text(value)
        if text is None or isinstance(value, (list, tuple)):
            raise RuntimeConfigError(
                f"job {job.name!r}: {place}.{name}: a list or mapping is not a variable's value; "
                "write one text"
            )
        known[name] = chosen[name] = _expand(
            render(text, values), known, f"job {job.name!r}: {place}.{name}"
        )
    return chosen


def may_be_secret(value: Any) -> bool:
    """Tell whether a variable's value may be one: it refers to a secret, or comes from outside."""
    return value is None or (isinstance(value, str) and ("${" in value or uses_secrets(value)))


def definitions(job: Job) -> Iterator[tuple[str, str, Any]]:
    """Yield (place in the job file, name, value) of every variable, in order."""
    document, role = job.document, job.current_role
    extras = document.get("extras") or {}
    by_role = extras.get("taskRoles") or {}
    own = by_role.get(role) if isinstance(by_role, Mapping) else None
    for place, mapping in (
        ("extras.env", extras.get("env")),
        (
            f"extras.taskRoles.{role}.env",
            (own or {}).get("env") if isinstance(own or {}, Mapping) else None,
        ),
        (f"taskRoles.{role}.env", document["taskRoles"][role].get("env")),
    ):
        if mapping is None:
            continue
        if not isinstance(mapping, Mapping):
            raise RuntimeConfigError(
                f"job {job.name!r}: {place}: not a mapping; write a 'NAME: value' line each"
            )
        for name, value in mapping.items():
            yield place, name, value


def _refuse_name(place: str, name: str) -> None:
    if not IDENTIFIER.fullmatch(name):
        raise RuntimeConfigError(
            f"{place}: {name!r} cannot be a variable's name; use letters, digits and _ only"
        )
    if name.startswith(_RESERVED):
        raise RuntimeConfigError(
            f"{place}.{name}: names that start with {' or '.join(_RESERVED)} are the runtime's; "
            "choose another name"
        )


def _expand(text: str, known: Mapping[str, str], place: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        value = known.get(match[1], match[2])
        if value is None:
            raise RuntimeConfigError(
                f"{place}: ${{{match[1]}}} is not defined before it; define it, write "
                f"${{{match[1]}:-default}}, or $${{{match[1]}}} for the text itself"
            )
        return value

    return _VARIABLE.sub(replacement, text)
