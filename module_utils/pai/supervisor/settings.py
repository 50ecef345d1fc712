# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of pai-runtime was asked to do: options first, environment variables second."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import RuntimeConfigError
from .limits import LogLimits, log_limits, seconds

INSTALL_ROOT = Path("/usr/local/pai")
CLUSTER_EXIT_SPEC = Path("/usr/local/pai-config/runtime-exit-spec.yaml")
KUBERNETES_TERMINATION_LOG = Path("/dev/termination-log")
PAI_TERMINATION_LOG = Path("/tmp/pai-termination-log")  # noqa: S108 - the path that PAI's pods declare
EXIT_CODE_MODES = ("", "spec", "preserve", "catalogue")


class Options(NamedTuple):
    """The command line; None where an option was not given."""

    action: str  # "entrypoint", "run" or "render"
    job_file: str | None = None
    task_role: str | None = None
    task_index: str | None = None
    framework: str | None = None
    secrets: str | None = None
    work_dir: str | None = None
    log_dir: str | None = None
    termination_log: str | None = None
    exit_spec: str | None = None
    command: tuple[str, ...] = ()


class Settings(NamedTuple):
    """Everything that the supervisor needs to know; every path is absolute."""

    root: Path
    action: str
    cwd: Path
    work_dir: Path
    log_dir: Path
    job_file: Path | None
    framework: Path | None
    secrets: Path | None
    exit_spec: Path | None
    termination_log: Path | None
    task_role: str | None
    task_index: str | None
    command: tuple[str, ...]
    grace: float
    limits: LogLimits

    @property
    def outcome_file(self) -> Path:
        """What the exit playbook is told about the run."""
        return self.work_dir / "outcome.json"

    @property
    def exit_file(self) -> Path:
        """The machine-readable result."""
        return self.log_dir / "exit.json"

    @property
    def secrets_file(self) -> Path:
        """The secret values to mask, once they are known."""
        return self.work_dir / "secrets.json"

    @property
    def runtime_log(self) -> Path:
        """The log of what the runtime itself does."""
        return self.log_dir / "runtime.log"

    def variables(self) -> dict[str, str | None]:
        """Return the variables through which the playbooks learn these settings; None: not set."""
        values = {
            "PAI_RUNTIME_WORK_DIR": self.work_dir,
            "PAI_RUNTIME_LOG_DIR": self.log_dir,
            "PAI_RUNTIME_JOB_FILE": self.job_file,
            "PAI_RUNTIME_FRAMEWORK": self.framework,
            "PAI_RUNTIME_SECRETS": self.secrets,
            "PAI_RUNTIME_EXIT_SPEC": self.exit_spec,
            "PAI_RUNTIME_TERMINATION_LOG": self.termination_log,
            "PAI_RUNTIME_TASK_ROLE": self.task_role,
            "PAI_RUNTIME_TASK_INDEX": self.task_index,
            "PAI_RUNTIME_CWD": self.cwd,
            "PAI_TERMINATION_GRACE_SECONDS": f"{self.grace:.15g}",  # never 3e+06
        }
        return {name: None if value is None else str(value) for name, value in values.items()}


def find_path(text: str, cwd: Path) -> Path:
    """Return an absolute path; a home directory that is not known stays the name it is."""
    return cwd / os.path.expanduser(text)


class _Chooser(NamedTuple):
    """Picks the value of a setting: the option, else its variable, else the default."""

    options: Options
    environ: Mapping[str, str]
    cwd: Path

    def text(self, option: str) -> str | None:
        """Return the value as it was given; an empty one counts as not given."""
        given: str | None = getattr(self.options, option)
        return given or self.environ.get(f"PAI_RUNTIME_{option.upper()}") or None

    def path(self, option: str, default: Path | None = None) -> Path | None:
        """Return the value as an absolute path."""
        text = self.text(option)
        return default if text is None else find_path(text, self.cwd)

    def directory(self, option: str, default: Path) -> Path:
        """Return the value as an absolute path where there always is one."""
        return self.path(option) or default


def resolve(options: Options, environ: Mapping[str, str], root: Path, cwd: Path) -> Settings:
    """Return the settings of this run.

    Raises:
        RuntimeConfigError: the value of a variable cannot be used.
    """
    mode = environ.get("PAI_EXIT_CODE_MODE", "")
    if mode not in EXIT_CODE_MODES:
        known = ", ".join(filter(None, EXIT_CODE_MODES))
        raise RuntimeConfigError(f"PAI_EXIT_CODE_MODE={mode!r}: write one of {known}")
    choose = _Chooser(options, environ, cwd)
    container = options.action == "entrypoint"
    work, logs = _container_places(environ) if container else _own_places(choose)
    work_dir = choose.directory("work_dir", work)
    framework = _existing(container, INSTALL_ROOT / "framework.json")
    secrets = _existing(container, INSTALL_ROOT / "secrets" / "secrets.yaml")
    exit_spec = _existing(container, work_dir / CLUSTER_EXIT_SPEC.name, CLUSTER_EXIT_SPEC)
    return Settings(
        root=root,
        action=options.action,
        cwd=cwd,
        work_dir=work_dir,
        log_dir=choose.directory("log_dir", logs),
        job_file=choose.path("job_file"),
        framework=choose.path("framework", framework),
        secrets=choose.path("secrets", secrets),
        exit_spec=choose.path("exit_spec", exit_spec),
        termination_log=find_termination_log(options, environ, cwd),
        task_role=choose.text("task_role"),
        task_index=task_index(choose.text("task_index")),
        command=options.command,
        grace=seconds(environ, "PAI_TERMINATION_GRACE_SECONDS", 30.0),
        limits=log_limits(environ),
    )


def _container_places(environ: Mapping[str, str]) -> tuple[Path, Path]:
    return INSTALL_ROOT / "runtime.d", INSTALL_ROOT / "logs" / environ.get("FC_POD_UID", "")


def _own_places(choose: _Chooser) -> tuple[Path, Path]:
    """Return the work and the log directory of a task, below the current directory."""
    job = choose.path("job_file") or choose.path("framework") or Path("command")
    role = (choose.text("task_role") or "task").replace("/", "_")
    home = choose.cwd / ".pai" / job.stem / f"{role}-{task_index(choose.text('task_index')) or '0'}"
    return home / "work", home / "logs"


def _existing(wanted: bool, *candidates: Path) -> Path | None:
    return next((path for path in candidates if wanted and os.path.exists(path)), None)


def find_termination_log(options: Options, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return where the platform reads the termination message, whatever the other settings are."""
    container = options.action == "entrypoint"
    default = _platforms_termination_log(environ) if container else None
    return _Chooser(options, environ, cwd).path("termination_log", default)


def _platforms_termination_log(environ: Mapping[str, str]) -> Path | None:
    if KUBERNETES_TERMINATION_LOG.exists():
        return KUBERNETES_TERMINATION_LOG
    return PAI_TERMINATION_LOG if environ.get("FC_POD_UID") else None


def task_index(text: str | None) -> str | None:
    """Return a task index as it was given.

    Raises:
        RuntimeConfigError: it is no whole number.
    """
    if text is not None and not (text.isascii() and text.isdigit()):
        raise RuntimeConfigError(f"task index {text!r}: give a whole number from 0 up")
    return text
