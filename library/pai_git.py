#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clone the repository that a job's plugin git names."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_git
short_description: Clone the repository that a job's plugin git names
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
  - openpai.runtime.task.position
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Clones a git repository for one task of a job, with the git of the task's image. What to clone
    stands in the list of plugins that the runtime keeps in its work directory, so that no token
    passes through Ansible's variables.
  - The clone is made beside its target, or inside it where that is an empty directory, and moved to
    its place when it is complete and at its pin. A failure leaves nothing behind.
  - Errors that may pass (a name that does not resolve, a server that answers 503) are tried again
    after 1, 2, 4, ... seconds, up to the plugin's C(max_delay). Others end the tries at once.
  - A token, or a password in the address, is given to the address's own server only. It appears in
    no process's arguments or environment, in no log, and not in the clone.
options:
  log_dir:
    description: The directory of the task's logs. Every try is one line in its C(runtime.log).
    type: path
    required: true
attributes:
  check_mode:
    description: Says what would be cloned, and asks no server.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: A clone of the same address at the same pin stays as it is.
    support: full
"""

EXAMPLES = r"""
- name: Clone the repository of the job's second plugin
  openpai.runtime.pai_git:
    work_dir: /usr/local/pai/runtime.d
    log_dir: /usr/local/pai/logs
    position: 1
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: ["clone https://example.org/model.git into /usr/local/pai/code"]
clone_dir:
  description: The directory of the clone.
  returned: success
  type: str
  sample: /usr/local/pai/code
commit:
  description: The commit that is checked out; empty where nothing is cloned yet.
  returned: success
  type: str
  sample: 5f8ad6e9d7c0d5e7ef51ee2ef0b2d3a2b21b0d51
exit_code:
  description: The exit code of git; 1 where the clone failed before or after git ran.
  returned: when the clone has failed; not where the job's parameters are refused
  type: int
  sample: 128
"""

import os
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai import process_env
from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.git import Git
from ..module_utils.pai.git_clone import Cloner, existing_commit
from ..module_utils.pai.git_place import is_free
from ..module_utils.pai.git_request import GitRequest, read_request
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.plugin_entry import NotWrittenYetError, job_directory, read_entry
from ..module_utils.pai.shell import RuntimeLogWriter, container_umask

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "log_dir": {"type": "path", "required": True},
    "position": {"type": "int", "required": True},
}


def run(module: AnsibleModule) -> None:
    """Read what the job asks for, do it, and tell it without secrets."""
    work_dir = Path(module.params["work_dir"])
    try:
        entry = read_entry(work_dir, module.params["position"])
        environment = process_env.read(work_dir / "process_env.nul")
        request = read_request(entry, work_dir, job_directory(environment))
    except NotWrittenYetError as error:
        if not module.check_mode:
            raise
        actions = [f"clone what the job asks for, once {error.path} is written"]
        module.exit_json(changed=True, actions=actions, clone_dir="", commit="")
    job, login = Masker.from_file(work_dir / "secrets.json"), Masker([request.address.password])

    def masked(text: object) -> str:
        return job.text(login.text(f"{text}"))

    try:
        action, commit = perform(
            module, request, environment, lambda text: masked(f"{entry.label}: {text}")
        )
    except RuntimeConfigError as error:
        code, message = getattr(error, "exit_code", 1), masked(f"{entry.label}: {error}")
        module.fail_json(msg=message, changed=False, actions=[], exit_code=code)
    actions = [masked(action)] if action else []
    place = masked(request.clone_dir)
    module.exit_json(changed=bool(actions), actions=actions, clone_dir=place, commit=commit)


def perform(
    module: AnsibleModule,
    request: GitRequest,
    environment: dict[str, str],
    line: Callable[[str], str],
) -> tuple[str, str]:
    """Clone where nothing is yet; return what that is in words, and the commit that is there.

    ``line`` makes of a text what runtime.log may show.
    """
    work_dir, log_dir = Path(module.params["work_dir"]), Path(module.params["log_dir"])
    free = is_free(request.clone_dir)
    action = f"clone {request.address.url} into {request.clone_dir}" if free else ""
    if free and module.check_mode:
        return action, ""
    git = Git.find(environment, container_umask(work_dir))
    if not free:
        return action, existing_commit(git, request)
    login = git.knowing(request.address, work_dir / "state")
    with RuntimeLogWriter(log_dir, os.environ.get("RUNTIME_LOG_PIPE")) as log, login as knowing:
        return action, Cloner(knowing, request, lambda text: log.line(line(text))).clone()


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
