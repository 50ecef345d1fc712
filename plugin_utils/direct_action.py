# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of this collection in the task's own process instead of packing and sending it.

Where controller and host are one container, packing a module and starting a second Python costs
0.3 s, the module itself 0.03 s. ansible.netcommon does the same for network modules; ansible-core
keeps a hook for that, ``AnsibleModule._record_module_result``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

try:
    from ansible.module_utils import _internal
    from ansible.module_utils.common import warnings
    from ansible.module_utils.common.json import (
        Direction,
        get_module_decoder,
        get_module_encoder,
    )

    _HOOK = all(
        hasattr(owner, name)
        for owner, name in (
            (basic.AnsibleModule, "_record_module_result"),
            (basic, "_ANSIBLE_PROFILE"),
            (_internal, "is_controller"),
            (warnings, "_global_warnings"),
        )
    )
except ImportError:  # ansible-core before 2.19
    _HOOK = False

_PROFILE = "legacy"
#: The collection's plugins under a name of our own: Ansible's importer compiles every file of a
#: collection anew in every process, Python's keeps what it compiled.
_PACKAGE = "openpai_runtime_plugins"


def load_module(action: str) -> ModuleType:
    """Return the module that has the name of an action plugin (the ``__name__`` of its file).

    An action plugin calls this when it is imported. That happens in the process that forks the
    workers, so what modules share is loaded once and not in every task.
    """
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(Path(__file__).parents[1])]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.modules.{action.rpartition('.')[2]}")


class DirectAction(ActionBase):
    """The action plugin of every module here: direct where that is possible, ordinary elsewhere."""

    module: ModuleType
    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the task and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._is_direct(variables):
            return {**result, **self._run_here(variables)}
        wrap_async = self._task.async_val and not self._connection.has_native_async
        return {**result, **self._execute_module(task_vars=variables, wrap_async=wrap_async)}

    def _is_direct(self, variables: dict[str, Any]) -> bool:
        """Tell whether nothing about the task needs another process, user or machine."""
        wanted = boolean(variables.get("pai_direct", True), strict=False)
        interpreter = self._templar.template(
            variables.get("ansible_python_interpreter", sys.executable)
        )
        return bool(
            _HOOK
            and wanted
            and self._connection.transport == "local"
            and interpreter == sys.executable
            and not self._connection.become
            and not self._task.async_val
            and not any(self._task.environment or [])
        )

    def _run_here(self, variables: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, variables)
        directory = tempfile.mkdtemp(prefix="ansible-direct-")
        arguments["_ansible_tmpdir"] = directory
        try:
            recorded = _record(self.module.main, arguments)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        if not recorded:
            raise AnsibleActionFail(f"{self._task.action} ended without a result")
        result: dict[str, Any] = json.loads(
            recorded[-1], cls=get_module_decoder(_PROFILE, Direction.MODULE_TO_CONTROLLER)
        )
        result["_ansible_parsed"] = True
        return result


def _record(main: Any, arguments: dict[str, Any]) -> list[str]:
    """Call a module's ``main`` and return the results that it records, as JSON texts."""
    recorded: list[str] = []

    def record(_module: basic.AnsibleModule, result: dict[str, Any]) -> None:
        encoder = get_module_encoder(_PROFILE, Direction.MODULE_TO_CONTROLLER)
        recorded.append(json.dumps(result, cls=encoder))

    encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    encoded = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder).encode()
    with (
        _replaced(basic, "_ANSIBLE_ARGS", encoded),
        _replaced(basic, "_ANSIBLE_PROFILE", _PROFILE),
        _replaced(basic.AnsibleModule, "_record_module_result", record),
        # as in a process of its own: a module's warnings are part of its result, and of no other
        _replaced(_internal, "is_controller", False),
        _replaced(warnings, "_global_warnings", {}),
        _unchanged_process(),
        contextlib.suppress(SystemExit),
    ):
        main()
    return recorded


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put ``value`` into an attribute for a while; ``unittest.mock`` takes 40 ms to import."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _unchanged_process() -> Iterator[None]:
    """Give back working directory, umask and environment as they were for the next loop item."""
    directory, environment = os.getcwd(), dict(os.environ)
    mask = os.umask(0o022)
    os.umask(mask)
    try:
        yield
    finally:
        os.umask(mask)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
