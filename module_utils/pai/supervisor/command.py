# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the user's command in a process group of its own, to the end of all it started there."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..processes import find_program, signal_group
from . import terminal
from .capture import Capture
from .loop import Child, EventLoop
from .process import LOOK_EVERY, Process, descendants, end_descendants, group_lives, spawn
from .runtime_log import RuntimeLog
from .settings import Settings
from .stopping import Stopping

NOT_FOUND = 127
NOT_EXECUTABLE = 126
LEFTOVER_SECONDS = 5.0  # between TERM and KILL for what the main process left in its group
LAST_SECONDS = 2.0  # for the kernel to end what was killed


class CommandResult(NamedTuple):
    """How the command ended: its exit code, the signal that killed it, whether we were told to
    stop before it ended, and how long it ran (seconds)."""

    code: int
    signum: int | None
    stopped: bool
    seconds: float


class NoShellError(Exception):
    """The image has neither bash nor sh."""


class UserCommand:
    """The user's command; ``forward`` passes a signal on while it runs."""

    def __init__(
        self,
        settings: Settings,
        umask: int,
        loop: EventLoop,
        log: RuntimeLog,
        capture: Capture,
        stopping: Stopping,
    ) -> None:
        self._settings = settings
        self._umask = umask
        self._loop = loop
        self._log = log
        self._capture = capture
        self._stopping = stopping
        self._group: int | None = None

    def forward(self, signum: int) -> None:
        """Pass a signal on to everything in the command's process group."""
        if self._group is not None:
            signal_group(self._group, signum)

    def run(self, environment: Mapping[bytes, bytes]) -> CommandResult:
        """Run it, and return when its group is gone and its output is written."""
        began = time.monotonic()
        # Daemons of the plugins run already: they are stopped by their plugins, not with this.
        plugins = descendants()
        self._log.line("USER COMMAND START")
        refusal, child = self._start(environment)
        if child is None:
            result = CommandResult(refusal, None, False, time.monotonic() - began)
        else:
            result = self._wait(child, began, plugins)
        self._capture.drain(self._reader_deadline(time.monotonic() + 1.0))
        self._log.line("USER COMMAND END")
        how = f" (signal {signal.Signals(result.signum).name})" if result.signum else ""
        self._log.line(f"the command ended with {result.code}{how} after {result.seconds:.1f} s")
        return result

    def _start(self, environment: Mapping[bytes, bytes]) -> tuple[int, Child | None]:
        """Start it; return an exit code and None where that is impossible."""
        foreground = terminal.foreground() == os.getpgrp()

        def prepare() -> None:
            os.setpgid(0, 0)
            if foreground:
                terminal.give_to(os.getpid())
            os.umask(self._umask)

        try:
            argv = self._argv(environment)
            pid = spawn(
                argv,
                environment=environment,
                cwd=self._settings.cwd,
                stdin=None,
                stdout=self._capture.stdout.write_end,
                stderr=self._capture.stderr.write_end,
                prepare=prepare,
            )
        except (OSError, ValueError, NoShellError) as error:
            code, reason = _refusal(error, environment)
            self._capture.say(f"pai-runtime: {reason}")
            self._log.line(f"the command cannot be started: {reason}")
            return code, None
        finally:
            self._capture.close_write_ends()
        self._group = pid
        child = self._loop.adopt(pid)
        child.on_stopped = lambda: terminal.stop_with(pid)
        return 0, child

    def _argv(self, environment: Mapping[bytes, bytes]) -> list[bytes]:
        if self._settings.command:
            return [os.fsencode(word) for word in self._settings.command]
        script = os.fsencode(self._settings.work_dir / "user.sh")
        path = {"PATH": os.fsdecode(environment[b"PATH"])} if b"PATH" in environment else {}
        shell = find_program("bash", path, self._settings.cwd)
        if shell is None:
            shell = find_program("sh", path, self._settings.cwd)
            if shell is None:
                raise NoShellError
            self._log.line("warning: there is no bash on PATH, the commands run under sh")
        return [os.fsencode(shell), script]

    def _wait(self, child: Child, began: float, plugins: list[Process]) -> CommandResult:
        in_time = self._loop.run_until(lambda: child.ended, lambda: self._stopping.kill_at)
        if not in_time:
            self._log.line("the grace period is over: KILL to the command and all it started")
            end_descendants(self._loop, 0, without=plugins)
            end = time.monotonic() + LAST_SECONDS
            self._loop.run_until(lambda: child.ended, lambda: end)  # reaped, not only dead
        stopped = self._stopping.requested
        seconds = time.monotonic() - began
        if terminal.foreground() == child.pid:
            terminal.give_to(os.getpgrp())
        self._end_group(child.pid)
        self._group = None
        return CommandResult(child.code, child.signum, stopped, seconds)

    def _end_group(self, group: int) -> None:
        """End what the main process left in its group: TERM, later KILL."""
        if not group_lives(group):
            return
        self._log.line("the main process has ended; what it left in its group is ended, too")
        signal_group(group, signal.SIGTERM)
        signal_group(group, signal.SIGCONT)
        latest = time.monotonic() + LEFTOVER_SECONDS

        def deadline() -> float:
            return min(latest, self._stopping.kill_at or latest)

        if not self._loop.run_until(lambda: not group_lives(group), deadline, LOOK_EVERY):
            signal_group(group, signal.SIGKILL)
            end = time.monotonic() + LAST_SECONDS
            self._loop.run_until(lambda: not group_lives(group), lambda: end, LOOK_EVERY)

    def _reader_deadline(self, at_least: float) -> Callable[[], float | None]:
        """Return until when our readers may take the rest: they have time unless we must stop."""

        def deadline() -> float | None:
            kill_at = self._stopping.kill_at
            return None if kill_at is None else max(kill_at, at_least)

        return deadline


def _refusal(error: Exception, environment: Mapping[bytes, bytes]) -> tuple[int, str]:
    """Return the exit code and the reason, as a shell would give them."""
    if isinstance(error, NoShellError):
        return NOT_FOUND, "the image has neither bash nor sh: give the program after --"
    if not isinstance(error, OSError):
        return NOT_EXECUTABLE, str(error)
    name = os.fsdecode(error.filename or b"")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        path = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
        where = "" if "/" in name else f" on PATH ({path})"
        return NOT_FOUND, f"{name}: not found{where}"
    return NOT_EXECUTABLE, f"{name}: cannot be executed: {error.strerror}"
