#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount storages, and take away what was mounted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_mount
short_description: Mount storages, and unmount them when they are not needed any more
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Mounts storages of several types, by the mount helpers of the kernel's file systems or by FUSE
    programs. No password stands in a program's arguments.
  - What is mounted already, and works, stays as it is. What was mounted here but does not work any
    more is mounted again. Another mount, or a file, at a mount point is an error.
  - A mount counts as done when it could be read, and written unless it is read-only, through the
    mount point. For that a hidden file is written and removed.
  - Several storages are mounted at once. One that fails is undone and leaves the others. The module
    fails at the end and names all that failed.
  - At the end only what this module has mounted is unmounted, in reverse order. What is still to be
    written is written first. A mount that cannot be unmounted in an orderly way is unmounted
    lazily, with a warning.
  - Data is never deleted, neither on a server nor in a mount point.
options:
  state_dir:
    description:
      - A directory for what is to be known later about the mounts. It is made when missing, with
        mode C(0700). It has to be the same in all calls.
    type: path
    required: true
  file:
    description:
      - A JSON file with the key C(mounts), a list as in O(mounts), which
        M(openpai.runtime.pai_storage) writes.
      - With O(state=absent) a file that is missing means that there is nothing to be unmounted.
    type: path
  mounts:
    description:
      - What is to be mounted. With O(state=absent) and without O(file) and this list all that this
        module has mounted is unmounted.
    type: list
    elements: dict
    suboptions:
      mount_point:
        description: The directory where it is mounted, an absolute path. It is made when missing.
        type: str
        required: true
      mode:
        description:
          - With V(mount) programs work on the storage itself, with V(cached) on a cache that is
            written back, with V(copy) on a copy on the local disk. The copy is made when it is
            mounted, and what was changed is copied back when it is unmounted.
        type: str
        choices: [mount, cached, copy]
        default: mount
      name:
        description: How messages call it.
        type: str
        required: true
      options:
        description: Further options for the tool that mounts, as for C(mount -o).
        type: list
        elements: str
        default: []
      path:
        description:
          - The directory below the server's root. It is made when missing, unless it is to be
            mounted read-only.
        type: str
        default: ""
      place:
        description: Where it was asked for, for messages.
        type: str
      read_only:
        description: Whether it cannot be written.
        type: bool
        default: false
      server:
        description: The server, with the fields of its type. Passwords and keys are among them.
        type: dict
        default: {}
      type:
        description: The type of the storage, for example V(nfs) or V(s3).
        type: str
        required: true
  parallel:
    description: How many storages are mounted or unmounted at once.
    type: int
    default: 4
  persistent:
    description:
      - Whether the machine is to mount them by itself when it starts. RV(boot) then tells the lines
        and units that are to be written, as the role C(openpai.runtime.storage) does, and the files
        that these need stay in O(state_dir).
      - Nothing is mounted where that is not possible for one of them.
    type: bool
    default: false
  state:
    description: Whether the storages are mounted.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description:
      - How many seconds one storage may take to be mounted, and all of them together to be
        unmounted. Making a copy does not count.
    type: float
    default: 60
attributes:
  check_mode:
    description: Tells what would be done. Mounts are read only to find out whether they work.
    support: full
  diff_mode:
    description: Shows the mounts before and after.
    support: full
  idempotent:
    description: What is mounted and works stays as it is.
    support: full
"""

EXAMPLES = r"""
- name: Mount what the job asks for
  openpai.runtime.pai_mount:
    file: /usr/local/pai/runtime.d/storage/position-0.json
    state_dir: /usr/local/pai/runtime.d/storage

- name: Mount a directory of an NFS server
  openpai.runtime.pai_mount:
    mounts:
      - name: data
        type: nfs
        server:
          address: nfs.example.org
          rootPath: /export
        path: images
        mount_point: /mnt/images
        read_only: true
    state_dir: /var/lib/pai/storage

- name: Unmount all again
  openpai.runtime.pai_mount:
    state_dir: /var/lib/pai/storage
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: [mount data at /mnt/data]
boot:
  description:
    - What has to be there, or not any more (C(state)), so that the machine mounts the storages by
      itself when it starts, or does not. There is no secret in it.
    - C(fstab) are lines of C(/etc/fstab). C(units) are services of systemd for what
      FUSE programs mount. Their values are quoted as systemd wants it.
  returned: always but for refused input
  type: dict
  sample:
    fstab:
      - path: /mnt/data
        src: nfs.example.org:/export/data
        fstype: nfs4
        opts: rw,retry=0,_netdev,nofail
        state: present
    units: []
mounts:
  description:
    - What has become of each storage. C(state) is V(mounted), V(unchanged), V(repaired),
      V(unmounted) or V(failed), C(msg) tells why, and C(tool_seconds) are those
      of C(seconds) that its tool took.
  returned: always but for refused input
  type: list
  elements: dict
  sample:
    - name: data
      mount_point: /mnt/data
      source: nfs.example.org:/export/data
      filesystem: nfs4
      state: mounted
      seconds: 0.21
      tool_seconds: 0.16
      msg: ""
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.masking import SHORTEST, Masker
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.storage import boot, mountinfo
from ..module_utils.pai.storage.apply import Mounter, Ways
from ..module_utils.pai.storage.model import Request
from ..module_utils.pai.storage.outcome import Outcome, diff
from ..module_utils.pai.storage.removal import Remover
from ..module_utils.pai.storage.requests import from_dict
from ..module_utils.pai.storage.sight import make_wish
from ..module_utils.pai.storage.state import Record, Store
from ..module_utils.pai.storage.together import Bounds, failures, mount_all, unmount_all
from ..module_utils.pai.storage.tools import TOOLS
from ..module_utils.pai.storage.types import recipe_for, secret_values
from ..module_utils.pai.work_dir import read_json

