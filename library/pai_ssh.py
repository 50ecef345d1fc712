#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write keys, host certificate and configurations for ssh into and between a job's containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_ssh
short_description: Write what ssh into and between the containers of a job needs
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Writes the files of one task into a private directory, C(ssh) in the work directory. Where sshd
    would refuse keys there, since others may write to a directory above it, that is
    C(.pai-ssh-JOB-TASK) in the home directory.
  - The containers of a job derive the job's user key and the authority over its host keys from a
    secret that they share. The authority signs this task's own host key and is discarded; clients
    trust what it has signed and nothing else.
  - A marked C(Include) line at the top of C(~/.ssh/config) brings in the names of the job's tasks.
    Nothing below C(/etc) is changed.
  - What the job asks for stands in the list of plugins that the runtime keeps in its work
    directory, so that no key passes through Ansible's variables.
options:
  certificate_days:
    description:
      - For how many days a host certificate is valid. A run after half of that time renews it.
    type: int
    default: 30
  framework:
    description:
      - The Framework object that the job came from. Without one all tasks are on this machine, and
        a secret that is missing is made for them.
    type: path
  home:
    description: The home directory whose C(.ssh) is set up. By default the user's.
    type: path
  position:
    description: The place of this use in the job's list of plugins, counted from 0.
    type: int
  secret_file:
    description:
      - A file of 32 or more random bytes, the same in all containers of the job and readable by
        nobody else.
    type: path
  state:
    description:
      - With V(present) the files are there. With V(absent) the private directory is not, and
        C(~/.ssh) is as it was.
    type: str
    choices: [present, absent]
    default: present
  user_secrets:
    description:
      - The file C(userExtensionSecrets.yaml) with C(jobSSH) and C(sshKeys), if there is one.
    type: path
attributes:
  check_mode:
    description: Says which files would be written.
    support: full
  diff_mode:
    description: Shows public files only.
    support: partial
  idempotent:
    description: The host key stays for one attempt of the task, and its certificate with it.
    support: full
"""

EXAMPLES = r"""
- name: Write the files of the job's first plugin
  openpai.runtime.pai_ssh:
    work_dir: /usr/local/pai/runtime.d
    position: 0
    user_secrets: /usr/local/pai/user-extension-secrets/userExtensionSecrets.yaml

- name: Remove them again
  openpai.runtime.pai_ssh:
    work_dir: /usr/local/pai/runtime.d
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [write job_key, write sshd_config, write ssh_config]
aliases:
  description: How many names of tasks can be reached by ssh.
  returned: success
  type: int
  sample: 4
barrier:
  description: Whether the job asks for a barrier and can have one.
  returned: success
  type: bool
  sample: true
directory:
  description: The private directory; empty where the job is not known yet.
  returned: success
  type: str
  sample: /usr/local/pai/runtime.d/ssh
left_out:
  description: What cannot work, and why, in words. The same texts are warnings.
  returned: success
  type: list
  elements: str
  sample: ["not reachable by ssh: worker-3: its host is not known yet"]
port:
  description: The port of this task's sshd; 0 where it has none.
  returned: success
  type: int
  sample: 39080
serves:
  description: Whether somebody may log in, so that an sshd is needed.
  returned: success
  type: bool
  sample: true
