# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes below us: who they are, how one is started, how all of them are ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .loop import EventLoop

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
LOOK_EVERY = 0.05  # seconds between two looks at the process table


class Process(NamedTuple):
    """One living process; number and start time together never come again."""

    pid: int
    parent: int
    group: int
    started: int


def become_subreaper() -> bool:
    """Make orphans below us our children, as PID 1 has them anyway; False where that fails."""
    if os.getpid() == 1:
        return True
    try:
        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def living() -> list[Process]:
    """Return every process of the system that is not a zombie; none where there is no /proc."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            process = _read(name)
            if process is not None:
                found.append(process)
    return found


def _read(pid: str) -> Process | None:
    try:
        stat = Path("/proc", pid, "stat").read_bytes()
    except OSError:  # it ended meanwhile
        return None
    # The name in brackets may itself hold brackets and spaces: count from the last one.
    fields = stat.rpartition(b")")[2].split()
    if not fields or fields[0] in (b"Z", b"X"):
        return None
    return Process(int(pid), int(fields[1]), int(fields[2]), int(fields[19]))


def descendants(without: Iterable[Process] = ()) -> list[Process]:
    """Return the living processes below us, but those in ``without`` and what is below them."""
    children: dict[int, list[Process]] = {}
    for process in living():
        children.setdefault(process.parent, []).append(process)
    spared = {(process.pid, process.started) for process in without}
    found: list[Process] = []
    todo = [os.getpid()]
    while todo:
        for process in children.get(todo.pop(), []):
            if (process.pid, process.started) not in spared:
                found.append(process)
                todo.append(process.pid)
    return found


def group_lives(group: int) -> bool:
    """Tell whether a process group has a member that is not a zombie."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    processes = living()
    return not processes or any(process.group == group for process in processes)


def signal_all(processes: Iterable[Process], signum: int) -> None:
    """Send a signal to each process, whatever its group or session."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signum)


def end_descendants(
    loop: EventLoop, patience: float, without: Sequence[Process] = (), last: float = 5.0
) -> bool:
    """End what is below us: TERM, after ``patience`` seconds KILL; True when all are gone."""

    def gone() -> bool:
        return not descendants(without)

    if gone():
        return True
    if patience > 0:
        for signum in (signal.SIGTERM, signal.SIGCONT):  # a stopped process must see the first
            signal_all(descendants(without), signum)
        end = time.monotonic() + patience
        if loop.run_until(gone, lambda: end, every=LOOK_EVERY):
            return True
    end = time.monotonic() + last
    while not gone() and time.monotonic() < end:
        # Again and again, for what they start while we look.
        signal_all(descendants(without), signal.SIGKILL)
        _pause(loop, gone)
    return gone()


def _pause(loop: EventLoop, gone: Callable[[], bool]) -> None:
    end = time.monotonic() + LOOK_EVERY
    loop.run_until(gone, lambda: end, every=LOOK_EVERY / 5)


def spawn(
    argv: Sequence[bytes],
    *,
    environment: Mapping[bytes, bytes],
    cwd: Path,
    stdin: int | None,
    stdout: int,
    stderr: int,
    prepare: Callable[[], None],
) -> int:
    """Start a program and return its process number.

    ``prepare`` runs in the child before the program. The program is looked up on the PATH of the
    given environment.

    Raises:
        OSError: it cannot be started.
    """
    child = subprocess.Popen(  # pylint: disable=consider-using-with
        argv,
        env=environment,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=prepare,  # single-threaded, so safe
        close_fds=False,  # our own are not inheritable; what we were given goes on
    )
    child.returncode = 0  # the event loop reaps it; Popen must never wait for this number
    return child.pid
