#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the plugins of a task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_plugins
short_description: Choose the plugins of one task of a job
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - At the start, reads which plugins the job names for the current task, checks their parameters
    against the argument specification of each plugin's role, and writes them to C(plugins.json) in
    the work directory, mode C(0600).
  - At the end, reads that file again.
  - Returns which roles are to be included. Their parameters stay in the file, since there may be
    secrets in them.
options:
  built_in:
    description: The directory with the roles of this collection.
    type: path
    required: true
  moment:
    description:
      - The moment whose plugins are wanted, in the order of the job at the start, in reverse at
        the end.
    type: str
    choices: [start, exit]
    default: start
  plugin_path:
    description: Directories with the user's own plugins, each a role.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Says what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows the list before and after, with secrets masked.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Choose the plugins of the task
  openpai.runtime.pai_plugins:
    work_dir: /tmp/job/work
    built_in: /opt/openpai-runtime/roles
    plugin_path: [/opt/my-plugins]
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [write plugins.json]
plugins:
  description: The plugins that have tasks at this moment, in their order.
  returned: success
  type: list
  elements: dict
  sample: [{name: cmd, role: openpai.runtime.cmd, position: 0, ignore: false}]
"""

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.files import PRIVATE, plan
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import change_files, guarded
from ..module_utils.pai.plugin_roles import find_plugins
from ..module_utils.pai.plugins import choose_plugins, due_plugins
from ..module_utils.pai.work_dir import read_job, read_plugins

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "built_in": {"type": "path", "required": True},
    "moment": {"type": "str", "choices": ["start", "exit"], "default": "start"},
    "plugin_path": {"type": "list", "elements": "path", "default": []},
}


def run(module: AnsibleModule) -> None:
    """Choose the plugins at the start and keep the choice; find it again at the end."""
    work_dir, moment = Path(module.params["work_dir"]), module.params["moment"]
    if moment == "exit":
        due = due_plugins(read_plugins(work_dir), moment)
        module.exit_json(changed=False, actions=[], plugins=due)
    roles = find_plugins(Path(module.params["built_in"]), map(Path, module.params["plugin_path"]))
    job = read_job(work_dir, missing_ok=module.check_mode)
    chosen = choose_plugins(job, roles) if job else []
    change = plan(work_dir / "plugins.json", json.dumps(chosen, indent=1) + "\n", PRIVATE)
    masker = Masker.from_file(work_dir / "secrets.json")
    module.exit_json(plugins=due_plugins(chosen, moment), **change_files(module, [change], masker))


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
