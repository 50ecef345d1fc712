# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks of a job leave for each other, as small files that are read and written over ssh.

``state/ssh_barrier.done`` in a task's work directory says that its barrier is passed; the first
task's is the release that the others wait for. ``ssh/marks/ALIAS`` is the exit record of a task
that has ended: a container that ended has no sshd to be asked, so it tells some others before.

The script that every login runs answers the question for them by itself: a barrier asks each task
of a job, and a shell with the user's profile and the job's environment costs many times as much.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from ..exit.job_view.exit_record import LIMIT, ExitRecord, decode
from ..replacing import replace

PASSED = "openpai: ssh barrier passed"
#: What a login says instead of a command: print your marks.
QUESTION = "openpai-ssh-barrier-marks"


@dataclasses.dataclass(frozen=True)
class Marks:
    """The marks in a task's work directory; ``attempt`` as in `ExitRecord`."""

    work_dir: Path
    attempt: str

    @property
    def passed(self) -> Path:
        """The file that says that this task's barrier is passed in this attempt."""
        return self.work_dir / "state" / "ssh_barrier.done"

    @property
    def told(self) -> Path:
        """The file that says that this task has told of its end in this attempt."""
        return self.work_dir / "state" / "ssh_barrier.ended"

    def write(self, path: Path, text: str) -> None:
        """Write one of these two files.

        Raises:
            OSError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, f"{text}\n".encode(), 0o644)

    def received(self) -> list[ExitRecord]:
        """Return the marks that others have left here and that are of this attempt."""
        folder = self.work_dir / "ssh" / "marks"
        try:
            paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
        except OSError:
            return []
        return [mark for path in paths for mark in self._read(path) if mark.alias == path.name]

    def keep(self, mark: ExitRecord) -> None:
        """Leave this task's own mark here, too, for those that ask while its sshd still runs.

        Raises:
            OSError: it cannot be written.
        """
        folder = self.work_dir / "ssh" / "marks"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(folder / mark.alias, f"{mark.encode()}\n".encode(), 0o600)

    def drop(self, alias: str) -> None:
        """Remove the own mark again: who is asked after a new start has not ended.

        Raises:
            OSError: it cannot be removed.
        """
        (self.work_dir / "ssh" / "marks" / alias).unlink(missing_ok=True)

    def _read(self, path: Path) -> Iterator[ExitRecord]:
        try:
            with open(path, "rb", opener=_at_once) as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return iter(())
                if not self.attempt and found.st_mtime < self._began():
                    return iter(())  # of an earlier run of the job in the same directory
                text = file.read(LIMIT + 1).decode("utf-8", "replace")
        except OSError:
            return iter(())
        return (mark for mark in decode(text) if mark.attempt == self.attempt)

    def _began(self) -> float:
        """Return when this attempt began, in seconds since the epoch: pai-runtime's first file."""
        try:
            return (self.work_dir / "container_env.nul").stat().st_mtime
        except OSError:
            return 0.0

    def passed_on(self, output: str) -> list[ExitRecord]:
        """Return the marks that a peer has and showed us.

        Only where attempts have UIDs: otherwise they may be those of the peer's earlier run.
        """
        marks = decode(output) if self.attempt else ()
        return [mark for mark in marks if mark.attempt == self.attempt]

    def answer(self) -> str:
        """Return what a shell does to print the marks that are here, as little as it can."""
        marks = f"{shlex.quote(str(self.work_dir / 'ssh' / 'marks'))}/*"
        return (
            f"    [ ! -e {shlex.quote(str(self.passed))} ] || echo {shlex.quote(PASSED)}\n"
            f"    set -- {marks}\n"
            '    [ ! -e "$1" ] || cat "$@"\n'
        )

    def push(self, mark: ExitRecord) -> str:
        """Return the command that leaves a mark at a peer, whole or not at all."""
        name, line = shlex.quote(mark.alias), shlex.quote(mark.encode())
        return _shell(
            f'{self._remote()}; d="$w/ssh/marks"; umask 077; mkdir -p "$d" && '
            f'printf "%s\\n" {line} >"$d"/.$$ && mv -f "$d"/.$$ "$d"/{name}'
        )

    def _remote(self) -> str:
        """Return how a peer's shell finds its work directory: it says so, or it is as ours."""
        ours = shlex.quote(str(self.work_dir))
        return f'w=$PAI_RUNTIME_WORK_DIR; [ -n "$w" ] || w={ours}'


def _at_once(path: str, flags: int) -> int:
    """Open what is no link, without a wait: a pipe may have nobody who writes."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _shell(script: str) -> str:
    return f"exec sh -c {shlex.quote(script)}"
