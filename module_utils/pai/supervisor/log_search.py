# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has finished log files searched while the command runs, before rotation deletes them.

One child process at a time does it, of the lowest priority: the patterns and their engine are too
large for this process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..processes import signal_group
from . import evidence
from .loop import Child, EventLoop
from .process import spawn
from .settings import Settings

PATIENCE = 1.0  # seconds for the child to keep what it found, or for the kernel to end it

SAID_BYTES = 65536
UNFINISHED = ".earlier.json.{pid}"  # what a child writes and then renames, see replacing.replace


class LogSearch:
    """Searches the finished files of one log, the oldest first."""

    def __init__(self, settings: Settings, loop: EventLoop, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._loop = loop
        self._report = report
        self._waiting: deque[Path] = deque()  # each still has its name
        self._child: Child | None = None
        self._errors = -1
        self._path: Path | None = None  # of the file that the child searches
        self._closed = self._over = False
        self._signalled = False  # the child, by us
        self._missed = 0

    def add(self, path: Path) -> None:
        """Have a finished file searched as soon as no other one is."""
        if not self._closed:
            self._waiting.append(path)
            self._next()

    def forget(self, path: Path) -> None:
        """Take note that a file is deleted now; one that is being searched is still open."""
        if path not in self._waiting:
            return
        self._waiting.remove(path)
        self._missed += 1
        if self._missed == 1:
            self._report(f"{path}: deleted before it could be searched: the log grows too fast")

    def settle(self, wanted: bool) -> None:
        """The command has ended: keep what was found in a file that is deleted, if it is wanted.

        Files that still exist are searched on, while the end playbook starts and looks at the rest.
        """
        if not wanted:
            self.end()
            return
        self._closed = True
        if self._missed > 1:
            self._report(f"{self._missed} finished log files were not searched")
        if self._child and self._path and not os.path.exists(self._path):
            self._signal(self._child, signal.SIGTERM)
            self._await(self._child)

    def abandon(self) -> None:
        """Stop for good, and wait for nothing."""
        self._closed = self._over = True
        self._waiting.clear()
        if self._child:
            self._signal(self._child, signal.SIGKILL)

    def end(self) -> None:
        """Stop for good."""
        self.abandon()
        if self._child:
            self._await(self._child)

    def _signal(self, child: Child, signum: int) -> None:
        self._signalled = True
        signal_group(child.pid, signum)

    def _await(self, child: Child) -> None:
        """Wait for the end of a child that was told to."""
        until = time.monotonic() + PATIENCE
        self._loop.run_until(lambda: child.ended, lambda: until)

    def _next(self) -> None:
        while self._waiting and self._child is None and not self._over:
            path = self._waiting.popleft()
            try:
                with path.open("rb") as file:
                    self._start(path, file.fileno())
            except FileNotFoundError:  # a log shipper was faster
                continue
            except OSError as error:
                self._give_up(f"{path}: cannot be searched: {error.strerror}")

    def _start(self, path: Path, file: int) -> None:
        errors, write_end = os.pipe()
        os.set_blocking(errors, False)
        try:
            pid = spawn(
                [os.fsencode(word) for word in self._command(path)],
                environment={b"LC_ALL": b"C.UTF-8"},
                cwd=self._settings.root,
                stdin=file,
                stdout=write_end,
                stderr=write_end,
                prepare=_step_back,
            )
        except OSError:
            os.close(errors)
            raise
        finally:
            os.close(write_end)
        self._errors, self._path, self._signalled = errors, path, False
        self._child = self._loop.adopt(pid)
        self._child.on_ended = self._ended

    def _command(self, path: Path) -> list[str]:
        root = self._settings.root
        program = str(root / "module_utils" / "pai" / "exit" / "__main__.py")
        words = [sys.executable, "-I", program, "digest", "--log", str(path.parent)]
        words += ["--name", path.name, "--catalogue", str(root / "catalogue")]
        return [*words, "--work-dir", str(self._settings.work_dir)]

    def _ended(self) -> None:
        child, self._child = self._child, None
        words = _last_line(self._errors)
        os.close(self._errors)
        if child is not None and child.code:
            self._failed(child, words)
        self._next()

    def _failed(self, child: Child, words: str) -> None:
        """Clean up after a child; one that was not ended by us says that none gets further."""
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path.with_name(UNFINISHED.format(pid=child.pid)))
        if self._signalled or self._over:
            return
        if child.signum == signal.SIGKILL:
            evidence.forgive_kill(self._settings.work_dir)
        self._give_up(f"the search of finished log files ended with {child.code}{words}")

    def _give_up(self, why: str) -> None:
        """Leave the files to the end, when those that still exist are searched."""
        self._closed = self._over = True
        self._waiting.clear()
        self._report(f"{why}: they are searched at the end, if they are still there")


def _last_line(pipe: int) -> str:
    """Return what the child said last, after a colon; nothing where it said nothing."""
    try:
        lines = os.read(pipe, SAID_BYTES).decode(errors="replace").splitlines()
    except BlockingIOError:  # something of the child's still holds the other end
        return ""
    return f": {lines[-1]}" if lines else ""


def _step_back() -> None:
    """Take hardly any processor time from the command, and be what the kernel kills first.

    Where every core is busy it gets about a hundredth of one: with SCHED_IDLE it would be so much
    less that files are deleted before it is done.
    """
    os.setpgid(0, 0)  # not a session of its own, whose priority would count for itself alone
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.nice(19)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
