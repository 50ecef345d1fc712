# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does at its end: apply the plan, or fail with one clear line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from .errors import MachineError, RuntimeConfigError
from .files import FileChange, apply
from .masking import Masker


class Module(Protocol):
    """What these functions use of AnsibleModule."""

    check_mode: bool
    params: dict[str, Any]
    _diff: bool

    def fail_json(self, msg: str, **result: Any) -> Any:
        """End the module with a failure."""


def change_files(module: Module, changes: Sequence[FileChange], masker: Masker) -> dict[str, Any]:
    """Write the changes unless in check mode, and return ``changed``, ``actions``, ``diff``.

    Raises:
        RuntimeConfigError: a file cannot be written.
    """
    due = [change for change in changes if change.changed]
    if not module.check_mode:
        apply(due)
    result: dict[str, Any] = {"changed": bool(due), "actions": [change.action for change in due]}
    if module._diff:
        result["diff"] = [change.diff(masker) for change in due]
    return result


def guarded(module: Any, run: Callable[[Any], None]) -> None:
    """Call ``run`` and turn every error into a failure of the module.

    An input that was refused is marked as such: then the job is to be corrected, not the runtime.

    An exception that escaped would print the module's arguments, with what is secret in them.
    """
    try:
        run(module)
    except RuntimeConfigError as error:
        refused = not isinstance(error, MachineError)
        module.fail_json(
            msg=_masked(module, str(error)), changed=False, actions=[], refused=refused
        )
    except Exception as error:  # noqa: BLE001 - what escapes would be printed with the arguments
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        module.fail_json(
            msg=f"a defect of the runtime: {type(error).__name__} at {place}; please report it",
            changed=False,
            actions=[],
        )


def _masked(module: Any, text: str) -> str:
    """Return ``text`` without the job's secrets: a wrong parameter may hold one."""
    if not module.params.get("work_dir"):  # a module that does not know of jobs
        return text
    secrets = Path(module.params["work_dir"]) / "secrets.json"
    try:
        return Masker.from_file(secrets).text(text)
    except RuntimeConfigError:  # not to be masked is not to be shown
        return f"an error that is not shown, since {secrets} is damaged"
