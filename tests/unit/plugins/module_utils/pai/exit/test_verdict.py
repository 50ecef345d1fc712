"""Which number and which words a task ends with, as a table."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry, Pattern
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.outcome import Outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import Log
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import Hit
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.verdict import (
    Evidence,
    Verdict,
    decide,
    first_match,
)


def evidence(user: str = "", platform: str = "", gpu: str | None = None) -> Evidence:
    return Evidence(
        Log(user.encode()),
        {word: Hit(0, 1) for word in user.split()},
        Log(platform.encode()),
        {word: Hit(0, 1) for word in platform.split()},
        lambda: gpu,
    )


OOM = Pattern(user_log="oom")
CATALOGUE = (
    Entry(254, "ContainerImageNotExists"),
    Entry(253, "ContainerPortConflict"),
    Entry(242, "RuntimePluginFailed"),
    Entry(242, "RuntimeStartFailed"),
    Entry(242, "RuntimeExitFailed"),
    Entry(237, "JobConfigRefused"),
    Entry(226, "ContainerCudaOOMKilled", patterns=(OOM,)),
    Entry(236, "ContainerMemoryExceeded", patterns=(Pattern(137, platform_log="memory"),)),
    Entry(220, "CommandNotFound", patterns=(Pattern(127),)),
    Entry(137, "ContainerSigKillReceived", patterns=(Pattern(137),)),
    Entry(143, "ContainerStopRequested"),
    Entry(137, "ContainerStopExceededGrace"),
    Entry(255, "PAIRuntimeUnknownFailed"),
)
SPEC = (
    Entry(137, "ContainerSigKillReceived", patterns=(Pattern(137),)),
    Entry(226, patterns=(OOM,)),
    Entry(253, "ContainerPortConflict"),
    Entry(77, "SiteLicence", reason="No licence.", patterns=(Pattern(127, user_log="licence"),)),
    Entry(78, patterns=(Pattern(user_log="other"),)),
    Entry(79, "SiteMisuse", patterns=(Pattern(2),)),
)


def ended(code: int, **fields: object) -> Outcome:
    return dataclasses.replace(Outcome(code), **fields)


def verdict(
    outcome: Outcome, mode: str, user: str = "", platform: str = "", spec: tuple = SPEC
) -> Verdict:
    seen = evidence(user, platform)
    number = first_match(spec if mode == "spec" else (), outcome.exit_code, seen)
    words = first_match(CATALOGUE, outcome.exit_code, seen)
    return decide(outcome, mode, number, words, CATALOGUE)


START, EXIT = {"stage": "start"}, {"stage": "exit"}
UNKNOWN, OOM_PHRASE = "PAIRuntimeUnknownFailed", "ContainerCudaOOMKilled"


@pytest.mark.parametrize(
    ("outcome", "log", "spec", "preserve", "catalogue", "phrase"),
    [
        pytest.param(ended(0), "oom", 0, 0, 0, "Succeeded", id="success, whatever the log says"),
        pytest.param(
            ended(0, stopped=True), "", 0, 0, 0, "SucceededAfterStop", id="success when stopped"
        ),
        pytest.param(ended(1), "oom", 226, 1, 226, OOM_PHRASE, id="a known failure"),
        pytest.param(ended(1), "", 255, 1, 255, UNKNOWN, id="an unknown failure"),
        pytest.param(
            ended(137, signal=9), "", 137, 137, 137, "ContainerSigKillReceived", id="a signal"
        ),
        pytest.param(
            ended(137), "memory", 137, 137, 236, "ContainerMemoryExceeded",
            id="a signal of which more is known: the spec keeps its number, our words are better",
        ),
        pytest.param(
            ended(129, signal=1), "", 129, 129, 129, UNKNOWN, id="a signal that no list has"
        ),
        pytest.param(ended(127), "", 255, 127, 220, "CommandNotFound", id="a shell's code"),
        pytest.param(
            ended(127), "licence", 77, 127, 220, "SiteLicence|CommandNotFound",
            id="a site's own entry that saw more than our exit code",
        ),
        pytest.param(
            ended(1), "other", 78, 1, 255, f"ExitCode78|{UNKNOWN}", id="a spec without words"
        ),
        pytest.param(
            ended(143, signal=15, stopped=True), "oom", 226, 143, 143, "ContainerStopRequested",
            id="stopped: what the log says then is a consequence",
        ),
        pytest.param(
            ended(137, signal=9, stopped=True), "", 137, 137, 137, "ContainerStopExceededGrace",
            id="stopped and not ended in time",
        ),
        pytest.param(
            ended(253, **START), "oom", 253, 253, 253, "ContainerPortConflict",
            id="a code of our own start, in every mode",
        ),
        pytest.param(
            ended(253, plugin="cmd", **START), "", 255, 253, 242, "RuntimePluginFailed",
            id="a user's pre-command that happens to end with such a code",
        ),
        pytest.param(
            ended(253), "", 255, 253, 255, UNKNOWN, id="a user's command that does"
        ),
        pytest.param(
            ended(128, plugin="git", **START), "", 255, 128, 242, "RuntimePluginFailed",
            id="a plugin",
        ),
        pytest.param(
            ended(1, plugin="cmd", **START), "oom", 226, 1, 226, OOM_PHRASE,
            id="a plugin whose output is known",
        ),
        pytest.param(ended(1, **START), "", 255, 1, 242, "RuntimeStartFailed", id="our start"),
        pytest.param(
            ended(2, **START), "", 255, 2, 242, "RuntimeStartFailed",
            id="our start, with a code that the spec knows of commands",
        ),
        pytest.param(
            ended(2, plugin="cmd", **START), "", 79, 2, 242, "SiteMisuse|RuntimePluginFailed",
            id="a pre-command with that code",
        ),
        pytest.param(
            ended(1, **START), "other", 78, 1, 242, "ExitCode78|RuntimeStartFailed",
            id="our start, with words in the log that the spec knows",
        ),
        pytest.param(
            ended(1, refused=True, **START), "oom", 255, 1, 237, "JobConfigRefused",
            id="a refused job, whatever the log says",
        ),
        pytest.param(ended(1, **EXIT), "", 255, 1, 242, "RuntimeExitFailed", id="our exit"),
        pytest.param(
            ended(3, plugin="cmd", **EXIT), "", 255, 3, 242, "RuntimePluginFailed",
            id="a post-command",
        ),
        pytest.param(ended(256), "", 255, 255, 255, UNKNOWN, id="no byte: would end as success"),
        pytest.param(ended(-9), "", 255, 255, 255, UNKNOWN, id="negative"),
    ],
)  # fmt: skip
def test_the_verdict(
    outcome: Outcome, log: str, spec: int, preserve: int, catalogue: int, phrase: str
) -> None:
    results = {mode: verdict(outcome, mode, log, log) for mode in ("spec", "preserve", "catalogue")}
    codes = {mode: result.exit_code for mode, result in results.items()}
    assert codes == {"spec": spec, "preserve": preserve, "catalogue": catalogue}
    by_spec, _, ours = phrase.partition("|")
    assert results["spec"].words.phrase == by_spec
    assert results["preserve"].words.phrase == (ours or by_spec)


def test_the_match_that_gave_the_words_is_shown() -> None:
    assert verdict(ended(1), "spec", "oom").match.entry is CATALOGUE[6]
    assert verdict(ended(127), "spec", "licence").match.entry is SPEC[3]
    assert verdict(ended(1), "spec").match is None


def test_without_a_catalogue_a_verdict_is_still_there() -> None:
    for outcome in (ended(1), ended(1, **START), ended(143, signal=15, stopped=True)):
        result = decide(outcome, "catalogue", None, None, ())
        assert result.words.phrase == UNKNOWN
        assert 1 <= result.exit_code <= 255


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        pytest.param(Pattern(), False, id="nothing matches nothing"),
        pytest.param(Pattern(1), True, id="the exit code"),
        pytest.param(Pattern(2), False, id="another exit code"),
        pytest.param(Pattern(1, "oom"), True, id="code and log"),
        pytest.param(Pattern(2, "oom"), False, id="only the log"),
        pytest.param(Pattern(1, "none"), False, id="only the code"),
        pytest.param(Pattern(user_log="oom", platform_log="barrier"), True, id="both logs"),
        pytest.param(Pattern(user_log="barrier"), False, id="the other log"),
        pytest.param(Pattern(user_log="oom", platform_log="none"), False, id="only one log"),
        pytest.param(Pattern(gpu_double_ecc=True), True, id="the GPU"),
        pytest.param(Pattern(2, gpu_double_ecc=True), False, id="only the GPU"),
    ],
)
def test_every_condition_must_hold(pattern: Pattern, holds: bool) -> None:
    seen = evidence("oom", "barrier", gpu="GPU 0")
    entries = (Entry(9, patterns=(Pattern(user_log="none"), pattern)),)
    assert (first_match(entries, 1, seen) is not None) is holds


def test_any_pattern_is_enough_and_the_first_entry_wins() -> None:
    entries = (
        Entry(1, patterns=(Pattern(user_log="none"),)),
        Entry(2, patterns=(Pattern(user_log="none"), OOM)),
        Entry(3, patterns=(OOM,)),
    )
    assert first_match(entries, 1, evidence("oom")).entry.code == 2


def test_the_gpu_is_asked_only_where_a_pattern_wants_to_know() -> None:
    def never() -> str | None:
        raise AssertionError

    seen = dataclasses.replace(evidence("oom"), gpu=never)
    entries = (Entry(1, patterns=(Pattern(2, gpu_double_ecc=True),)), Entry(2, patterns=(OOM,)))
    assert first_match(entries, 1, seen).entry.code == 2


def test_a_phrase_of_the_specs_own_is_never_explained_as_another_failure_of_that_code() -> None:
    own = Entry(
        236, "LicenseServerDown", reason="It is down.", patterns=(Pattern(user_log="licence"),)
    )
    match = first_match((own,), 1, evidence("licence"))
    verdict = decide(ended(1), "spec", match, None, CATALOGUE)
    assert (verdict.exit_code, verdict.words) == (236, own)
