#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the runtime environment of a task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_env
short_description: Render the runtime environment of one task of a job
version_added: 0.1.0
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Reads a job from a PAI job file, a Framework object, or the container's environment alone, and
    writes what its commands need to know about it into the work directory.
  - Writes C(runtime_env.sh), C(job.json) and C(process_env.nul), C(runtime_env.full.sh) where a
    process cannot be given every variable, and C(secrets.json) where the job has secrets.
  - Writes C(failure_patterns.json) where the job or its cluster adds failure patterns to the
    catalogue. One that is broken is a warning and not used.
options:
  work_dir:
    description: The directory to write into. It is made where it is missing.
    type: path
    required: true
  catalogue:
    description:
      - The directory of the failure catalogue, which the patterns of O(failure_patterns) and of the
        job must fit.
    type: path
  cwd:
    description:
      - The directory in which the user's commands start, E(PAI_WORK_DIR).
      - The module's own current directory where it is not given.
    type: path
  failure_patterns:
    description:
      - A directory with YAML files of failure patterns that the cluster adds to the catalogue.
      - A job adds its own in C(extras.failurePatterns) of its file.
    type: path
  framework:
    description:
      - A Framework object of FrameworkController, as JSON. Without it every task runs on this
        machine.
    type: path
  job_file:
    description:
      - A job file of protocol version 2. Without it the annotation of O(framework) is used, or a
        job of one task is made up.
    type: path
  secrets:
    description: A YAML mapping with the values of the job's secrets.
    type: path
  task_index:
    description:
      - The index of the current task in its task role. By default the container's environment
        tells it, else it is V(0).
    type: int
  task_role:
    description:
      - The task role of the current task. By default the container's environment tells it, else it
        is the job's first.
    type: str
attributes:
  check_mode:
    description: Says what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows every file before and after, with secrets masked.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Render the environment of the second worker
  openpai.runtime.pai_env:
    work_dir: /tmp/job/work
    job_file: /tmp/job/job.yml
    task_role: worker
    task_index: 1
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [write runtime_env.sh, write job.json]
job:
  description: The path of the job as JSON.
  returned: success
  type: str
  sample: /tmp/job/work/job.json
left_out:
  description: How many variables a process cannot be given and are in C(runtime_env.full.sh) only.
  returned: success
  type: int
  sample: 0
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.environment_files import PatternSources, plan_environment
from ..module_utils.pai.job.sources import Inputs
from ..module_utils.pai.module_result import change_files, guarded

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "catalogue": {"type": "path"},
    "cwd": {"type": "path"},
    "failure_patterns": {"type": "path"},
    "framework": {"type": "path"},
    "job_file": {"type": "path"},
    "secrets": {"type": "path", "no_log": False},
    "task_index": {"type": "int"},
    "task_role": {"type": "str"},
}


def run(module: AnsibleModule) -> None:
    """Plan the files of the work directory, then write them."""
    given = {
        name: Path(value) if value else None
        for name, value in module.params.items()
        if name != "task_index"
    }
    work_dir = Path(module.params["work_dir"])
    planned = plan_environment(
        Inputs(
            job_file=given["job_file"],
            framework=given["framework"],
            secrets=given["secrets"],
            role=module.params["task_role"],
            index=module.params["task_index"],
            work_dir=module.params["cwd"] or str(Path.cwd()),
        ),
        work_dir,
        PatternSources(given["failure_patterns"], given["catalogue"]),
    )
    for warning in planned.warnings:
        module.warn(warning)
    result = change_files(module, planned.changes, planned.masker)
    module.exit_json(job=str(work_dir / "job.json"), left_out=planned.left_out, **result)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
