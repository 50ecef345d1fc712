#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List what is mounted, and whether it works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_mount_info
short_description: List what is mounted, how full it is, and whether it works
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Lists the mounts of this machine or container. Each is asked for its size in a process of its
    own and for a limited time, so that a storage whose server is gone holds nobody up.
options:
  every:
    description: Whether file systems without data, such as C(proc) and C(cgroup), are listed, too.
    type: bool
    default: false
  mount_points:
    description:
      - Only what is mounted at these directories is listed, whatever it is. By default all storages
        are.
    type: list
    elements: path
  parallel:
    description: How many mounts are asked at once.
    type: int
    default: 4
  state_dir:
    description:
      - The directory that M(openpai.runtime.pai_mount) has, which tells what it has mounted.
    type: path
  timeout:
    description: How many seconds one mount has to answer.
    type: float
    default: 5
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: See which storages still work
  openpai.runtime.pai_mount_info:
    state_dir: /usr/local/pai/runtime.d/storage
  register: storages
"""

RETURN = r"""
mounts:
  description:
    - The mounts in the kernel's order. C(total_bytes) and C(free_bytes), what
      an ordinary user may still take, are null where C(alive) is false;
      C(problem) tells why it is. C(root) is the directory of the source that is
      seen. C(ours) tells whether M(openpai.runtime.pai_mount) has made the mount, with
      the name C(name).
  returned: success
  type: list
  elements: dict
  sample:
    - mount_point: /mnt/data
      source: nfs.example.org:/export/data
      filesystem: nfs4
      root: /
      options: [rw, relatime, vers=4.2]
      read_only: false
      total_bytes: 1099511627776
      free_bytes: 549755813888
      alive: true
      problem: ""
      ours: true
      name: data
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.storage import inventory
from ..module_utils.pai.storage.state import Store

ARGUMENTS = {
    "every": {"type": "bool", "default": False},
    "mount_points": {"type": "list", "elements": "path"},
    "parallel": {"type": "int", "default": 4},
    "state_dir": {"type": "path"},
    "timeout": {"type": "float", "default": 5},
}


def run(module: AnsibleModule) -> None:
    """Return the list."""
    params = module.params
    for name in ("parallel", "timeout"):
        if params[name] <= 0:
            raise RuntimeConfigError(f"{name}: {params[name]:g} is not above 0; give more")
    records = Store(Path(params["state_dir"])).records() if params["state_dir"] else []
    places = params["mount_points"]
    mounts = inventory.read(
        records,
        None if places is None else [Path(place) for place in places],
        every=params["every"],
        workers=params["parallel"],
        seconds=params["timeout"],
    )
    module.exit_json(changed=False, mounts=mounts)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
