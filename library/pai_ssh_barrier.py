#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the other tasks of a job can be reached over ssh, or tell them of this task's end."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_ssh_barrier
short_description: Wait until every other task of a job answers over ssh
version_added: 0.1.0
extends_documentation_fragment:
  - openpai.runtime.task
  - openpai.runtime.task.linux
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Waits until every other task of the job answers, first with the banner of its sshd, then with a
    real login whose host key is verified. Failed attempts are repeated after 0.2 to 5 seconds, with
    jitter.
  - Only the job's first task probes all others. These ask it, over ssh, for the file
    C(state/ssh_barrier.done) in its work directory, which it writes when all are ready, and probe
    by themselves when it is gone. It is gone when it has ended, when it does not answer 5 times in
    a row after it had, or when it has not answered at all for 2 minutes.
  - A task that ends leaves its exit record, as the role failure_analysis describes it, in
    C(ssh/marks) of the work directory of some others, namely the first task of each role and its
    two neighbours. A failure is always told, other ends where a task may wait. A task that failed
    before it was ready ends the barrier at once; one that had been ready counts as ready.
  - A peer's session script, which M(openpai.runtime.pai_ssh) writes, prints these files by itself,
    without a shell of the user's. A mark goes where C(PAI_RUNTIME_WORK_DIR) of the peer's ssh
    sessions says.
options:
  log_dir:
    description: The directory of the task's logs. Progress is told in its C(runtime.log).
    type: path
    required: true
  ssh_config:
    description:
      - The client configuration that knows the peers by their aliases.
      - By default C(ssh/ssh_config) in O(work_dir).
    type: path
  state:
    description:
      - With V(passed), wait until every other task answers.
      - With V(ended), tell the others that this task has ended and how, as C(exit.json) in
        O(log_dir) says, or C(outcome.json) in O(work_dir) where that was not written. That takes 2
        seconds at most. It is no failure if a peer cannot be told.
    type: str
    choices: [passed, ended]
    default: passed
  timeout:
    description: Minutes until the barrier gives up, with exit code 249.
    type: float
    default: 30
attributes:
  check_mode:
    description: Says what would be waited for, or who would be told, and asks nobody.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: A barrier that is passed is passed for this attempt of the task.
    support: full
"""

EXAMPLES = r"""
- name: Wait for the other tasks
  openpai.runtime.pai_ssh_barrier:
    work_dir: /usr/local/pai/runtime.d
    log_dir: /usr/local/pai/logs
    timeout: 10

- name: Tell the other tasks that this one has ended
  openpai.runtime.pai_ssh_barrier:
    work_dir: /usr/local/pai/runtime.d
    log_dir: /usr/local/pai/logs
    state: ended
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
  sample: ["wait for 3 other tasks"]
left_out:
  description: The tasks that cannot be waited for, or told, and why.
  returned: success
  type: list
  elements: str
  sample: ["worker-3: its host is not known"]
exit_code:
  description: V(249) where the barrier was not passed.
  returned: when the barrier was not passed
  type: int
  sample: 249
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.exit.job_view.exit_record import ExitRecord, moment, of_report
from ..module_utils.pai.exit.outcome import read_json as read_object
from ..module_utils.pai.module_result import guarded
from ..module_utils.pai.shell import RuntimeLogWriter
from ..module_utils.pai.ssh.barrier import Barrier
from ..module_utils.pai.ssh.barrier_end import push_end_mark
from ..module_utils.pai.ssh.barrier_limits import BarrierError, Limits
from ..module_utils.pai.ssh.barrier_marks import PASSED, Marks
from ..module_utils.pai.ssh.barrier_peers import Peers, find_peers
from ..module_utils.pai.ssh.barrier_progress import by_cause
from ..module_utils.pai.ssh.probe_login import Client
from ..module_utils.pai.work_dir import read_job, read_json

