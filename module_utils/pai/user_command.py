# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""user.sh: what the task runs, from the job file, USER_CMD or the container's own command."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import process_env
from .errors import RuntimeConfigError
from .job.model import Job
from .references import context, render, uses_secrets
from .shell_text import quote

#: ``pipefail`` is not in every shell: there the option is left out, as `set` itself would end it.
_HEADER = """\
#!/bin/bash
# What this task runs, written by OpenPAI Runtime.
set -o errexit -o nounset
if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi
"""


@dataclasses.dataclass(frozen=True)
class UserScript:
    """The script's text, and whether it holds a secret."""

    text: str
    has_secrets: bool


def user_script(job: Job, environment: Mapping[str, str], command: Sequence[str]) -> UserScript:
    """Return the script: of ``command`` (argv) where given, else of USER_CMD, else of the job.

    Raises:
        RuntimeConfigError: there is nothing to run.
    """
    if command:
        words = " ".join(quote(word) for word in command)
        return UserScript(f"#!/bin/sh\nexec {words}\n", has_secrets=False)
    finished = environment.get("USER_CMD", "").strip()
    if finished:  # all but the secrets is rendered in it already
        return _script(finished, {"secrets": job.secrets})
    commands = _commands(job)
    if not commands:
        raise RuntimeConfigError(
            f"job {job.name!r}: nothing to run; give a job file, USER_CMD or '-- COMMAND'"
        )
    return _script(commands, context(job))


def container_command(work_dir: Path) -> list[str]:
    """Return the command that stood behind ``--``, as pai-runtime kept it; empty without one."""
    path = work_dir / "command.nul"
    if not path.exists():
        return []
    return process_env.decode_words(path.read_bytes())


def _script(text: str, values: Mapping[str, object]) -> UserScript:
    return UserScript(_HEADER + render(text, values) + "\n", uses_secrets(text))


def _commands(job: Job) -> str:
    """Return the role's commands with those of the active deployment around them."""
    document, role = job.document, job.current_role
    active = (document.get("defaults") or {}).get("deployment")
    deployments = {item["name"]: item for item in document.get("deployments") or []}
    around = ((deployments.get(active) or {}).get("taskRoles") or {}).get(role) or {}
    parts = [
        *(around.get("preCommands") or []),
        *document["taskRoles"][role]["commands"],
        *(around.get("postCommands") or []),
    ]
    return "\n".join(part.strip() for part in parts if part.strip())
