# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work directory and the log directory, ready for a new attempt."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from .. import process_env
from ..errors import RuntimeConfigError
from ..replacing import replace
from .settings import Settings

LOGS = ("user-stdout", "user-stderr", "user-all")
# What we write into the log directory. Anything else there is not ours to move; init.log belongs
# to this attempt's own init container.
OURS = (
    *("runtime.log", "runtime.log.1", "exit.json", "pai-termination-log", "failure.html"),
    *("torch-error.json", *LOGS),
)
# What an earlier attempt left in the work directory, and this one must not take for its own. Its
# secrets.json stays: so they are masked from the first line on.
STALE = (
    "outcome.json",
    "facts-start.json",
    "command.nul",
    "plugins.json",
    "playbook-start.json",
    "playbook-exit.json",
    "process_env.nul",
    "runtime_env.sh",
    "runtime_env.full.sh",
    "user.sh",
)


def prepare(settings: Settings, environment: Mapping[bytes, bytes], umask: int) -> None:
    """Make both directories ready; leave there what the container was started with.

    Raises:
        RuntimeConfigError: one of them cannot be used.
    """
    try:
        _prepare_work(settings, environment, umask)
        _prepare_logs(settings)
    except OSError as error:
        raise RuntimeConfigError(
            f"{error.filename}: {error.strerror}; choose other directories with --work-dir"
            " (PAI_RUNTIME_WORK_DIR) and --log-dir (PAI_RUNTIME_LOG_DIR)"
        ) from error


def _prepare_work(settings: Settings, environment: Mapping[bytes, bytes], umask: int) -> None:
    work = settings.work_dir
    work.mkdir(parents=True, exist_ok=True)
    if (work / "ansible").is_dir() and not os.access(work / "ansible", os.W_OK):
        raise RuntimeConfigError(
            f"{work / 'ansible'}: belongs to another user; choose another directory with --work-dir"
        )
    if settings.action != "render":
        _empty_state(work)
    if (work / "container_env.nul").exists():  # else what is there is somebody else's
        _forget_earlier(work)
    replace(work / "container_env.nul", process_env.join(environment), 0o600)
    replace(work / "umask", f"{umask:04o}\n".encode(), 0o644)
    if settings.command:
        replace(work / "command.nul", process_env.encode_words(settings.command), 0o600)


def _forget_earlier(work: Path) -> None:
    for name in STALE:
        (work / name).unlink(missing_ok=True)
    # A job that is refused now must not be reported under the earlier one's name; the ports that
    # were chosen for that are to be chosen again.
    with contextlib.suppress(FileNotFoundError):
        os.replace(work / "job.json", work / "job.earlier.json")


def _empty_state(work: Path) -> None:
    """Forget what an earlier attempt did; never delete somebody else's directory 'state'."""
    state = work / "state"
    if state.is_dir() and any(state.iterdir()) and not (work / "container_env.nul").exists():
        raise RuntimeConfigError(
            f"{state} is not empty and not ours: choose another directory with --work-dir"
        )
    state.mkdir(exist_ok=True)
    for folder, folders, files in os.walk(state, topdown=False):
        for name in files:
            os.unlink(os.path.join(folder, name))
        for name in folders:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                os.unlink(path)
            else:
                os.rmdir(path)


def _prepare_logs(settings: Settings) -> None:
    logs = settings.log_dir
    ours = settings.action == "entrypoint" or not logs.exists()
    logs.mkdir(parents=True, exist_ok=True)
    if ours:  # a person's own directory keeps its mode
        _allow(logs, 0o777)
    if settings.action == "render":
        return
    _move_earlier(logs)
    for name in LOGS:
        (logs / name).mkdir(exist_ok=True)
        _allow(logs / name, 0o755)


def _allow(path: Path, mode: int) -> None:
    # Another user's directory is good enough if we can write there.
    with contextlib.suppress(PermissionError):
        path.chmod(mode)


def _move_earlier(logs: Path) -> None:
    """Move the logs of an earlier attempt into a directory of their own."""
    earlier = [logs / name for name in OURS if (logs / name).exists()]
    if not earlier:
        return
    stamp = time.strftime("prelog_%Y%m%dT%H%M%SZ", time.gmtime())
    number = 1
    while True:
        target = logs / (stamp if number == 1 else f"{stamp}_{number}")
        try:
            target.mkdir()
            break
        except FileExistsError:
            number += 1
    for path in earlier:
        path.rename(target / path.name)
