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

from ..errors import RuntimeConfigError
from .settings import Settings

LOGS = ("user-stdout", "user-stderr", "user-all")
# What we write into the log directory. Anything else there is not ours to move; init.log belongs
# to this attempt's own init container.
OURS = ("runtime.log", "exit.json", "pai-termination-log", *LOGS)
STALE = (
    "outcome.json",
    "command.nul",
    "plugins.json",
    "playbook-start.json",
    "playbook-exit.json",
)


def prepare(settings: Settings, environment: Mapping[bytes, bytes]) -> None:
    """Make both directories ready; raise RuntimeConfigError when one cannot be used."""
    try:
        _prepare_work(settings, environment)
        _prepare_logs(settings)
    except OSError as error:
        raise RuntimeConfigError(
            f"{error.filename}: {error.strerror}; choose other directories with --work-dir"
            " (PAI_RUNTIME_WORK_DIR) and --log-dir (PAI_RUNTIME_LOG_DIR)"
        ) from error


def _prepare_work(settings: Settings, environment: Mapping[bytes, bytes]) -> None:
    work = settings.work_dir
    work.mkdir(parents=True, exist_ok=True)
    if settings.action != "render":
        _empty_state(work)
    for name in STALE:
        (work / name).unlink(missing_ok=True)
    entries = [name + b"=" + value for name, value in environment.items()]
    write_private(work / "container_env.nul", b"".join(entry + b"\0" for entry in entries))
    if settings.command:
        command = b"".join(os.fsencode(word) + b"\0" for word in settings.command)
        write_private(work / "command.nul", command)


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
    logs.mkdir(parents=True, exist_ok=True)
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


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    replace(path, data, 0o600)


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put a file in place of another at once, so that no reader ever sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        fresh.rename(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