"""

import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai import process_env
from ..module_utils.pai.files import PUBLIC, FileChange, make_private, plan
from ..module_utils.pai.job.model import Job
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import change_files, guarded
from ..module_utils.pai.plugin_entry import NotWrittenYetError, read_entry
from ..module_utils.pai.ssh.files_plan import Planner
from ..module_utils.pai.ssh.job_secret import JobKeys, Sources, find_keys, local_secret
from ..module_utils.pai.ssh.place import Account, private_directory
from ..module_utils.pai.ssh.user_files import locked, plan_absent, plan_present
from ..module_utils.pai.ssh.user_secrets import UserSecrets, read_user_secrets
from ..module_utils.pai.ssh.wish import Wish
from ..module_utils.pai.work_dir import read_job

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "certificate_days": {"type": "int", "default": 30},
    "framework": {"type": "path"},
    "home": {"type": "path"},
    "position": {"type": "int"},
    "secret_file": {"type": "path", "no_log": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "user_secrets": {"type": "path", "no_log": False},
}
REQUIRED_IF = [("state", "present", ["position"])]
NOTHING = {"aliases": 0, "barrier": False, "directory": "", "left_out": [], "port": 0}


def run(module: AnsibleModule) -> None:
    """Do what the state asks for."""
    work_dir = Path(module.params["work_dir"])
    absent = module.params["state"] == "absent"
    job = read_job(work_dir, missing_ok=absent or module.check_mode)
    if job is None:
        actions = [] if absent else ["write the files of ssh, once job.json is written"]
        result = {**NOTHING, "serves": not absent}
        module.exit_json(changed=bool(actions), actions=actions, **result)
    account = Account.current(module.params["home"])
    directory = private_directory(work_dir, job, account)
    if absent:
        remove(module, account.home / ".ssh", directory)
    else:
        write(module, job, account, directory)


def write(module: AnsibleModule, job: Job, account: Account, directory: Path) -> None:
    """Plan all files and write them."""
    work_dir, ssh_dir = Path(module.params["work_dir"]), account.home / ".ssh"
    try:
        entry = read_entry(work_dir, module.params["position"])
    except NotWrittenYetError:
        if not module.check_mode:
            raise
        actions = ["write the files of ssh, once plugins.json is written"]
        module.exit_json(changed=True, actions=actions, **NOTHING, serves=True)
    user_secrets = read_user_secrets(path_of(module, "user_secrets"))
    wish = Wish.read(entry, user_secrets)
    actions: list[str] = []
    job_keys = shared_keys(module, job, user_secrets, actions) if wish.jobssh else None
    if not module.check_mode:
        make_private(directory)
    files = Planner(job, account, directory, work_dir, module.params["certificate_days"]).plan(
        wish, job_keys
    )
    if files.job_key and not module.check_mode:
        make_private(ssh_dir)
    with locked(ssh_dir):
        changes = list(files.changes)
        if files.job_key:
            changes += plan_present(ssh_dir, directory, files.job_key)
        result = change(module, changes, actions)
    for warning in files.warnings:
        module.warn(f"{entry.label}: {warning}")
    result.update(aliases=len(files.material.aliases), barrier=files.barrier, port=files.port or 0)
    result.update(directory=str(directory), left_out=list(files.warnings), serves=files.serves)
    module.exit_json(**result)


def shared_keys(
    module: AnsibleModule, job: Job, user_secrets: UserSecrets, actions: list[str]
) -> JobKeys:
    """Return the job's keys; a secret that has to be made for them is kept."""
    work_dir = Path(module.params["work_dir"])
    sources = Sources(
        file=path_of(module, "secret_file"),
        job_key=user_secrets.job_key,
        job_key_place=f"jobSSH.key of {user_secrets.source}",
        local=None if module.params["framework"] else local_secret(work_dir),
    )
    environment = process_env.read(work_dir / "process_env.nul")
    found = find_keys(job, sources, environment, keep=not module.check_mode)
    if found.is_new:
        actions.append("write ssh-secret")
    return found


def remove(module: AnsibleModule, ssh_dir: Path, directory: Path) -> None:
    """Take everything away again."""
    actions: list[str] = []
    with locked(ssh_dir):
        job_key = plan(directory / "job_key", None).before
        result = change(module, plan_absent(ssh_dir, directory, job_key), actions)
    if directory.exists():
        result["actions"].append(f"remove {directory}")
        result["changed"] = True
        if not module.check_mode:
            shutil.rmtree(directory)
    module.exit_json(**result, **NOTHING, serves=False)


def change(module: AnsibleModule, changes: list[FileChange], actions: list[str]) -> dict[str, Any]:
    """Write what has changed; return the result, with diffs of public files only."""
    due = [one for one in changes if one.changed]
    result = change_files(module, due, Masker([]))
    if "diff" in result:
        result["diff"] = [one.diff(Masker([])) for one in due if one.mode == PUBLIC]
    result["actions"] = [*actions, *result["actions"]]
    result["changed"] = bool(result["actions"])
    return result


def path_of(module: AnsibleModule, name: str) -> Path | None:
    """Return a parameter that may be empty as a path."""
    return Path(module.params[name]) if module.params[name] else None


def main() -> None:
    """Run the module."""
    guarded(
        AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True),
        run,
    )


if __name__ == "__main__":
    main()
