# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose among what may be the reason of a failure the one that is.

A cause comes before a cascade, which only says that something else failed. Of causes the earliest
wins, since the others may follow from it, unless a later one is clearly more precise.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from .candidates import Candidate

#: Below this weight nothing is said.
LEAST = 20.0
#: How much more a later one must weigh than an error, a plain line, or a warning before it.
_MARGINS = {1: 15.0, 0: 10.0, -1: 0.0}
#: Weight that is lost by bytes of log between a candidate and the last one, and how much at most.
_FAR, _FAR_LOSS = 4000, 25.0
#: What only one process sees when another one failed.
PEERS = frozenset(("collective-timeout", "nccl-error", "rendezvous-failure", "mpi-error", "abort"))
_PEER_LOSS, _OWN_WEIGHT = 30.0, 40.0
#: But what weighs so much says that it is the cause itself.
SURE = 90
#: What follows from a failure before it, where that is precise.
_FETCHING = (
    "network",
    "http-error",
    "auth-error",
    "disk-full",
    "read-only-fs",
    "permission-denied",
)
_FOLLOWS = {
    "import-error": (*_FETCHING, "compile-error", "missing-library"),
    "command-not-found": (*_FETCHING, "compile-error"),
    "file-not-found": _FETCHING,
    "python-error": (*_FETCHING, "file-not-found", "corrupt-file", "storage-io"),
}
_PRECISE = 38.0
#: Words that tell that something is being installed or fetched.
_INSTALLS = re.compile(
    r"(?i)\bpip\b|/simple/|\bconda\b|\bapt\b|\bwheel\b|install|\bclon|\bgit\b|download|fetch|\bRetry\(|"
    r"\bcurl\b|\bwget\b|requirement"
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """The reason, how sure that is (0 to 1), and what else was thought of, best first."""

    best: Candidate
    confidence: float
    runners_up: tuple[Candidate, ...] = ()
    support: tuple[Candidate, ...] = ()


def choose(candidates: Sequence[Candidate]) -> Finding | None:
    """Return the reason among the candidates of all logs, or None: nothing says it."""
    candidates = _without_types_of_cascades(candidates)
    cascades = _cascades(candidates)
    for role, trust in (("root", 1.0), ("cascade", 0.6)):
        logs: dict[int, list[Candidate]] = {}
        for candidate in candidates if role == "root" else cascades:
            if candidate.entry.role == role:
                logs.setdefault(candidate.log, []).append(candidate)
        weighed = [_weighed(each) for each in logs.values()]
        winners = [winner for each in weighed if (winner := _first_cause(each))]
        if winners:
            best = max(winners, key=lambda winner: winner.weight)
            told = [each for each in cascades if each.category == best.category]
            if not best.text and best.pattern.exit_code is not None and told:
                best = told[0]  # the log tells more of it than the exit code alone
            return _finding(best, [each for log in weighed for each in log], trust)
    return None


def doubted(finding: Finding) -> Finding:
    """Return the finding with half of its confidence."""
    return dataclasses.replace(finding, confidence=round(finding.confidence / 2, 2))


def _without_types_of_cascades(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Leave out causes on a line that surely is a cascade: there they know only its type."""
    echoes: dict[tuple[int, object], float] = {}
    for each in candidates:
        if each.entry.role == "cascade":
            key = each.log, each.raised or each.place
            echoes[key] = max(each.weight, echoes.get(key, 0.0))
    return [
        each
        for each in candidates
        if each.entry.role == "cascade"
        or each.weight >= echoes.get((each.log, each.raised or each.place), 0.0)
    ]


def _cascades(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the cascades; that others were stopped says nothing where one is said to fail."""
    cascades = [each for each in candidates if each.entry.role == "cascade"]
    failed = any(each.category == "unknown" for each in cascades)
    return [each for each in cascades if not (failed and each.category == "preempted")]


def _weighed(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return one candidate of each exception and line, in order, with what its place costs."""
    best: dict[object, Candidate] = {}
    for candidate in candidates:
        key = candidate.raised or candidate.place
        known = best.get(key)
        if known is None or candidate.weight > known.weight:
            best[key] = candidate
    ordered = sorted(best.values(), key=lambda candidate: candidate.place)
    last = ordered[-1].place
    near = [dataclasses.replace(each, weight=_nearness(each, last)) for each in ordered]
    own = any(
        each.category not in PEERS and each.certain >= 0 and each.weight >= _OWN_WEIGHT
        for each in near
    )
    loss = _PEER_LOSS if own else 0.0
    lowered = [
        dataclasses.replace(each, weight=max(LEAST, each.weight - loss))
        if each.category in PEERS and each.entry.weight < SURE
        else each
        for each in near
    ]
    return [each for each in lowered if each.weight >= LEAST]


def _nearness(candidate: Candidate, last: int) -> float:
    """Return what a candidate weighs so far from the last one.

    An exception that nothing handled ended a process, however much others wrote after it.
    """
    weight = candidate.weight - min(_FAR_LOSS, (last - candidate.place) / _FAR)
    ended = candidate.place < 0 and candidate.raised is not None and candidate.certain > 0
    return max(weight, min(LEAST, candidate.weight)) if ended else weight


def _first_cause(candidates: Sequence[Candidate]) -> Candidate | None:
    best: Candidate | None = None
    for candidate in candidates:
        if best is None or _beats(candidate, best):
            best = candidate
    return _cause_of(best, candidates) if best else None


def _beats(later: Candidate, best: Candidate) -> bool:
    return later.weight > best.weight + _MARGINS[best.certain]


def _cause_of(best: Candidate, candidates: Sequence[Candidate]) -> Candidate:
    """Return what the best one follows from, where that stands before it."""
    causes = _FOLLOWS.get(best.category, ())
    for candidate in candidates:
        if candidate.place >= best.place:
            break
        precise = candidate.weight >= _PRECISE and candidate.category in causes
        if precise and (candidate.certain >= 0 or _INSTALLS.search(candidate.text)):
            return candidate
    return best


def _finding(best: Candidate, candidates: Sequence[Candidate], trust: float) -> Finding:
    others = [each for each in candidates if each.category != best.category]
    ranked = sorted(others, key=lambda each: -each.weight)
    runners: dict[str, Candidate] = {}
    for each in ranked:
        runners.setdefault(each.entry.phrase, each)
    support = [each for each in candidates if each.entry is best.entry and each is not best]
    gap = best.weight - (ranked[0].weight if ranked else LEAST)
    confidence = trust * min(0.97, max(0.2, best.weight / 100 + min(0.1, gap / 200)))
    return Finding(best, round(confidence, 2), tuple(runners.values())[:3], tuple(support[:3]))
