#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands that a job's plugin cmd gives for the start or the end of its task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_commands
short_description: Run a job's commands at the start or at the end of its task
version_added: "0.1.0"
extends_documentation_fragment:
  - openpai.runtime.task.position
  - openpai.runtime.task.linux
description:
  - Runs what one use of the plugin C(cmd) asks for at this moment. Which commands those are
    stands in the list of plugins that the runtime keeps in its work directory, so that no command
    passes through Ansible's variables.
  - At the start the callbacks of the event C(taskStarts) run. At the end C(exit.json) of O(log_dir)
    decides between C(taskStopped), C(taskSucceeds) and C(taskFails); C(taskCompletes) follows
    always.
  - Each callback is one shell of its own with errexit, in the job's working directory and with the
    environment of the user's processes. Its output goes line by line to C(runtime.log). A process
    that it leaves in the background lives on and is not waited for.
options:
  work_dir:
    description:
      - The runtime's work directory, an absolute path. Marks and scripts are kept in C(state).
    type: path
    required: true
  log_dir:
    description: The directory of the task's logs, an absolute path.
    type: path
    required: true
  moment:
    description: Whether the task starts or has ended.
    type: str
    choices: [start, exit]
    required: true
attributes:
  check_mode:
    description: Says what would run, and runs nothing.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: Commands that came to a good end do not run again in the same attempt of the task.
    support: full
author:
  - OpenPAI Runtime for Ansible contributors (@openpai)
"""

EXAMPLES = r"""
- name: Run the commands of the job's first plugin before the user's command
  openpai.runtime.pai_commands:
    work_dir: /usr/local/pai/runtime.d
    log_dir: /usr/local/pai/logs
    position: 0
    moment: start
"""

RETURN = r"""
actions:
  description: What was run, or would be, in words.
  returned: always
  type: list
  elements: str
  sample: [run the commands of taskStarts]
exit_code:
  description: The exit code of the commands that failed; 124 after a timeout, 127 without a shell.
  returned: when commands have failed
  type: int
  sample: 3
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai import process_env
from ..module_utils.pai.command_runner import CommandsFailedError, Marks, Runner, find_shell
from ..module_utils.pai.commands import due, read_callbacks, read_end
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.plugin_entry import NotWrittenYetError, job_directory, read_entry
from ..module_utils.pai.shell import RuntimeLogWriter, container_umask

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "log_dir": {"type": "path", "required": True},
    "position": {"type": "int", "required": True},
    "moment": {"type": "str", "choices": ["start", "exit"], "required": True},
}


def run(module: AnsibleModule) -> None:
    """Plan from the files of the work directory, then run what has not run in this attempt."""
    work_dir, log_dir = Path(module.params["work_dir"]), Path(module.params["log_dir"])
    actions: list[str] = []
    try:
        perform(module, work_dir, log_dir, actions)
    except NotWrittenYetError as error:
        if not module.check_mode:
            raise
        actions.append(f"run the commands that are due, once {error.path} is written")
    except CommandsFailedError as error:
        code = error.exit_code
        module.fail_json(msg=str(error), changed=bool(actions), actions=actions, exit_code=code)
    module.exit_json(changed=bool(actions), actions=actions)


def perform(module: AnsibleModule, work_dir: Path, log_dir: Path, actions: list[str]) -> None:
    """Run what is due, after saying in ``actions`` what that is."""
    entry = read_entry(work_dir, module.params["position"])
    callbacks = read_callbacks(entry)
    at_end = module.params["moment"] == "exit"
    end = read_end(log_dir, work_dir) if at_end else None
    marks = Marks(work_dir / "state", entry.position)
    pending = marks.pending(due(callbacks, end))
    actions += [f"run the commands of {callback.event}" for callback in pending]
    if module.check_mode or not pending:
        return
    environment = process_env.read(work_dir / "process_env.nul")
    environment.update(end.variables if end else {})
    directory, umask = job_directory(environment), container_umask(work_dir)
    shell = find_shell(entry.label, environment, directory)
    with RuntimeLogWriter(log_dir, os.environ.get("RUNTIME_LOG_PIPE")) as log:
        Runner(entry.label, marks, shell, environment, directory, log, umask).run_all(pending)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
