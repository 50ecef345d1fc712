# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run: the exit playbook, or our own words where that fails, and the final result."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .documents import read_document, write_document
from .fallback import make_document, make_message, write_message
from .outcome import Outcome, phases_of
from .playbook import Playbook, PlaybookRunner
from .playbook_report import Failure, PlaybookResult
from .runtime_log import RuntimeLog
from .settings import Settings
from .stopping import Stopping


class Ending(NamedTuple):
    """Makes the content of exit.json out of the outcome."""

    settings: Settings
    stopping: Stopping
    runner: PlaybookRunner
    log: RuntimeLog

    def conclude(self, outcome: Outcome) -> dict[str, Any]:
        """Run the exit playbook; return and write the final content of exit.json.

        The analysis of the playbook counts when it was written now, even if the playbook failed
        after it. Without one the user's code is kept, and the document says what failed in us.
        """
        result = self._play(outcome)
        failed = (
            result.failure.message if result.failure else "the exit playbook wrote no exit.json"
        )
        document = read_document(self.settings.exit_file)
        if result.failure and self._lost_something(outcome, result.failure):
            outcome = outcome._replace(
                exit_code=result.failure.code,
                stage="exit",
                plugin=result.failure.plugin,
                message=failed,
            )
            document = None
        if document is None or _number(document.get("exitCode")) is None:
            document = self._unanalysed(outcome, failed)
        elif not result.ok and not document.get("message"):
            document["message"] = failed
        document["exitCode"] = _final_code(document, outcome)
        document["phases"] = {**outcome.phases, **phases_of("exit", result)}
        self._write(document)
        return document

    def _lost_something(self, outcome: Outcome, failure: Failure) -> bool:
        """Tell whether a task that had succeeded did not get the plugins that it counts on.

        A failing analysis takes nothing from it. Of a task that was stopped nobody expects them.
        """
        analysis = failure.role == "failure_analysis" and failure.code == 1
        if outcome.exit_code or outcome.stopped or analysis:
            return False
        try:
            chosen = json.loads((self.settings.work_dir / "plugins.json").read_bytes())
            return any("exit" in p["moments"] and p["failurePolicy"] == "fail" for p in chosen)
        except (OSError, ValueError, TypeError, KeyError):  # none were chosen
            return False

    def _play(self, outcome: Outcome) -> PlaybookResult:
        """Run the playbook: as long as it takes, or as long as the grace period lasts."""
        began = time.monotonic()
        try:
            with contextlib.suppress(OSError):  # what cannot be removed cannot be taken for ours
                self.settings.exit_file.unlink(missing_ok=True)
            write_document(self.settings.outcome_file, outcome.document())
            return self.runner.run(
                Playbook(self.settings, "exit"),
                self.stopping.exit_deadline,
                "it did not end within what was left of PAI_TERMINATION_GRACE_SECONDS"
                f" ({self.settings.grace:g} s): give it more",
            )
        except Exception as error:  # noqa: BLE001 - a defect of ours must not cost logs and code
            failure = Failure(None, tell_defect(error, self.log), 1)
            return PlaybookResult(False, time.monotonic() - began, {}, failure)

    def _unanalysed(self, outcome: Outcome, failed: str) -> dict[str, Any]:
        self.log.line(f"the end could not be analysed: {failed}")
        document = make_document(self.settings, outcome, failed, self.log.mask)
        write_message(self.settings, make_message(document), self.log.line)
        return document

    def _write(self, document: Mapping[str, Any]) -> None:
        try:
            write_document(self.settings.exit_file, document)
        except OSError as error:
            self.log.line(f"cannot write {self.settings.exit_file}: {error.strerror}")


def tell_defect(error: Exception, log: RuntimeLog) -> str:
    """Log where an unexpected error comes from, and return the sentence for the user."""
    for line in traceback.format_exception(type(error), error, error.__traceback__):
        log.line(line.rstrip("\n"))
    return log.mask(f"pai-runtime itself failed: {error!r}")


def safely(act: Callable[[], None], log: RuntimeLog) -> None:
    """Do what must cost nothing else where it fails; log where a failure comes from."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - a defect of ours must not cost logs and code
        tell_defect(error, log)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _final_code(document: Mapping[str, Any], outcome: Outcome) -> int:
    """Return the status to end with: a failure is never 0, also not by a cut to eight bits."""
    code = _number(document["exitCode"])
    if code is None or code < 0 or code > 255:
        return 255
    return code or outcome.exit_code
