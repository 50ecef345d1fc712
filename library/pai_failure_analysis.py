#!/usr/bin/python
# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain how a task of a job ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pai_failure_analysis
short_description: Explain how a task of a job ended
version_added: "0.1.0"
extends_documentation_fragment:
  - openpai.runtime.task.linux
description:
  - Reads how the task ended, searches its logs for known failures, chooses the one that is the
    reason, and writes an explanation. That is C(exit.json) for programs, a termination message for
    people and for the cluster, and of a failure the page C(failure.html) for a browser.
  - Also with damaged or missing files there is a verdict; what could not be used, and a place that
    could not be written, is told as a warning. It fails where nothing at all could be written.
  - A task of a job of several that another one's end has pulled down waits up to 2 seconds for the
    exit records of the others, and names the one that failed first. Records come over ssh, where
    the plugin C(ssh) runs, and from O(records_dir). A failure with a cause of its own is pushed to
    some others.
  - The values of C(secrets.json) in the work directory are masked in all that is written or
    returned.
options:
  catalogue:
    description:
      - Directory of the failure catalogue. Every C(*.yml) in it is read, in the order of the names.
    type: path
    required: true
  log_dir:
    description:
      - Log directory of the task. C(user-all/current) and C(runtime.log) in it are searched, and
        what is left of finished files of C(user-all).
      - C(exit.json), C(pai-termination-log) and, of a failure, C(failure.html) are written there.
    type: path
    required: true
  outcome:
    description: The file in which the runtime wrote how the task ended, C(outcome.json).
    type: path
    required: true
  work_dir:
    description:
      - Work directory of the task, with C(job.json) and, where the job has secrets,
        C(secrets.json).
    type: path
    required: true
  exit_spec:
    description:
      - Exit spec of the cluster or of the runtime, in YAML. It chooses the exit code.
      - An entry or pattern that cannot be used is skipped with a warning. A file that cannot be
        used counts as none.
    type: path
  mode:
    description:
      - Who chooses the exit code. The explanation is the catalogue's in every mode.
      - With V(spec) the exit spec does, and 255 stands for everything that it does not know.
      - With V(preserve) the command's own code is kept.
      - With V(catalogue) the failure catalogue does.
      - Without a value it is V(spec) where O(exit_spec) is given, otherwise V(preserve).
    type: str
    choices: [spec, preserve, catalogue]
  plugin_failures:
    description:
      - Failures of plugins at the end. The first one that is not ignored fails a task that had
        succeeded.
    type: list
    elements: dict
    default: []
    suboptions:
      exit_code:
        description: The exit code of what failed.
        type: int
        default: 1
      ignore:
        description: Whether the job says that this plugin may fail.
        type: bool
        default: false
      msg:
        description: What the plugin said about it.
        type: str
        default: ""
      plugin:
        description: The name of the plugin.
        type: str
        required: true
  records_dir:
    description:
      - A directory that all tasks of the job see. The task's exit record is written there, as
        C(JOB/ATTEMPT/ALIAS.json), and those of the others are read. It must be there.
      - With what goes over ssh that takes 2 seconds at most, at the end of a task that was told to
        stop a twelfth of its grace period if that is less.
      - What cannot be written or read is a warning, and so is a path that is not absolute.
    type: path
  termination_logs:
    description:
      - More files that get the termination message. They are written in place, so a mounted file
        or a device may be named.
      - One that cannot be written is a warning.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Tells what it would write, and writes nothing.
    support: full
  diff_mode:
    description: Returns the difference of the files in the log directory.
    support: full
  idempotent:
    description: Run again on the same files, it changes nothing.
    support: full
author:
  - OpenPAI Runtime for Ansible contributors (@openpai)
"""

EXAMPLES = r"""
- name: Explain how the task ended
  openpai.runtime.pai_failure_analysis:
    outcome: /usr/local/pai/runtime.d/outcome.json
    log_dir: /usr/local/pai/logs
    work_dir: /usr/local/pai/runtime.d
    catalogue: /opt/openpai-runtime/catalogue
    termination_logs: [/dev/termination-log]

- name: Let the exit spec of the cluster choose the exit code
  openpai.runtime.pai_failure_analysis:
    outcome: /usr/local/pai/runtime.d/outcome.json
    log_dir: /usr/local/pai/logs
    work_dir: /usr/local/pai/runtime.d
    catalogue: /opt/openpai-runtime/catalogue
    exit_spec: /usr/local/pai/runtime.d/runtime-exit-spec.yaml
"""

RETURN = r"""
exit_code:
  description: The code with which the container should end.
  type: int
  returned: success, and where nothing could be written
  sample: 226
phrase:
  description: The name of what happened.
  type: str
  returned: success, and where nothing could be written
  sample: ContainerCudaOOMKilled
report:
  description: Path of C(exit.json).
  type: str
  returned: success
  sample: /usr/local/pai/logs/exit.json
actions:
  description: What was done, or would be done in check mode, in words.
  type: list
  elements: str
  returned: always
  sample: [write exit.json, write pai-termination-log, write failure.html]
diff:
  description: Every change in the log directory, before and after, with secrets masked.
  type: list
  elements: dict
  returned: when a difference is asked for
