# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how a task ended: which exit code it gets, and which entry explains it.

The exit spec, where there is one, chooses the number; the catalogue chooses the words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from .model import Entry, Pattern
from .outcome import Outcome
from .ranking import Finding
from .reading.logs import Log
from .search.scan import Hit

SUCCEEDED = Entry(0, "Succeeded", type="USER_SUCCESS", reaction="NEVER_RETRY")
SUCCEEDED_AFTER_STOP = dataclasses.replace(
    SUCCEEDED,
    phrase="SucceededAfterStop",
    reason="The runtime was told to stop, and the command ended with exit code 0.",
)
#: What an installation without a catalogue still says.
UNKNOWN = Entry(255, "PAIRuntimeUnknownFailed", reason="The command failed; the log may say why.")

#: Codes with which our own start ends (barrier, ports, image, ssh): fixed in every mode.
OWN_CODES = range(249, 255)
#: Whose failures those codes stand for; a user's plugin that ends with one means something else.
_OWN_STEPS = (None, "ssh", "gang_barrier", "preflight")

# Entries of the catalogue that no pattern finds: the outcome itself says that they hold.
STOPPED = "ContainerStopRequested"
STOPPED_LATE = "ContainerStopExceededGrace"
PLUGIN_FAILED = "RuntimePluginFailed"
START_FAILED = "RuntimeStartFailed"
REFUSED = "JobConfigRefused"
EXIT_FAILED = "RuntimeExitFailed"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the logs and the GPU show; the GPU is asked only where a pattern wants to know.

    With ``whole_lines`` a report shows a match up to the end of its line: our own patterns
    recognise, what they recognise is told after them. An exit spec's patterns mean what they say.
    """

    user_log: Log
    user_hits: Mapping[str, Hit]
    platform_log: Log
    platform_hits: Mapping[str, Hit]
    gpu: Callable[[], str | None]
    whole_lines: bool = False


@dataclasses.dataclass(frozen=True)
class Match:
    """An entry with a pattern that holds, that pattern, and what it was held against.

    ``finding`` tells of a catalogue's entry why it was chosen, in which ``logs``.
    """

    entry: Entry
    pattern: Pattern
    evidence: Evidence
    finding: Finding | None = None
    logs: tuple[Log, ...] = ()


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The number for the scheduler, the words for people, and what both rest on."""

    exit_code: int
    words: Entry
    match: Match | None = None


def decide(
    outcome: Outcome,
    mode: str,
    number: Match | None,
    words: Match | None,
    catalogue: tuple[Entry, ...],
) -> Verdict:
    """Return the verdict from the spec's first match and the catalogue's best (``words``).

    ``mode`` is ``spec``, ``preserve`` or ``catalogue``.
    """
    if outcome.succeeded:
        return Verdict(0, SUCCEEDED_AFTER_STOP if outcome.stopped else SUCCEEDED)
    number = None if _ours(outcome, number) else number
    certain = _certain(outcome, catalogue)
    entry = certain or _explanation(outcome, number, words, catalogue)
    if outcome.stage == "start" and certain and certain.code in OWN_CODES:
        code = certain.code
    else:
        code = {"spec": _spec_code, "catalogue": _catalogue_code}.get(mode, _own_code)(
            outcome, number, entry
        )
    shown = words if words and words.entry is entry else number
    return Verdict(code if 1 <= code <= 255 else 255, entry, shown)


def first_match(entries: tuple[Entry, ...], exit_code: int, evidence: Evidence) -> Match | None:
    """Return the first entry, in order, with a pattern of which every condition holds."""
    for entry in entries:
        for pattern in entry.patterns:
            if _holds(pattern, exit_code, evidence):
                return Match(entry, pattern, evidence)
    return None


def _holds(pattern: Pattern, exit_code: int, evidence: Evidence) -> bool:
    if pattern.empty or pattern.exit_code not in (None, exit_code):
        return False
    if pattern.user_log is not None and pattern.user_log not in evidence.user_hits:
        return False
    if pattern.platform_log is not None and pattern.platform_log not in evidence.platform_hits:
        return False
    return not pattern.gpu_double_ecc or evidence.gpu() is not None


def _certain(outcome: Outcome, catalogue: tuple[Entry, ...]) -> Entry | None:
    """Return the entry that the outcome alone proves, whatever the logs say."""
    if outcome.refused:
        return _by_phrase(catalogue, REFUSED)
    if outcome.stopped:
        return _by_phrase(catalogue, STOPPED_LATE if outcome.signal == 9 else STOPPED)
    own = outcome.stage == "start" and outcome.plugin in _OWN_STEPS
    if own and outcome.exit_code in OWN_CODES:
        return _by_code(catalogue, outcome.exit_code)
    return None


def _ours(outcome: Outcome, number: Match | None) -> bool:
    """Whether a spec's match says nothing: it judges commands, and there was none yet.

    What the spec recognises in the log counts, unless the job was refused; a mere code does not.
    """
    ours = outcome.stage == "start" and outcome.plugin is None
    return outcome.refused or (ours and number is not None and not number.pattern.observed)


def _explanation(
    outcome: Outcome, number: Match | None, words: Match | None, catalogue: tuple[Entry, ...]
) -> Entry:
    if words and (words.pattern.observed or not (number and number.pattern.observed)):
        return words.entry
    if number:
        return _words_of(number.entry, catalogue)
    generic = {"start": START_FAILED, "exit": EXIT_FAILED}.get(outcome.stage)
    phrase = PLUGIN_FAILED if generic and outcome.plugin else generic
    return _by_phrase(catalogue, phrase or "") or _by_phrase(catalogue, UNKNOWN.phrase) or UNKNOWN


def _words_of(entry: Entry, catalogue: tuple[Entry, ...]) -> Entry:
    """Return our words for an entry of the spec, or its own where the catalogue has none."""
    if entry.phrase:  # a phrase of the spec's own has a meaning of its own
        return _by_phrase(catalogue, entry.phrase) or entry
    ours = _by_code(catalogue, entry.code)
    return ours or dataclasses.replace(entry, phrase=f"ExitCode{entry.code}")


def _spec_code(outcome: Outcome, number: Match | None, _entry: Entry) -> int:
    if number:
        return number.entry.code
    return outcome.exit_code if outcome.signalled else UNKNOWN.code


def _catalogue_code(outcome: Outcome, _number: Match | None, entry: Entry) -> int:
    if entry.phrase == UNKNOWN.phrase and outcome.signalled:
        return outcome.exit_code
    return entry.code


def _own_code(outcome: Outcome, _number: Match | None, _entry: Entry) -> int:
    return outcome.exit_code


def _by_phrase(catalogue: tuple[Entry, ...], phrase: str) -> Entry | None:
    return next((entry for entry in catalogue if phrase and entry.phrase == phrase), None)


def _by_code(catalogue: tuple[Entry, ...], code: int) -> Entry | None:
    return next((entry for entry in catalogue if entry.code == code), None)
