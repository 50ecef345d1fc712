#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out which storages a job gets, and write them down for the mounts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_storage
short_description: Find out which storages a job gets
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
  - openpai.runtime.task.position
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Looks up the storages that one use of the plugin storage or teamwise_storage asks for, and
    writes what is to be mounted into a private file, which M(openpai.runtime.pai_mount) reads. So
    no password passes through Ansible's variables.
  - What is asked for stands in the list of plugins that the runtime keeps in its work directory,
    and in C(extras.storages) of the job.
  - Storage configs and servers come from a file, or from the secrets C(storage-config) and
    C(storage-server) that a PAI cluster keeps in the namespace C(pai-storage). Which of them may be
    used says E(STORAGE_CONFIGS) of the container's environment.
  - The secrets of the storages that are used are masked from then on wherever the runtime writes
    text, as the job's own are.
options:
  kubernetes:
    description:
      - Whether the cluster's API is asked for its secrets. With V(auto) it is where there is a
        token of a service account and O(storage_file) is not given. It is asked only when the job
        names a storage that is to be looked up.
    type: str
    choices: [auto, "yes", "no"]
    default: auto
  service_account:
    description: The directory with the token of the pod's service account and C(ca.crt).
    type: path
    default: /var/run/secrets/kubernetes.io/serviceaccount
  state:
    description:
      - With V(present) the file is there. With V(absent) it is not; call
        M(openpai.runtime.pai_mount) before, which needs it.
    type: str
    choices: [present, absent]
    default: present
  storage_file:
    description: A YAML or JSON file with C(servers) and C(configs), an absolute path.
    type: path
  timeout:
    description: How many seconds the API may take.
    type: float
    default: 10
attributes:
  check_mode:
    description: Looks up the storages and writes nothing.
    support: full
  diff_mode:
    description: Shows what is to be mounted, without secrets.
    support: full
  idempotent:
    description: The same storages give the same file.
    support: full
"""

EXAMPLES = r"""
- name: Find out which storages the job's first plugin gets
  openpai.runtime.pai_storage:
    work_dir: /usr/local/pai/runtime.d
    position: 0
    storage_file: /etc/pai/storage.yml
  register: storages

- name: Mount them
  openpai.runtime.pai_mount:
    file: "{{ storages.file }}"
    state_dir: "{{ storages.directory }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [write position-0.json]
count:
  description: How many mounts the file holds.
  returned: success
  type: int
  sample: 2
directory:
  description: The private directory of everything about storage.
  returned: success
  type: str
  sample: /usr/local/pai/runtime.d/storage
file:
  description: The file with what is to be mounted.
  returned: success
  type: str
  sample: /usr/local/pai/runtime.d/storage/position-0.json
left_out:
  description: What is not mounted though it was asked for, and why. The same texts are warnings.
  returned: success
  type: list
  elements: str
  sample:
    - >-
      storageConfigNames[1]: there is no storage config 'old' in storage file /etc/pai/storage.yml;
      write one of: new
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.files import PRIVATE, make_private, plan
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import change_files, guarded
from ..module_utils.pai.plugin_entry import NotWrittenYetError, read_entry
from ..module_utils.pai.storage import lookup
from ..module_utils.pai.work_dir import read_job

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "kubernetes": {"type": "str", "choices": ["auto", "yes", "no"], "default": "auto"},
    "position": {"type": "int", "required": True},
    "service_account": {
        "type": "path",
        "default": "/var/run/secrets/kubernetes.io/serviceaccount",
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "storage_file": {"type": "path"},
    "timeout": {"type": "float", "default": 10},
}


def run(module: AnsibleModule) -> None:
    """Do what the state asks for."""
    work_dir, position = Path(module.params["work_dir"]), module.params["position"]
    file = lookup.request_file(work_dir, position)
    result: dict[str, Any] = {"count": 0, "directory": str(file.parent), "file": str(file)}
    if module.params["state"] == "absent":
        result.update(change_files(module, [plan(file, None, PRIVATE)], Masker([])))
        result.pop("diff", None)
        module.exit_json(**result, left_out=[])
    try:
        entry = read_entry(work_dir, position)
    except NotWrittenYetError as error:
        if not module.check_mode:
            raise
        actions = [f"look up the job's storages, once {error.path} is written"]
        module.exit_json(changed=True, actions=actions, left_out=[], **result)
    try:
        found = present(module, entry)
    except RuntimeConfigError as error:
        raise type(error)(f"{entry.label}: {error}") from error
    module.exit_json(**{**result, **found})


def present(module: AnsibleModule, entry: Any) -> dict[str, Any]:
    """Look up what is asked for and write it down; return the result."""
    params, work_dir = module.params, Path(module.params["work_dir"])
    given = lookup.Lookup(
        file=Path(params["storage_file"]) if params["storage_file"] else None,
        kubernetes=params["kubernetes"],
        account=Path(params["service_account"]),
        seconds=params["timeout"],
    )
    job = read_job(work_dir, missing_ok=False)
    found = lookup.wanted(entry, job, work_dir, given)
    planned = lookup.plan_files(work_dir, entry.position, found.requests)
    if not module.check_mode:
        make_private(planned.requests.path.parent)
    result = change_files(module, planned.changes, planned.masker)
    if "diff" in result:
        result["diff"] = planned.diff()
    left_out = [planned.masker.text(warning) for warning in found.warnings]
    for warning in left_out:
        module.warn(f"{entry.label}: {warning}")
    return {**result, "count": len(found.requests), "left_out": left_out}


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
