#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, reload and stop the sshd of a task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_sshd
short_description: Start or stop the sshd of a task
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Runs the image's sshd with the files that M(openpai.runtime.pai_ssh) has written, as root or as
    an ordinary user, without systemd. Its log and process id are in the same private directory.
  - sshd checks its configuration before it starts. As root it needs the directory C(/run/sshd),
    which is made where it is missing, and the user C(sshd), which the image must have.
options:
  home:
    description: The home directory that M(openpai.runtime.pai_ssh) was given.
    type: path
  state:
    description:
      - With V(started) it runs with the files as they are. It is reloaded only where one that sshd
        reads at its start has changed.
      - With V(stopped) the sshd that this module started does not run. Open sessions go on.
    type: str
    choices: [started, stopped]
    default: started
attributes:
  check_mode:
    description: Says what would be done.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: A running sshd whose files have not changed stays as it is.
    support: full
"""

EXAMPLES = r"""
- name: Start the task's sshd
  openpai.runtime.pai_sshd:
    work_dir: /usr/local/pai/runtime.d

- name: Stop it
  openpai.runtime.pai_sshd:
    work_dir: /usr/local/pai/runtime.d
    state: stopped
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [start sshd]
directory:
  description: The private directory; empty where the job is not known.
  returned: success
  type: str
  sample: /usr/local/pai/runtime.d/ssh
pid:
  description: The process id of sshd; 0 where none runs.
  returned: success
  type: int
  sample: 4711
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai import process_env
from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.ssh.place import Account, private_directory
from ..module_utils.pai.ssh.sshd import Sshd, find_sshd
from ..module_utils.pai.work_dir import read_job

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "home": {"type": "path"},
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
}


def run(module: AnsibleModule) -> None:
    """Do what the state asks for."""
    work_dir = Path(module.params["work_dir"])
    stopped = module.params["state"] == "stopped"
    job = read_job(work_dir, missing_ok=stopped or module.check_mode)
    if job is None:
        actions = [] if stopped else ["start sshd, once its files are written"]
        module.exit_json(changed=bool(actions), actions=actions, directory="", pid=0)
    account = Account.current(module.params["home"])
    directory = private_directory(work_dir, job, account)
    actions = stop(module, directory) if stopped else start(module, account, directory)
    pid = Sshd("", directory).running() or 0
    module.exit_json(changed=bool(actions), actions=actions, directory=str(directory), pid=pid)


def start(module: AnsibleModule, account: Account, directory: Path) -> list[str]:
    """Start or reload sshd where that is due; return what was done."""
    environment = process_env.read(Path(module.params["work_dir"]) / "process_env.nul")
    sshd = Sshd(find_sshd(environment), directory)
    account.require_login()
    due = sshd.due()
    if due and not module.check_mode:
        if not (directory / "sshd_config").exists():
            raise RuntimeConfigError(
                f"{directory}/sshd_config: no such file; run openpai.runtime.pai_ssh first"
            )
        sshd.perform()
    return [due] if due else []


def stop(module: AnsibleModule, directory: Path) -> list[str]:
    """Stop sshd where it runs; return what was done."""
    sshd = Sshd("", directory)
    if sshd.running() is None or not (module.check_mode or sshd.stop()):
        return []
    return ["stop sshd"]


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
