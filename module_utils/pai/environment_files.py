# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the work directory that tell a task about its job, planned from its inputs."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from . import process_env
from .environment import fixed_variables, task_variables
from .environment_budget import LONGEST_STRING, Split, budget, size, split
from .errors import RuntimeConfigError
from .files import PRIVATE, PUBLIC, FileChange, plan
from .job.codec import encode
from .job.model import Job
from .job.sources import Inputs, load_job
from .masking import Masker, texts
from .shell_text import export_lines, full_lines, refuse_unusable
from .user_environment import definitions, may_be_secret, user_variables

TRUNCATED = "PAI_RUNTIME_ENV_TRUNCATED"
_SCRIPT = "runtime_env.sh"


@dataclasses.dataclass(frozen=True)
class EnvironmentPlan:
    """Every file's change, what a person should be told, and how many variables did not fit."""

    changes: tuple[FileChange, ...]
    warnings: tuple[str, ...]
    left_out: int
    masker: Masker


@dataclasses.dataclass(frozen=True)
class PatternSources:
    """Where failure patterns come from besides the job: a cluster's directory, the catalogue's."""

    directory: Path | None = None
    catalogue: Path | None = None


def plan_environment(
    inputs: Inputs, work_dir: Path, patterns: PatternSources | None = None
) -> EnvironmentPlan:
    """Load the job and plan its files; the container's environment is in ``work_dir`` already.

    Raises:
        RuntimeConfigError: an input is broken, or a variable of the user's is refused.
    """
    container = container_environment(work_dir)
    job = load_job(inputs, container, _known_jobs(work_dir))
    fixed = fixed_variables(job)
    users = user_variables(job, {**container, **fixed})
    fixed.update(users)
    _refuse_large(job, users, container)
    parts = split(fixed, task_variables(job), container, budget())
    refuse_unusable({**parts.exported, **parts.left_out})
    if parts.left_out:
        parts = Split({**parts.exported, TRUNCATED: "1"}, parts.left_out)
    kept, refused = _failure_patterns(job, patterns or PatternSources())
    return EnvironmentPlan(
        changes=(
            *_changes(job, parts, container, work_dir),
            plan(work_dir / "failure_patterns.json", kept),
        ),
        warnings=(*_warnings(parts, users), *refused),
        left_out=len(parts.left_out),
        masker=Masker(texts(job.secrets)),
    )


def _failure_patterns(job: Job, sources: PatternSources) -> tuple[str | None, tuple[str, ...]]:
    """Return what the end needs of failure patterns that users added, and what is not used."""
    extras = job.document.get("extras") or {}
    if extras.get("failurePatterns") is None and sources.directory is None:
        return None, ()
    # only where there are some: regular expressions take their time to import
    from .exit.patterns.user_patterns import collect

    found = collect(extras, sources.directory, sources.catalogue)
    return found.content, tuple(f"failure pattern: {problem}" for problem in found.problems)


def _known_jobs(work_dir: Path) -> tuple[Path, ...]:
    """Return where ports chosen before may stand: here, or with another task of a local job."""
    own = (work_dir / "job.json", work_dir / "job.earlier.json")
    return (*own, *sorted(work_dir.glob("../../*/work/job.json")))


def container_environment(work_dir: Path) -> dict[str, str]:
    """Return the environment that the container was started with, as pai-runtime kept it.

    Where a playbook runs without pai-runtime that is the environment of this process.
    """
    path = work_dir / "container_env.nul"
    return process_env.read(path) if path.exists() else dict(os.environ)


def _changes(
    job: Job, parts: Split, container: dict[str, str], work_dir: Path
) -> Iterator[FileChange]:
    private = any(may_be_secret(value) for _place, _name, value in definitions(job))
    mode = PRIVATE if private else PUBLIC
    secrets = json.dumps(job.secrets, default=str) if job.secrets else None
    full = full_lines(parts.exported, parts.left_out) if parts.left_out else None
    yield plan(work_dir / "secrets.json", secrets, PRIVATE)
    yield plan(work_dir / "job.json", encode(job))
    yield plan(work_dir / _SCRIPT, export_lines(parts.exported, _SCRIPT), mode)
    yield plan(work_dir / "runtime_env.full.sh", full, mode)
    environment = process_env.encode({**container, **parts.exported})
    yield plan(work_dir / "process_env.nul", environment, PRIVATE)


def _refuse_large(job: Job, users: dict[str, str], container: dict[str, str]) -> None:
    """Refuse variables of the user's with which no process could start."""
    sizes = {name: size(name, value) for name, value in {**container, **users}.items()}
    sizes = {name: taken for name, taken in sizes.items() if taken <= LONGEST_STRING}
    if sum(sizes.values()) > budget():
        largest = max(sizes, key=lambda name: sizes[name])
        raise RuntimeConfigError(
            f"job {job.name!r}: its variables and the container's take {sum(sizes.values())} "
            f"bytes, a process can be given {budget()}; make them smaller, {largest} first"
        )


def _warnings(parts: Split, users: dict[str, str]) -> Iterator[str]:
    for name in parts.left_out.keys() & users.keys():
        yield (
            f"{name} is in runtime_env.full.sh only: Linux limits one variable to "
            f"{LONGEST_STRING // 1024} KiB; put the text into a file"
        )
    if parts.left_out:
        yield (
            f"{len(parts.left_out)} of {len(parts.left_out) + len(parts.exported)} variables are "
            "in runtime_env.full.sh and job.json only: more than a process should be given "
            f"({TRUNCATED}=1 says so to the command)"
        )