"""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.pai.errors import RuntimeConfigError
from ..module_utils.pai.exit import message
from ..module_utils.pai.exit.analysis import Analysis, analyse
from ..module_utils.pai.exit.job_view.first_failure import is_of_several
from ..module_utils.pai.exit.outcome import read_json
from ..module_utils.pai.exit.pages import html_content, html_page
from ..module_utils.pai.exit.report import with_known_phases
from ..module_utils.pai.exit.sources import Sources
from ..module_utils.pai.exit.termination import plan_in_place
from ..module_utils.pai.files import plan
from ..module_utils.pai.masking import Masker
from ..module_utils.pai.module_result import change_files, guarded

Tell = Callable[[dict[str, Any]], list[str]]

ARGUMENTS = {
    "catalogue": {"type": "path", "required": True},
    "log_dir": {"type": "path", "required": True},
    "outcome": {"type": "path", "required": True},
    "work_dir": {"type": "path", "required": True},
    "exit_spec": {"type": "path"},
    "mode": {"type": "str", "choices": ["spec", "preserve", "catalogue"]},
    "plugin_failures": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "exit_code": {"type": "int", "default": 1},
            "ignore": {"type": "bool", "default": False},
            "msg": {"type": "str", "default": ""},
            "plugin": {"type": "str", "required": True},
        },
    },
    "records_dir": {"type": "path"},
    "termination_logs": {"type": "list", "elements": "path", "default": []},
}


def sources(given: dict[str, Any]) -> Sources:
    """Return what is to be read, from the module's parameters."""
    return Sources(
        outcome=Path(given["outcome"]),
        log_dir=Path(given["log_dir"]),
        work_dir=Path(given["work_dir"]),
        catalogue=Path(given["catalogue"]),
        exit_spec=Path(given["exit_spec"]) if given["exit_spec"] else None,
        mode=given["mode"],
        plugin_failures=tuple(given["plugin_failures"]),
    )


def run(module: AnsibleModule) -> None:
    """Analyse, write what changed, and tell what could not be read or written."""
    given = module.params
    report = Path(given["log_dir"]) / "exit.json"
    known = read_json(report, [])
    analysis, tell = of_job(module, analyse(sources(given)), known)
    verdict = {"exit_code": analysis.report["exitCode"], "phrase": analysis.report["phrase"]}
    text = message.render(analysis.report)
    # First those that the cluster reads: the log directory may be what is broken.
    written = [write_in_place(module, Path(path), text) for path in given["termination_logs"]]
    content = with_known_phases(analysis.report, known)
    written[:0] = [
        write(module, report, json.dumps(content, indent=1) + "\n", analysis.masker),
        write(module, report.with_name("pai-termination-log"), text, analysis.masker),
        write(module, report.with_name("failure.html"), page(content, analysis), analysis.masker),
    ]
    untold = [] if module.check_mode else tell(content)
    unwritten = [one["problem"] for one in written if one.get("problem")]
    for problem in (*analysis.problems, *untold, *unwritten):
        module.warn(analysis.masker.text(problem))
    if len(unwritten) == len(written):
        words = analysis.masker.text("; ".join(unwritten))
        module.fail_json(f"the end is not told: {words}", changed=False, actions=[], **verdict)
    actions = [action for one in written for action in one["actions"]]
    result = {"changed": bool(actions), "actions": actions, "report": str(report), **verdict}
    if module._diff:
        result["diff"] = [part for one in written for part in one.get("diff", [])]
    module.exit_json(**result)


def of_job(
    module: AnsibleModule, analysis: Analysis, known: dict[str, Any]
) -> tuple[Analysis, Tell]:
    """Return the analysis with what other tasks' ends explain, and what tells them of this one."""
    given, work_dir = module.params, Path(module.params["work_dir"])
    if not is_of_several(read_json(work_dir / "job.json", [])):
        return analysis, lambda _content: []
    # 12 ms, which a task that is alone need not take
    from ..module_utils.pai.exit.job_view import job_end, job_places

    records, unusable = job_places.records_dir(given["records_dir"], work_dir)
    analysis = dataclasses.replace(analysis, problems=(*analysis.problems, *unusable))
    places = job_places.Places(work_dir, Path(given["outcome"]), records, dict(os.environ))
    member = job_end.find_member(analysis.report, places)
    if member is None:
        return analysis, lambda _content: []
    report, problems = job_end.completed(
        analysis.report, member, known, analysis.masker, module.check_mode
    )
    problems = [*analysis.problems, *problems]
    return dataclasses.replace(analysis, report=report, problems=tuple(problems)), member.tell_all


def page(content: dict[str, object], analysis: Analysis) -> bytes | None:
    """Return the page for people, of a failure only: after a success there must be none.

    The phases of the end are not in it: they are not known when it is first written.
    """
    if not content["exitCode"]:
        return None
    told = {**content, "phases": analysis.report["phases"]}
    return html_page.render(html_content.of_report(told, analysis.excerpts))


def write(
    module: AnsibleModule, path: Path, content: str | bytes | None, masker: Masker
) -> dict[str, Any]:
    """Put the content at ``path``, None for no file; return what was done, or the problem."""
    try:
        return change_files(module, [plan(path, content)], masker)
    except RuntimeConfigError as error:
        return {"actions": [], "problem": str(error)}


def write_in_place(module: AnsibleModule, path: Path, text: bytes) -> dict[str, Any]:
    """Do the same for a file, device or pipe that must stay the one it is."""
    planned = plan_in_place(path, text)
    problem = planned.problem if module.check_mode else planned.write()
    done = planned.changed and not problem
    return {"actions": [f"write {path}"] if done else [], "problem": problem}


def main() -> None:
    """Run the module."""
    guarded(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
