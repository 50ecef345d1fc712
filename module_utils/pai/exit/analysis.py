# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain how a task ended: read what it left behind, search it, decide, and report."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from ..masking import Masker
from .context import Excerpt
from .diagnosis import Doctor, Given, Source
from .digests.digest_look import look_back
from .facts import gather
from .facts.gather import Gathering, Scene
from .model import Entries, Entry
from .outcome import Outcome, read_json, read_outcome, with_failures
from .patterns.catalogue import load_catalogue
from .patterns.user_patterns import with_user_patterns
from .places import hit_of
from .ranking import Finding
from .reading.logs import Log, part
from .report import excerpts, report
from .search.scan import Scanner
from .shown import Facts
from .sources import Sources, read_masker, read_platform_log, read_spec, read_user_log
from .verdict import Evidence, Match, Verdict, decide, first_match


@dataclasses.dataclass(frozen=True)
class Analysis:
    """The content of exit.json, and what could not be read or used on the way.

    ``excerpts`` are what a page shows of the logs, masked.
    """

    report: dict[str, object]
    problems: tuple[str, ...]
    masker: Masker
    excerpts: tuple[Excerpt, ...] = ()


def analyse(
    sources: Sources,
    ask_gpu: Callable[[], str | None] | None = None,
    look: Callable[[Scene], Gathering] = Gathering,
) -> Analysis:
    """Return the explanation; whatever is damaged or missing is a problem, never an error.

    ``look`` gathers the facts; ``ask_gpu`` replaces what they say of the GPUs' memory.
    """
    problems: list[str] = []
    outcome = with_failures(read_outcome(sources.outcome, problems), sources.plugin_failures)
    masker = read_masker(sources.work_dir / "secrets.json", problems)
    # A start that failed early has not written it; that is no news.
    job = read_json(sources.work_dir / "job.json", [] if outcome.stage == "start" else problems)
    if outcome.succeeded:
        facts = Facts(outcome, job, Log(), Log())
        verdict = decide(outcome, "preserve", None, None, ())
    else:
        seen = _seen(sources, outcome, look)
        user = read_user_log(sources.log_dir, problems)
        platform = read_platform_log(sources.log_dir, problems)
        facts = Facts(outcome, job, user, platform, seen)
        asked = functools.lru_cache(ask_gpu or (lambda: gather.broken_gpus(seen())))
        verdict, facts = _verdict(sources, facts, asked, problems)
    shown = report(facts, verdict, masker, problems)
    marked = excerpts(facts, verdict, masker)
    return Analysis(shown, tuple(problems), masker or Masker([]), marked)


def _seen(
    sources: Sources, outcome: Outcome, look: Callable[[Scene], Gathering]
) -> Callable[[], dict[str, Any]]:
    """Return what tells the facts: those of the first look, which is under way where it is new."""
    known = gather.earlier(sources.log_dir / "exit.json", sources.outcome, outcome.started_at)
    if known:
        return lambda: known
    scene = Scene(sources.work_dir, sources.log_dir, outcome.started_at, outcome.ended_at)
    return functools.lru_cache(look(scene).facts)


def _verdict(
    sources: Sources, facts: Facts, ask_gpu: Callable[[], str | None], problems: list[str]
) -> tuple[Verdict, Facts]:
    """Return the verdict, and the facts with the part of the log that shows what it rests on."""
    catalogue = with_user_patterns(load_catalogue(sources.catalogue), sources.work_dir)
    spec, mode = read_spec(sources, problems)
    problems += [*spec.problems, *catalogue.problems]
    number = _number(spec.entries, facts, ask_gpu, problems)
    words, facts = _words(catalogue, facts, ask_gpu, problems)
    return decide(facts.outcome, mode, number, words, catalogue.entries), facts