ARGUMENTS = {
    "work_dir": {"type": "path", "required": True},
    "log_dir": {"type": "path", "required": True},
    "ssh_config": {"type": "path"},
    "state": {"type": "str", "choices": ["passed", "ended"], "default": "passed"},
    "timeout": {"type": "float", "default": 30},
}


def run(module: AnsibleModule) -> None:
    """Do what the state asks for, and tell it."""
    work_dir = Path(module.params["work_dir"])
    job = read_job(work_dir, missing_ok=module.check_mode)
    if job is None:
        actions = ["wait for the other tasks, once job.json is written"]
        module.exit_json(changed=True, actions=actions, left_out=[])
    peers = find_peers(job)
    marks = Marks(work_dir, os.environ.get("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", ""))
    perform = tell_end if module.params["state"] == "ended" else wait
    try:
        actions = perform(module, peers, marks)
    except BarrierError as error:
        module.fail_json(msg=str(error), changed=False, actions=[], exit_code=error.exit_code)
    left_out = [f"{peer.alias}: {peer.missing}" for peer in peers.left_out]
    module.exit_json(changed=bool(actions), actions=actions, left_out=left_out)


def find_client(module: AnsibleModule) -> Client:
    """Return ssh with the configuration that knows the peers."""
    default = Path(module.params["work_dir"], "ssh", "ssh_config")
    return Client.find(Path(module.params["ssh_config"] or default), os.environ)


def wait(module: AnsibleModule, peers: Peers, marks: Marks) -> list[str]:
    """Wait for the others, unless that was done in this attempt; return what was done."""
    if marks.passed.exists():
        return []
    actions = [f"wait for {len(peers.others)} other tasks"] if peers.others else []
    if module.check_mode:
        return actions
    log_dir, pipe = Path(module.params["log_dir"]), os.environ.get("RUNTIME_LOG_PIPE")
    with RuntimeLogWriter(log_dir, pipe) as log:

        def say(text: str) -> None:
            log.line(f"ssh barrier: {text}")

        if peers.left_out:
            say(f"left out: {by_cause({one.alias: one.missing for one in peers.left_out})}")
        if peers.others:
            limits = Limits(module.params["timeout"] * 60)
            Barrier(peers.own.alias, find_client(module), marks, limits, say).wait(peers)
    marks.write(marks.passed, PASSED)
    return actions


def tell_end(module: AnsibleModule, peers: Peers, marks: Marks) -> list[str]:
    """Tell some of the others how this task has ended, once; return what was done."""
    if not module.check_mode:
        marks.drop(peers.own.alias)  # whoever asks after a new start asks one that has not ended
    outcome = read_json(Path(module.params["work_dir"], "outcome.json"), dict)
    if outcome is None or marks.told.exists():
        return []
    mark = own_record(module, peers, marks, outcome)
    told = peers.near if mark.failed else peers.tell
    heard = [peer.alias for peer in told]
    if told and not module.check_mode:
        heard = push_end_mark(find_client(module), marks, mark, told)
        marks.write(marks.told, str(mark))
    return [f"tell {', '.join(heard)} that {mark}"] if heard else []


def own_record(
    module: AnsibleModule, peers: Peers, marks: Marks, outcome: dict[str, Any]
) -> ExitRecord:
    """Return what exit.json says of this end; where it says nothing, what outcome.json does."""
    failed_at = moment(Path(module.params["work_dir"], "outcome.json"), outcome.get("endedAt"))
    code, ready = int(outcome["exitCode"]), marks.passed.exists()
    report = read_object(Path(module.params["log_dir"], "exit.json"), [])
    if report.get("startedAt") != outcome.get("startedAt") or "role" not in report:
        stopped = outcome.get("stopped") is True
        return ExitRecord(
            peers.own.alias, code, ready, marks.attempt, stopped=stopped, failed_at=failed_at
        )
    return of_report(report, failed_at=failed_at, ready=ready, attempt=marks.attempt)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
