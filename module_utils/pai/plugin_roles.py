# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the roles that are plugins, and check parameters against their argument_specs.yml."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .errors import RuntimeConfigError
from .yaml12 import load

#: The key of argument_specs that relate options to each other.
_RELATIONS = (
    "mutually_exclusive",
    "required_together",
    "required_one_of",
    "required_if",
    "required_by",
)
_OPTION_KEYS = (
    "type",
    "elements",
    "required",
    "default",
    "choices",
    "options",
    "no_log",
    *_RELATIONS,
)
COLLECTION = "openpai.runtime"


@dataclasses.dataclass(frozen=True)
class PluginRole:
    """A role with tasks for the start or the exit; ``reference`` is how Ansible finds it."""

    name: str
    reference: str
    directory: Path

    @property
    def moments(self) -> tuple[str, ...]:
        """At which moments the role has tasks: ``start``, ``exit``."""
        tasks = self.directory / "tasks"
        return tuple(m for m in ("start", "exit") if (tasks / f"{m}.yml").is_file())


def find_plugins(built_in: Path, own: Iterable[Path]) -> dict[str, PluginRole]:
    """Return name → plugin, of the ``built_in`` roles and those in the user's ``own`` directories.

    Raises:
        RuntimeConfigError: a directory that is not there, or a name that stands for two plugins.
    """
    found = {
        path.name: PluginRole(path.name, f"{COLLECTION}.{path.name}", path)
        for path in _roles(built_in)
    }
    for directory in own:
        if not directory.is_dir():
            raise RuntimeConfigError(
                f"PAI_PLUGIN_PATH: {directory}: no such directory; correct the path or remove it"
            )
        for path in _roles(directory):
            if "," in str(path):
                raise RuntimeConfigError(
                    f"PAI_PLUGIN_PATH: {path}: Ansible cannot include a role with a comma in its "
                    "path; rename the directory"
                )
            if path.name in found:
                raise RuntimeConfigError(
                    f"PAI_PLUGIN_PATH: {path}: there is a plugin {path.name!r} in "
                    f"{found[path.name].directory} already; rename yours"
                )
            found[path.name] = PluginRole(path.name, str(path), path)
    return found


def _roles(directory: Path) -> list[Path]:
    candidates = sorted(path for path in directory.iterdir() if (path / "tasks").is_dir())
    return [path for path in candidates if PluginRole("", "", path).moments]


def check_parameters(role: PluginRole, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the parameters as the role's argument specification has them: types, defaults.

    A role that describes no parameters gets whatever was given.

    Raises:
        RuntimeConfigError: an unknown, missing or wrong parameter; ``where`` begins the message.
    """
    option = _parameters_option(role)
    if option is None:
        return dict(given)
    options = option.get("options") or {}
    relations = {name: option[name] for name in _RELATIONS if name in option}
    specification = {name: _specification(item) for name, item in options.items()}
    result = ArgumentSpecValidator(specification, **relations).validate(dict(given))
    if result.error_messages:
        known = ", ".join(sorted(specification)) or "none"
        raise RuntimeConfigError(
            f"{where}: {'; '.join(result.error_messages)}; its parameters are: {known}"
        )
    return dict(result.validated_parameters)


def _parameters_option(role: PluginRole) -> Mapping[str, Any] | None:
    path = role.directory / "meta" / "argument_specs.yml"
    if not path.is_file():
        return None
    try:
        start = load(path.read_bytes(), str(path))["argument_specs"]["start"]
        option: Mapping[str, Any] | None = (start.get("options") or {}).get("plugin_parameters")
        return option
    except (TypeError, KeyError, AttributeError) as error:
        raise RuntimeConfigError(
            f"{path}: no argument_specs.start.options in it; describe plugin_parameters there"
        ) from error


def _specification(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's argument for a role's option: the same but for its documentation."""
    kept = {key: option[key] for key in _OPTION_KEYS if key in option}
    if "options" in kept:
        kept["options"] = {name: _specification(item) for name, item in kept["options"].items()}
    return kept