MOUNT = {
    "mount_point": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": ["mount", "cached", "copy"], "default": "mount"},
    "name": {"type": "str", "required": True},
    "options": {"type": "list", "elements": "str", "default": []},
    "path": {"type": "str", "default": ""},
    "place": {"type": "str"},
    "read_only": {"type": "bool", "default": False},
    "server": {"type": "dict", "default": {}, "no_log": True},
    "type": {"type": "str", "required": True},
}
ARGUMENTS = {
    "state_dir": {"type": "path", "required": True},
    "file": {"type": "path"},
    "mounts": {"type": "list", "elements": "dict", "options": MOUNT},
    "parallel": {"type": "int", "default": 4},
    "persistent": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "timeout": {"type": "float", "default": 60},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("file", "mounts")],
    "required_if": [("state", "present", ["file", "mounts"], True)],
}


def run(module: AnsibleModule) -> None:
    """Do what the state asks for, and tell it."""
    bounds = read_bounds(module)
    requests = read_requests(module)
    present = module.params["state"] == "present"
    if requests is None and present:
        actions = [f"mount what {module.params['file']} holds, once it is written"]
        module.exit_json(changed=True, actions=actions, mounts=[], boot=boot.Boot().public())
    secrets = [value for request in requests or [] for value in secret_values(request)]
    # a whole server is secret to Ansible, which would mask each of its addresses and numbers, too
    module.no_log_values = {value for value in secrets if len(value) >= SHORTEST}
    masker = Masker(secrets)
    store = Store(Path(module.params["state_dir"]))
    told = at_boot(module, store, requests)
    if module.check_mode:
        outcomes = perform(module, store, requests, bounds, masker)
    else:
        with store.locked(bounds.seconds / 2):
            outcomes = perform(module, store, requests, bounds, masker)
    finish(module, outcomes, told)


def read_bounds(module: AnsibleModule) -> Bounds:
    """Return the limits that are given."""
    bounds = Bounds(module.params["parallel"], module.params["timeout"])
    for name, value in (("parallel", bounds.workers), ("timeout", bounds.seconds)):
        if value <= 0:
            raise RuntimeConfigError(f"{name}: {value:g} is not above 0; give more")
    return bounds


def read_requests(module: AnsibleModule) -> list[Request] | None:
    """Return what is to be mounted; None where its file does not exist, or nothing is named."""
    mounts, file = module.params["mounts"], module.params["file"]
    if file:
        content = read_json(Path(file), dict)
        if content is None:
            if module.params["state"] == "present" and not module.check_mode:
                raise RuntimeConfigError(
                    f"{file}: no such file; run openpai.runtime.pai_storage first"
                )
            return [] if module.params["state"] == "absent" else None
        mounts = content.get("mounts", [])
    if mounts is None:
        return None
    place = f"{file}: mounts" if file else "mounts"
    return [from_dict(without_none(one), f"{place}[{at}]") for at, one in enumerate(mounts)]


def without_none(value: Any) -> Any:
    """Return a mapping without the options that were not given."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def perform(
    module: AnsibleModule,
    store: Store,
    requests: list[Request] | None,
    bounds: Bounds,
    masker: Masker,
) -> list[Outcome]:
    """Mount or unmount."""
    if module.params["state"] == "present":
        ways = Ways(recipe_for, TOOLS, os.environ)
        persistent = module.params["persistent"]
        mounter = Mounter(store, ways, check=module.check_mode, persistent=persistent)
        return mount_all(requests or [], mounter, bounds, masker)
    remover = Remover(store, TOOLS, check=module.check_mode)
    return unmount_all(chosen(store, requests), remover, bounds, masker)


def at_boot(module: AnsibleModule, store: Store, requests: list[Request] | None) -> boot.Boot:
    """Return what follows for the start of the machine; refuse what cannot be persistent."""
    persistent = module.params["persistent"]
    if not persistent and not any(record.persistent for record in store.records()):
        return boot.Boot()  # without a look at any storage
    ways = Ways(recipe_for, TOOLS, os.environ)
    wishes = [make_wish(request, store, ways) for request in requests or []]
    if module.params["state"] == "absent":
        records = chosen(store, requests)
        return boot.absent(records, wishes if persistent else [], boot.fstab_text())
    if persistent:
        boot.refuse(wishes, store, mountinfo.read(), boot.fstab_text())
    return boot.present(wishes, store, persistent)


def chosen(store: Store, requests: list[Request] | None) -> list[Record]:
    """Return our mounts at the mount points of the requests; all where nothing is named."""
    if requests is None:
        return store.records()
    places = {str(request.mount_point) for request in requests}
    return [record for record in store.records() if record.mount_point in places]


def finish(module: AnsibleModule, outcomes: list[Outcome], told: boot.Boot) -> None:
    """Return the results, or fail with all failures in one line."""
    changed = [outcome for outcome in outcomes if outcome.changed]
    result: dict[str, Any] = {
        "changed": bool(changed),
        "actions": [outcome.action for outcome in changed],
        "boot": told.public(),
        "mounts": [outcome.public() for outcome in outcomes],
    }
    if module._diff:
        result["diff"] = diff(outcomes)
    for outcome in outcomes:
        for warning in outcome.warnings:
            module.warn(warning)
    failed = failures(outcomes)
    if failed:
        module.fail_json(msg=failed, **result)
    module.exit_json(**result)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, **RULES), run)


if __name__ == "__main__":
    main()
