# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script of the user's in the shell of the image, its output going to runtime.log."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from .errors import RuntimeConfigError
from .processes import find_program, signal_group

EXIT_TIMEOUT = 124  # as coreutils' timeout ends
EXIT_NO_SHELL = 127  # as a shell ends that does not find a command
SECONDS_TO_END = 2.0  # from TERM to KILL, after a timeout
LAST_SECONDS = 10.0  # for the kernel to end what was killed


class RuntimeLogWriter:
    """The way into runtime.log, open while the ``with`` block runs; usable as a process's output.

    ``pipe`` is the FIFO whose reader stamps and masks every line (RUNTIME_LOG_PIPE). Without one,
    or when nobody reads it (a playbook repeated by hand), lines are appended to the file.
    """

    def __init__(self, log_dir: Path, pipe: str | None) -> None:
        self._file = log_dir / "runtime.log"
        self._pipe = pipe
        self._descriptor = -1

    def __enter__(self) -> RuntimeLogWriter:
        """Open the pipe or the file.

        Raises:
            RuntimeConfigError: neither can be opened.
        """
        self._descriptor = self._open()
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it; a process that got it keeps its own copy."""
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return the open descriptor, which is what ``subprocess`` asks for."""
        return self._descriptor

    def line(self, text: str) -> None:
        """Write one line, at once."""
        os.write(self._descriptor, os.fsencode(f"{text}\n"))

    def _open(self) -> int:
        try:
            descriptor = os.open(self._pipe or "", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return self._open_file()
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return self._open_file()
        os.set_blocking(descriptor, True)  # only opening it must not wait for a reader
        return descriptor

    def _open_file(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._file, flags, 0o644)
        except OSError as error:
            raise RuntimeConfigError(
                f"runtime log {self._file}: {error.strerror}; choose a directory for the logs that"
                " can be written (PAI_RUNTIME_LOG_DIR)"
            ) from error


def container_umask(work_dir: Path) -> int:
    """Return the umask that the container was started with, as pai-runtime kept it.

    Where a playbook runs without pai-runtime that is none: -1, which leaves our own as it is.
    """
    try:
        return int((work_dir / "umask").read_text(encoding="ascii"), 8)
    except (OSError, ValueError):
        return -1


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a script ended; the code is 128+n when signal n ended it."""

    code: int
    timed_out: bool = False


@dataclasses.dataclass(frozen=True)
class Shell:
    """bash, or the image's ``sh`` where there is no bash."""

    path: str

    @property
    def is_bash(self) -> bool:
        """Return whether scripts may use what only bash knows."""
        return Path(self.path).name == "bash"

    @classmethod
    def find(cls, environment: Mapping[str, str], directory: Path | None = None) -> Shell | None:
        """Return the shell that the PATH of a command in ``directory`` leads to, or None."""
        found = (find_program(name, environment, directory) for name in ("bash", "sh"))
        path = next(filter(None, found), None)
        return cls(path) if path else None

    def run(
        self,
        script: Path,
        *,
        environment: Mapping[str, str],
        directory: Path,
        log: RuntimeLogWriter,
        timeout: float | None = None,
        umask: int = -1,
    ) -> Ended:
        """Run a script file with errexit in a session of its own, until the shell ends.

        Only the shell is waited for: what it leaves in the background lives on. After ``timeout``
        seconds the whole process group is ended, and the code is 124. ``umask`` is the shell's;
        with -1 it has ours.
        """
        process = subprocess.Popen(
            [self.path, "-e", str(script)],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log.fileno(),
            stderr=log.fileno(),
            start_new_session=True,
            umask=umask,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            return Ended(EXIT_TIMEOUT, timed_out=True)
        except BaseException:  # our own end: the commands must not go on without us
            end_group(process)
            raise
        return Ended(code if code >= 0 else 128 - code)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the group that a process leads: TERM, and 2 s later KILL to what is left."""
    deadline = time.monotonic() + SECONDS_TO_END
    alive = signal_group(process.pid, signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        process.poll()  # a leader that nobody waited for would count as alive
        alive = signal_group(process.pid, 0)
    if alive:
        signal_group(process.pid, signal.SIGKILL)
    # A leader that changed its user is out of our reach: it lives on, but nobody waits for it.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LAST_SECONDS)
