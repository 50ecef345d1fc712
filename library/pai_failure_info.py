#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which failure logs show, without a job."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_failure_info
short_description: Say which failure logs show
version_added: "0.1.0"
extends_documentation_fragment:
  - openpai.runtime.task.linux
description:
  - Searches logs of any command for the failures of the catalogue, and returns the reason, who must
    act, whether a retry may help, and what to do.
  - It needs neither a job nor the runtime's directories, and writes nothing but a cache. What
    was read of the catalogue is kept in C(__pycache__) beside it, where that can be written.
options:
  logs:
    description:
      - The logs. Of each the last 10 MiB are read closely, and 256 MiB before them for known words.
      - For a log directory of the runtime its C(user-all/current) is read, and what is left of
        finished files beside it.
    type: list
    elements: path
    required: true
  catalogue:
    description: Directory of the failure catalogue. Every C(*.yml) in it is read.
    type: path
    required: true
  exit_code:
    description:
      - How the command ended. A negative number is a signal, as launchers write it.
      - Without it only the logs are judged.
    type: int
  patterns:
    description:
      - Directory with failure patterns of the cluster. Every C(*.yml) in it is read and checked.
      - An entry that cannot be used is a warning.
    type: path
attributes:
  check_mode:
    description: Changes nothing in either mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
author:
  - OpenPAI Runtime for Ansible contributors (@openpai)
"""

EXAMPLES = r"""
- name: Say why the training ended
  openpai.runtime.pai_failure_info:
    logs: [/scratch/jobs/17/train.log]
    exit_code: 1
    catalogue: /opt/openpai-runtime/catalogue
    patterns: /etc/openpai-runtime/patterns
  register: why

- name: Start it again where that may help
  ansible.builtin.command: sbatch train.sh
  changed_when: true
  when: why.explanation.transient is true
"""

RETURN = r"""
explanation:
  description: The reason and what it rests on.
  type: dict
  returned: success
  contains:
    category:
      description: The class of the failure; V(unknown) where nothing is found.
      type: str
      sample: gpu-oom
    fault:
      description: Who must act, V(user), V(platform) or V(unknown).
      type: str
      sample: user
    transient:
      description: Whether the same job, started again, has a fair chance. None where nobody knows.
      type: bool
      sample: false
    code:
      description: The exit code that the catalogue has for it.
      type: int
      sample: 226
    phrase:
      description: The name of what happened.
      type: str
      sample: ContainerCudaOOMKilled
    confidence:
      description: How sure that is, from 0 to 1.
      type: float
      sample: 0.9
    evidence:
      description: The lines that say so, with C(file), C(line), C(text) and C(rank).
      type: list
      elements: dict
    runners_up:
      description: What else was thought of, best first; as in RV(explanation.evidence), and its
        C(category) and C(phrase).
      type: list
      elements: dict
    where:
      description: The innermost line of the user's own code in the traceback that decided.
      type: str
      sample: train.py:22
    reason:
      description: What happened, in a sentence.
      type: str
    solution:
      description: What to do.
      type: list
      elements: str
    exit_code:
      description: The exit code that was given, a signal as 128 and its number.
      type: int
lines:
  description: The same for people.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.exit.explain.explain_text import tell
from ..module_utils.pai.exit.explain.explanation import Question, explain
from ..module_utils.pai.module_result import guarded

ARGUMENTS = {
    "logs": {"type": "list", "elements": "path", "required": True},
    "catalogue": {"type": "path", "required": True},
    "exit_code": {"type": "int"},
    "patterns": {"type": "path"},
}


def run(module: AnsibleModule) -> None:
    """Explain, and tell what of the catalogue could not be used."""
    given = module.params
    logs = tuple(Path(log) for log in given["logs"])
    patterns = Path(given["patterns"]) if given["patterns"] else None
    answer = explain(Question(logs, Path(given["catalogue"]), given["exit_code"], patterns))
    for problem in answer.problems:
        module.warn(problem)
    lines = tell(answer.document, colour=False).splitlines()
    module.exit_json(changed=False, explanation=answer.document, lines=lines)


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
