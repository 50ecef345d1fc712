# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that stay while a mount is there: started, watched and ended by a later process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...processes import start_time
from . import programs
from .tool import Facts, MountError

LOG = "tool.log"
#: Who the daemon is, for a mount that was interrupted before it returned its facts.
_FACTS = "daemon.json"
_PAUSE = 0.02  # seconds


def start(
    name: str,
    words: Sequence[str],
    private: Path,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start a program with a session of its own; it says what it says into the log."""
    log = os.open(private / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            list(words),
            cwd="/",
            env=programs.environment_for(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,  # of the caches; who may see the mount itself is an option
        )
    except OSError as error:
        raise MountError(f"{name} cannot be started: {error.strerror}") from error
    finally:
        os.close(log)
    _write(private, facts_of(process.pid))
    return process


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    private: Path,
    deadline: float,
    secrets: Iterable[str],
    name: str,
) -> None:
    """Wait until the daemon has done its work.

    Raises:
        MountError: it has ended, or its time was over. It is killed then.
    """
    while not ready():
        code = process.poll()
        if code is None and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            continue
        programs.end(process)
        said = programs.quote_file(private / LOG, secrets)
        raise programs.failed(name, programs.Ended(code, said))


def facts_of(pid: int) -> dict[str, Any]:
    """Return what tells a process from a later one with the same number."""
    return {"pid": pid, "started": start_time(pid)}


def recalled(facts: Facts, private: Path) -> Facts:
    """Return the facts, or where there are none those that the daemon's start wrote down."""
    if facts.get("pid"):
        return facts
    try:
        found = json.loads((private / _FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def alive(facts: Facts) -> bool:
    """Return whether the daemon still runs."""
    started = facts.get("started")
    return bool(facts.get("pid")) and started is not None and start_time(facts["pid"]) == started


def gone(facts: Facts, deadline: float) -> bool:
    """Wait for the daemon's own end; False where it still runs at the deadline."""
    while alive(facts):
        with contextlib.suppress(ChildProcessError):  # the child of another process of ours
            os.waitpid(facts["pid"], os.WNOHANG)
        if time.monotonic() >= deadline:
            return not alive(facts)
        time.sleep(_PAUSE)
    return True


def end(facts: Facts, deadline: float) -> bool:
    """End the daemon with TERM, and at the deadline with KILL; True when it is gone."""
    for signum, until in ((signal.SIGTERM, deadline), (signal.SIGKILL, deadline + 1.0)):
        if not alive(facts):
            break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(facts["pid"], signum)
        gone(facts, until)
    return not alive(facts)


def _write(private: Path, facts: Mapping[str, Any]) -> None:
    descriptor = os.open(private / _FACTS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(facts, stream)
