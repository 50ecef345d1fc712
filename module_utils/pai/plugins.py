# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugins a task uses, in which order and with which parameters: plugins.json."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .errors import RuntimeConfigError
from .job.model import Job, find_role
from .plugin_roles import PluginRole, check_parameters
from .references import context, render_all

EXTRAS = "com.microsoft.pai.runtimeplugin"
_PREFIX = EXTRAS + "."
_POLICIES = ("fail", "ignore")
#: The plugins that mount what ``extras.storages`` names; the second also without being named.
STORAGE = ("storage", "teamwise_storage")
#: What a prerequisite says about itself; everything else in it is a parameter of its plugin.
_PREREQUISITE_KEYS = frozenset(
    [
        "plugin",
        "failurePolicy",
        "type",
        "name",
        "protocolVersion",
        "version",
        "contributor",
        "description",
        "require",
        "uri",
    ]
)
_ENTRY_KEYS = frozenset(("plugin", "parameters", "failurePolicy", "taskroles"))


@dataclasses.dataclass(frozen=True)
class PluginUse:
    """One use of a plugin by the current task; ``place`` is where the job file says so."""

    name: str
    place: str
    failure_policy: str
    parameters: Mapping[str, Any]


def plugin_uses(job: Job) -> Iterator[PluginUse]:
    """Yield the plugins of the current task in the order in which they start.

    ``extras.storages`` needs no plugin on a PAI cluster, and so none here.

    Raises:
        RuntimeConfigError: an entry has not the form of the job protocol.
    """
    uses = [*_from_prerequisites(job), *_from_extras(job)]
    named = any(use.name in STORAGE for use in uses)
    if (job.document.get("extras") or {}).get("storages") and not named:
        yield PluginUse(STORAGE[1], "extras.storages", "fail", {})
    yield from uses


def _from_extras(job: Job) -> Iterator[PluginUse]:
    entries = (job.document.get("extras") or {}).get(EXTRAS) or []
    if not isinstance(entries, list):
        raise _error(
            job, f"extras[{EXTRAS}]", "not a list; start every entry with '- plugin: NAME'"
        )
    values = context(job)
    for position, entry in enumerate(entries):
        place = f"extras[{EXTRAS}][{position}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("plugin"), str):
            raise _error(job, place, "no plugin named; write 'plugin: NAME'")
        unknown = sorted(set(entry) - _ENTRY_KEYS)
        if unknown:
            known = ", ".join(sorted(_ENTRY_KEYS))
            raise _error(job, f"{place}.{unknown[0]}", f"an unknown key; write one of: {known}")
        if _is_for(job, entry.get("taskroles"), place):
            parameters = entry.get("parameters")
            yield _use(
                job, entry["plugin"], place, entry, {} if parameters is None else parameters, values
            )


def _from_prerequisites(job: Job) -> Iterator[PluginUse]:
    named = job.document["taskRoles"][job.current_role].get("prerequisites") or []
    prerequisites = job.document.get("prerequisites") or []
    for name in named:
        for position, item in enumerate(prerequisites):
            plugin = item.get("plugin", "")
            if item["name"] != name or not plugin.startswith(_PREFIX):
                continue
            parameters = {
                key: value for key, value in item.items() if key not in _PREREQUISITE_KEYS
            }
            own = {item["type"]: item} if item.get("type") in ("data", "script", "output") else {}
            place = f"prerequisites[{position}]"
            yield _use(
                job, plugin[len(_PREFIX) :], place, item, parameters, {**context(job), **own}
            )


def _is_for(job: Job, roles: Any, place: str) -> bool:
    if roles is None:
        return True
    if not isinstance(roles, list):
        raise _error(job, f"{place}.taskroles", "not a list; write the names of task roles")
    for role in roles:
        if not isinstance(role, str):
            raise _error(job, f"{place}.taskroles", f"{role!r} is not the name of a task role")
    return any(find_role(job.task_roles, role) is job.role for role in roles)


def _use(
    job: Job, name: str, place: str, entry: Mapping[str, Any], parameters: Any, values: Any
) -> PluginUse:
    policy = entry.get("failurePolicy") or "fail"
    if policy not in _POLICIES:
        raise _error(
            job, f"{place}.failurePolicy", f"{policy!r} is not one of {', '.join(_POLICIES)}"
        )
    if not isinstance(parameters, Mapping):
        raise _error(job, f"{place}.parameters", "not a mapping; write one 'name: value' line each")
    return PluginUse(name, place, policy, render_all(parameters, values))


def _error(job: Job, place: str, problem: str) -> RuntimeConfigError:
    return RuntimeConfigError(f"job {job.name!r}: {place}: {problem}")


def choose_plugins(job: Job, roles: Mapping[str, PluginRole]) -> list[dict[str, Any]]:
    """Return plugins.json's list: every use with its role, and its parameters checked.

    Raises:
        RuntimeConfigError: a plugin that does not exist, or parameters that its role refuses.
    """
    chosen: list[dict[str, Any]] = []
    for use in plugin_uses(job):
        where = f"job {job.name!r}: {use.place}"
        if use.name not in roles:
            known = ", ".join(sorted(roles))
            raise RuntimeConfigError(
                f"{where}.plugin: there is no plugin {use.name!r}; write one of: {known}, or "
                "add the directory of your own to PAI_PLUGIN_PATH"
            )
        role = roles[use.name]
        chosen.append(
            {
                "position": len(chosen),
                "name": use.name,
                "role": role.reference,
                "failurePolicy": use.failure_policy,
                "moments": role.moments,
                "parameters": check_parameters(
                    role, use.parameters, f"{where} (plugin {use.name})"
                ),
            }
        )
    return chosen


def due_plugins(chosen: Sequence[Mapping[str, Any]], moment: str) -> list[dict[str, Any]]:
    """Return which of the ``chosen`` have tasks at ``moment``; at the exit in reverse order.

    What is returned holds no parameters: it is registered and may be printed.
    """
    due = [
        {
            "name": use["name"],
            "role": use["role"],
            "position": use["position"],
            "ignore": use["failurePolicy"] == "ignore",
        }
        for use in chosen
        if moment in use["moments"]
    ]
    return due if moment == "start" else due[::-1]
