# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the commands of the plugin cmd: each once in an attempt of the task, and told."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from .commands import COMPLETES, Callback
from .errors import RuntimeConfigError
from .files import PRIVATE
from .replacing import replace
from .shell import EXIT_NO_SHELL, RuntimeLogWriter, Shell


class CommandsFailedError(RuntimeConfigError):
    """Commands of the user's ended with an error: the message and their exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclasses.dataclass(frozen=True)
class Marks:
    """What one use of the plugin has already done in this attempt, as files in ``state/``."""

    state: Path
    position: int

    def path(self, callback: Callback, kind: str) -> Path:
        """Return the file that says ``started`` or ``done``, or is the ``script``."""
        return self.state / f"cmd-{self.position}-{callback.key}.{kind}"

    def pending(self, callbacks: Iterable[Callback]) -> list[Callback]:
        """Return the callbacks that have not yet come to a good end."""
        return [one for one in callbacks if not self.path(one, "done").exists()]

    def write(self, callback: Callback, kind: str) -> Path:
        """Write one of the files, at once and readable by its owner only."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.path(callback, kind)
        replace(target, os.fsencode(callback.script) if kind == "script" else b"", PRIVATE)
        return target


def find_shell(label: str, environment: Mapping[str, str], directory: Path) -> Shell:
    """Return the image's shell for commands in ``directory``.

    Raises:
        CommandsFailedError: there is none; the code is 127, as for a command not found.
    """
    shell = Shell.find(environment, directory)
    if shell is None:
        raise CommandsFailedError(
            f"{label}: neither bash nor sh is on the PATH of the image; install one in it",
            EXIT_NO_SHELL,
        )
    return shell


@dataclasses.dataclass(frozen=True)
class Runner:
    """Runs callbacks one after the other, each in a shell of its own.

    ``label`` is how messages name the plugin, ``umask`` the commands' (-1: ours).
    """

    label: str
    marks: Marks
    shell: Shell
    environment: Mapping[str, str]
    directory: Path
    log: RuntimeLogWriter
    umask: int = -1

    def run_all(self, callbacks: Iterable[Callback]) -> None:
        """Run the callbacks; after a failure only those of ``taskCompletes``, which run always.

        Raises:
            CommandsFailedError: the first failure, after all that was to run has run.
        """
        if not self.shell.is_bash:
            self.log.line(f"{self.label}: no bash in the image, so {self.shell.path} runs this")
        failure: CommandsFailedError | None = None
        for callback in callbacks:
            if failure and callback.event != COMPLETES:
                continue
            try:
                self.run(callback)
            except CommandsFailedError as error:
                failure = failure or error
        if failure:
            raise failure

    def run(self, callback: Callback) -> None:
        """Run one callback and mark it; an interrupted one is seen by its mark, and runs again."""
        place = f"{self.label}, event {callback.event}"
        if self.marks.path(callback, "started").exists():
            self.log.line(f"{place}: the commands were begun before and not ended well; again")
        script = self.marks.write(callback, "script")
        self.marks.write(callback, "started")
        ended = self.shell.run(
            script,
            environment=self.environment,
            directory=self.directory,
            log=self.log,
            timeout=callback.timeout,
            umask=self.umask,
        )
        if ended.timed_out:
            how = f"the commands did not end within their timeout of {callback.timeout:g} seconds"
        else:
            how = f"the commands ended with exit code {ended.code}"
        if ended.code:
            message = f"{place}: {how}; their output is in runtime.log"
            raise CommandsFailedError(message, ended.code)
        self.marks.write(callback, "done")
