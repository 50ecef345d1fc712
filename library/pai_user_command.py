#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the script that a task runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_user_command
short_description: Write the script that a task of a job runs
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Writes C(user.sh) into the work directory. It holds the commands of the current task role, with
    those of the active deployment around them and their C(<% %>) references replaced.
  - The container's own command (C(command.nul) in the work directory) or else its variable
    E(USER_CMD) comes before the job's.
  - The file's mode is C(0600) where a secret is in it, else C(0644).
attributes:
  check_mode:
    description: Says what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows the script before and after, with secrets masked.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Write the script of the task
  openpai.runtime.pai_user_command:
    work_dir: /tmp/job/work
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [write user.sh]
path:
  description: The path of the script.
  returned: success
  type: str
  sample: /tmp/job/work/user.sh
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.environment_files import container_environment
from ..module_utils.pai.files import PRIVATE, PUBLIC, plan
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import change_files, guarded
from ..module_utils.pai.user_command import container_command, user_script
from ..module_utils.pai.work_dir import read_job

ARGUMENTS = {"work_dir": {"type": "path", "required": True}}


def run(module: AnsibleModule) -> None:
    """Plan the script, then write it."""
    work_dir = Path(module.params["work_dir"])
    path = work_dir / "user.sh"
    job = read_job(work_dir, missing_ok=module.check_mode)
    if job is None:
        module.exit_json(changed=True, actions=["write user.sh"], path=str(path))
    script = user_script(job, container_environment(work_dir), container_command(work_dir))
    change = plan(path, script.text, PRIVATE if script.has_secrets else PUBLIC)
    masker = Masker.from_file(work_dir / "secrets.json")
    module.exit_json(path=str(path), **change_files(module, [change], masker))


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
