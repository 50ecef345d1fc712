# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of our playbooks in an environment of our making."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .loop import EventLoop
from .playbook_report import PlaybookResult, read_result
from .process import end_descendants, spawn
from .runtime_log import LineSource, RuntimeLog
from .settings import Settings

# What a user sets for his own programs must not change ours.
FOREIGN = (b"ANSIBLE_", b"PYTHON", b"LD_", b"LC_", b"BASH_FUNC_")
FOREIGN_NAMES = (b"BASH_ENV", b"ENV", b"LANGUAGE", b"RUNTIME_LOG_PIPE", b"PWD", b"OLDPWD")
# the user's own words to our playbooks
OPTIONAL = ("PAI_EXIT_CODE_MODE", "PAI_PLUGIN_PATH", "PAI_FAILURE_PATTERNS", "PAI_EXIT_RECORDS")
KILL_AFTER = 3.0  # seconds between TERM and KILL for a playbook that must end


class Playbook(NamedTuple):
    """One of our two playbooks: ``start`` or ``exit``."""

    settings: Settings
    name: str
    arguments: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """The playbook's file."""
        return self.settings.root / "playbooks" / f"{self.name}.yml"

    @property
    def report(self) -> Path:
        """Where our callback plugin writes what happened."""
        return self.settings.work_dir / f"playbook-{self.name}.json"

    def own_variables(self, fifo: Path | None) -> dict[str, str]:
        """Return the variables that we set for it."""
        work = self.settings.work_dir
        variables = {
            "ANSIBLE_CONFIG": str(self.settings.root / "ansible.cfg"),
            "ANSIBLE_HOME": str(work / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(work / "ansible" / "tmp"),
            "ANSIBLE_REMOTE_TMP": str(work / "ansible" / "tmp"),
            "ANSIBLE_INVENTORY_ENABLED": "host_list",  # of "localhost,": no other plugin to try
            "ANSIBLE_STDOUT_CALLBACK": "openpai.runtime.phases",
            "LC_ALL": "C.UTF-8",
            "PAI_RUNTIME_REPORT": str(self.report),
        }
        settings = self.settings.variables()
        variables.update({name: value for name, value in settings.items() if value is not None})
        if fifo is not None:
            variables["RUNTIME_LOG_PIPE"] = str(fifo)
        return variables

    def environment(
        self, container: Mapping[bytes, bytes], fifo: Path | None
    ) -> dict[bytes, bytes]:
        """Return its whole environment: the container's, without what could disturb, and ours."""
        dropped = {*FOREIGN_NAMES, *map(os.fsencode, self.settings.variables())}
        kept = {
            name: value
            for name, value in container.items()
            if not name.startswith(FOREIGN) and name not in dropped
        }
        home = kept.get(b"HOME", b"")
        if not os.path.isabs(home) or not os.access(home, os.W_OK | os.X_OK):
            kept[b"HOME"] = os.fsencode(self.settings.work_dir / "ansible")
        plugins = kept.get(b"PAI_PLUGIN_PATH")
        if plugins:  # the playbook runs in another directory
            cwd = os.fsencode(self.settings.cwd)
            folders = [os.path.join(cwd, folder) for folder in plugins.split(b":") if folder]
            kept[b"PAI_PLUGIN_PATH"] = b":".join(folders)
        for name in (b"PAI_FAILURE_PATTERNS", b"PAI_EXIT_RECORDS"):
            if kept.get(name):
                kept[name] = os.path.join(os.fsencode(self.settings.cwd), kept[name])
        own = self.own_variables(fifo)
        return {**kept, **{os.fsencode(n): os.fsencode(v) for n, v in own.items()}}

    def command(self, launcher: Sequence[str]) -> list[str]:
        """Return the program and its arguments."""
        return [*launcher, "-c", "local", "-i", "localhost,", *self.arguments, str(self.file)]

    def by_hand(self, environment: Mapping[bytes, bytes]) -> str:
        """Return the line with which a person repeats this step in a shell."""
        beside = Path(sys.executable).parent / "ansible-playbook"
        program = str(beside) if beside.exists() else "ansible-playbook"
        names = [*self.own_variables(None), *OPTIONAL]
        found = {name: environment.get(os.fsencode(name)) for name in names}
        variables = [f"{n}={os.fsdecode(v)}" for n, v in found.items() if v is not None]
        words = ["env", *variables, *self.command([program])]
        return f"cd {shlex.quote(str(self.settings.root))} && {shlex.join(words)}"


class PlaybookRunner(NamedTuple):
    """Runs playbooks below us; their output goes into the runtime log line by line."""

    settings: Settings
    container: Mapping[bytes, bytes]
    fifo: Path | None
    loop: EventLoop
    log: RuntimeLog

    def run(
        self, playbook: Playbook, deadline: Callable[[], float | None], cut_off: str
    ) -> PlaybookResult:
        """Run it to its end, or to the deadline; ``cut_off`` says in words what that means."""
        began = time.monotonic()
        playbook.report.unlink(missing_ok=True)
        # For whoever repeats the step; on the screen the long line would only be in the way.
        environment = playbook.environment(self.container, self.fifo)
        self.log.line(f"by hand: {playbook.by_hand(environment)}", shown=False)
        read_end, write_end = os.pipe()
        output = LineSource(read_end, self.log, self.loop)
        try:
            ended_with = self._run(playbook, environment, write_end, deadline)
        except OSError as error:
            ended_with = f"cannot be started: {error.filename or ''} {error.strerror}"
        output.close()
        if ended_with is None:
            ended_with = cut_off
        seconds = time.monotonic() - began
        result = read_result(playbook.report, playbook.name, seconds, output.last, ended_with)
        if result.failure is None:
            return result
        message = self.log.mask(result.failure.message)
        return result._replace(failure=result.failure._replace(message=message))

    def _run(
        self,
        playbook: Playbook,
        environment: Mapping[bytes, bytes],
        output: int,
        deadline: Callable[[], float | None],
    ) -> object:
        """Return its exit code, or None when the deadline ended it."""
        with open(os.devnull, "rb") as nothing:
            try:
                pid = spawn(
                    [os.fsencode(w) for w in playbook.command(self._launcher())],
                    environment=environment,
                    cwd=self.settings.root,
                    stdin=nothing.fileno(),
                    stdout=output,
                    stderr=output,
                    prepare=_own_session,
                )
            finally:
                os.close(output)
        child = self.loop.adopt(pid)
        if self.loop.run_until(lambda: child.ended, deadline):
            return child.code
        end_descendants(self.loop, KILL_AFTER)
        return None

    def _launcher(self) -> list[str]:
        return [sys.executable, str(self.settings.root / "bin" / "pai-playbook")]


def _own_session() -> None:
    # No terminal: nothing can ask for a password, and ^C there reaches only us.
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
