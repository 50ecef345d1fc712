# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one container: start playbook, the user's command, exit playbook, the last words."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from .. import process_env
from . import evidence, workspace
from .capture import Capture
from .command import CommandResult, UserCommand
from .ending import Ending, safely, tell_defect
from .log_search import LogSearch
from .loop import EventLoop
from .outcome import Outcome, phases_of, timestamp
from .pass_on import PassOn
from .playbook import Playbook, PlaybookRunner
from .playbook_report import Failure, PlaybookResult
from .process import become_subreaper, end_descendants
from .reserve import Reserve, rooms
from .runtime_log import LineSource, RuntimeLog, make_fifo
from .settings import Settings
from .stopping import STOP, Stopping, signals_to_catch
from .summary import summarize, summarize_render

LAST_PATIENCE = 2.0  # seconds between TERM and KILL for whatever is left at the very end


class Life:
    """Everything that lives as long as the container."""

    def __init__(self, settings: Settings, container: Mapping[bytes, bytes], umask: int) -> None:
        self._settings = settings
        self._umask = umask
        self._started_at = timestamp()
        self._phases: dict[str, float] = {}
        self._command: UserCommand | None = None
        self._result: CommandResult | None = None
        self._stopping = Stopping(settings.grace)
        self._reserve = Reserve()
        adopted = become_subreaper()
        self._loop = EventLoop(signals_to_catch(), self._on_signal)
        self._stdout = PassOn(1, "stdout", self._loop, self._say)
        self._stderr = PassOn(2, "stderr", self._loop, self._say)
        self._log = RuntimeLog(
            settings.runtime_log, self._stderr, settings.secrets_file, settings.limits.file_bytes
        )
        self._search = LogSearch(settings, self._loop, self._say)
        path = settings.work_dir / "runtime_log_pipe"
        fifo = make_fifo(path, self._say)
        self._steps = None if fifo is None else LineSource(fifo, self._log, self._loop)
        self._runner = PlaybookRunner(
            settings, container, None if fifo is None else path, self._loop, self._log
        )
        if not adopted:
            self._say("warning: not PID 1 and no subreaper: orphans of the command may outlive us")

    def run(self) -> int:
        """Do what was asked for and return the exit code."""
        return self.render() if self._settings.action == "render" else self.live()

    def live(self) -> int:
        """Go through the whole life and return the exit code."""
        capture = None
        try:
            capture = self._capture()
            outcome = self._start_and_command(capture)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not cost logs and code
            outcome = self._defect(error)
        code = outcome.exit_code
        self._reserve.release()
        wanted = code != 0 and not self._stopping.requested
        safely(lambda: self._search.settle(wanted), self._log)
        try:
            ending = Ending(self._settings, self._stopping, self._runner, self._log)
            document = ending.conclude(outcome)
            code = document["exitCode"]
            self._end_rest(capture)
            self._log.line(f"exit code {code}", shown=False)  # the summary shows it
            self._close(summarize(document, self._settings, self._colour))
        except Exception as error:  # noqa: BLE001 - nor may one in the last words
            safely(self._search.end, self._log)
            self._close(f"{tell_defect(error, self._log)}\nexit code {code}\n")
        return code

    def _capture(self) -> Capture:
        outputs = (self._stdout, self._stderr)
        settings = self._settings
        return Capture(
            settings.log_dir, settings.limits, outputs, self._loop, self._say, self._search
        )

    def _end_rest(self, capture: Capture | None) -> None:
        """End whatever still lives below us, and take its last output."""
        self._search.end()
        patience = 0.0 if self._stopping.overdue else LAST_PATIENCE
        end_descendants(self._loop, patience)
        if capture is not None:
            capture.close()

    def render(self) -> int:
        """Run only what writes the files of the work directory; return the exit code."""
        start = self._start("--skip-tags", "run")
        end_descendants(self._loop, LAST_PATIENCE)
        self._close(summarize_render(start.failure, self._settings, self._colour))
        return self._stop_code() or (start.failure.code if start.failure else 0)

    def _start_and_command(self, capture: Capture) -> Outcome:
        start = self._start()
        self._phases.update(phases_of("start", start))
        if self._stopping.requested:
            name = signal.Signals(self._stopping.signum or signal.SIGTERM).name
            return self._failed_start(Failure(None, f"stopped by {name} during the start", 1))
        if start.failure:
            return self._failed_start(start.failure)
        environment = self._settings.work_dir / "process_env.nul"
        if not environment.exists():
            missing = f"the start playbook ended well but did not write {environment}"
            return self._failed_start(Failure(None, missing, 1))
        content = process_env.split(environment.read_bytes())
        evidence.note_start(self._settings.work_dir, self._say)
        self._reserve.take(rooms(self._settings.work_dir, self._settings.log_dir))
        self._command = UserCommand(
            self._settings, self._umask, self._loop, self._log, capture, self._stopping
        )
        self._result = self._command.run(evidence.with_error_file(content, self._settings.log_dir))
        self._command = None
        self._phases["command"] = round(self._result.seconds, 3)
        return self._ended(self._result)

    def _start(self, *arguments: str) -> PlaybookResult:
        def deadline() -> float | None:
            return 0.0 if self._stopping.requested else None

        playbook = Playbook(self._settings, "start", arguments)
        result = self._runner.run(playbook, deadline, "it was stopped")
        if self._steps is not None:  # what the steps said stands before what comes now
            self._steps.catch_up()
        return result

    def _failed_start(self, failure: Failure) -> Outcome:
        self._say(f"the command does not run: {failure.message}")
        return self._outcome(
            exit_code=self._stop_code() or failure.code,
            signum=self._stopping.signum,
            stage="start",
            plugin=failure.plugin,
            message=failure.message,
        )._replace(refused=failure.refused)

    def _ended(self, result: CommandResult) -> Outcome:
        return self._outcome(result.code, result.signum, "command", stopped=result.stopped)

    def _defect(self, error: Exception) -> Outcome:
        message = tell_defect(error, self._log)
        if self._result is not None:
            return self._ended(self._result)._replace(message=message)
        stage = "start" if self._command is None else "command"
        end_descendants(self._loop, LAST_PATIENCE)  # a command that nobody watches any more
        return self._outcome(1, None, stage, message=message)

    def _outcome(
        self,
        exit_code: int,
        signum: int | None,
        stage: str,
        plugin: str | None = None,
        message: str | None = None,
        stopped: bool | None = None,
    ) -> Outcome:
        return Outcome(
            exit_code,
            signum,
            self._stopping.requested if stopped is None else stopped,
            stage,
            plugin,
            message,
            self._started_at,
            timestamp(),
            dict(self._phases),
        )

    def _stop_code(self) -> int:
        return 128 + self._stopping.signum if self._stopping.signum else 0

    def _on_signal(self, signum: int) -> None:
        if self._command is not None:
            self._command.forward(signum)
            # Daemons read their configuration again at SIGHUP; only a lost terminal means stop.
            if signum == signal.SIGHUP and not os.isatty(0):
                return
        if signum in STOP and self._stopping.request(signum):
            self._say(self._stopping.told())
            if self._command is None:  # what it would find nobody waits for any more
                self._search.abandon()

    def _say(self, text: str) -> None:
        self._log.line(text)

    @property
    def _colour(self) -> bool:
        return os.isatty(2) and not os.environ.get("NO_COLOR")

    def _close(self, summary: str) -> None:
        """Say the last words; whoever reads them slowly has a little time."""
        if self._steps is not None:
            self._steps.close()
        self._stderr.write(self._log.mask(summary).encode(errors="replace"))
        outputs = (self._stdout, self._stderr)
        self._loop.run_until(
            lambda: not any(out.backlog for out in outputs), self._stopping.exit_deadline
        )


def begin(settings: Settings, container: Mapping[bytes, bytes], umask: int) -> Life:
    """Prepare both directories, and everything that lives as long as the container.

    Raises:
        RuntimeConfigError: a directory cannot be used.
        OSError: the log there, or what is needed of the system, cannot be had.
    """
    workspace.prepare(settings, container, umask)
    return Life(settings, container, umask)