def _number(
    spec: tuple[Entry, ...], facts: Facts, ask_gpu: Callable[[], str | None], problems: list[str]
) -> Match | None:
    """Return the first entry of the exit spec that holds."""
    scanner = Scanner(
        regex
        for entry in spec
        for pattern in entry.patterns
        for regex in (pattern.user_log, pattern.platform_log)
        if regex is not None
    )
    problems += _broken(spec, "exit spec", scanner.broken)
    user, platform = facts.user_log, facts.platform_log
    hits = scanner.search(user.text), scanner.search(platform.text)
    evidence = Evidence(user, hits[0], platform, hits[1], ask_gpu)
    return first_match(spec, facts.outcome.exit_code, evidence)


def _words(
    catalogue: Entries, facts: Facts, ask_gpu: Callable[[], str | None], problems: list[str]
) -> tuple[Match | None, Facts]:
    """Return what the catalogue finds, and the facts with the part of the log that shows it."""
    doctor = Doctor(catalogue.entries, catalogue.hints)
    problems += _broken(catalogue.entries, "catalogue", doctor.broken)
    outcome, user, platform = facts.outcome, facts.user_log, facts.platform_log
    command = outcome.stage == "command"
    # Before and after the command, what failed wrote into the platform's log.
    own, other = (user, platform) if command else (platform, user)
    logs = [Source(own, user=True, platform=not command)]
    logs += [Source(other, user=False, platform=True)] if command else []
    whole = [
        dataclasses.replace(each, log=look_back(each.log, doctor.scanner, problems))
        for each in logs
    ]
    given = Given(outcome.exit_code, {**facts.seen(), **outcome.facts}, ask_gpu)
    try:
        finding = doctor.diagnose(whole, given)
    except OSError as error:
        problems.append(f"log {own.path}: {error.strerror}")
        finding = None
    match = _of_torch(doctor, given, finding)
    if match or finding is None:
        return match, facts
    log = finding.best.log
    match, facts = _match(finding, facts, logs[log].log, whole[log].log, ask_gpu)
    return dataclasses.replace(match, logs=tuple(each.log for each in whole)), facts


def _of_torch(doctor: Doctor, given: Given, known: Finding | None) -> Match | None:
    """Return what PyTorch's error file says where the logs have no cause of their own.

    Its launcher may write the workers' output to files that are no log of ours.
    """
    error = given.facts.get("torchError")
    cause = known is not None and known.best.entry.role == "root" and known.best.pattern.observed
    if cause or not isinstance(error, dict):
        return None
    text = f"{error.get('traceback') or error.get('message')}\n"
    log = Log(text.encode(errors="replace"))
    found = doctor.diagnose([Source(log)], given)
    if found is None or not found.best.text:
        return None
    nowhere = Evidence(Log(), {}, Log(), {}, given.gpu)
    return Match(found.best.entry, found.best.pattern, nowhere, found, (log,))


def _match(
    finding: Finding, facts: Facts, log: Log, whole: Log, ask_gpu: Callable[[], str | None]
) -> tuple[Match, Facts]:
    best = finding.best
    shown, place = part(whole, best.place) if best.place < 0 else (log, best.place)
    hit = hit_of(best, shown.text, place) if best.text else None
    if log is facts.user_log:
        facts = dataclasses.replace(facts, user_log=shown)
    else:
        facts = dataclasses.replace(facts, platform_log=shown)
    where = {best.pattern.user_log or "": hit} if hit else {}
    evidence = Evidence(shown, where, facts.platform_log, {}, ask_gpu, whole_lines=True)
    return Match(best.entry, best.pattern, evidence, finding), facts


def _broken(entries: tuple[Entry, ...], source: str, broken: Mapping[str, str]) -> list[str]:
    return [
        f"{source}: {entry.phrase or 'entry'} ({entry.code}), pattern {number}: {regex!r} is not "
        f"a valid RE2 expression: {broken[regex]}; the pattern is skipped"
        for entry in entries
        for number, pattern in enumerate(entry.patterns, start=1)
        for regex in (pattern.user_log, pattern.platform_log, pattern.exception)
        if regex is not None and regex in broken
    ]
