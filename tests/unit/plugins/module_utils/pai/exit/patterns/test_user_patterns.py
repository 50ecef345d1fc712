"""Failure patterns of a job and of a cluster: checked at the start, used at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.diagnosis import (
    Doctor,
    Given,
    Source,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns import (
    catalogue,
    user_patterns,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import Log
from tests.unit.playbooks import ROOT

FILE, collect = user_patterns.FILE, user_patterns.collect
with_user_patterns, load_catalogue = user_patterns.with_user_patterns, catalogue.load_catalogue
CATALOGUE = ROOT / "catalogue"


def entry(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    chosen = list(rules or ({"userLogRegex": "LICENSE ERROR: no free seat"},))
    return {
        "code": 237,
        "phrase": "LicenceServerFull",
        "reason": "All licences are in use.",
        "pattern": {"runtimeContainerPatterns": chosen},
        **fields,
    }


def of_job(*entries: Any) -> dict[str, Any]:
    return {"failurePatterns": list(entries)}


def phrase(work: Path, log: str, code: int = 1) -> str | None:
    """Return what the catalogue and the kept patterns find in a log."""
    every = with_user_patterns(load_catalogue(CATALOGUE), work)
    assert every.problems == ()
    doctor = Doctor(every.entries, every.hints)
    assert doctor.broken == {}
    found = doctor.diagnose([Source(Log(log.encode()))], Given(code, {"exitCode": code}))
    return found.best.entry.phrase if found else None


def keep(work: Path, *entries: Any) -> None:
    found = collect(of_job(*entries), None, CATALOGUE)
    assert found.problems == ()
    (work / FILE).write_text(str(found.content))


def test_without_patterns_nothing_is_kept() -> None:
    assert collect(None, None, CATALOGUE).content is None
    assert collect({"failurePatterns": []}, None, CATALOGUE).content is None


def test_an_entry_says_only_what_is_its_own() -> None:
    kept = json.loads(str(collect(of_job(entry()), None, CATALOGUE).content))
    meaning = {"type": "USER_FAILURE", "behavior": "PERMANENT", "reaction": "NEVER_RETRY"}
    assert kept == [{**entry(), **meaning}]


def test_the_clusters_come_first_and_the_jobs_may_not_repeat_them(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(yaml.safe_dump([entry(phrase="Second")]))
    (tmp_path / "a.yml").write_text(yaml.safe_dump([entry(phrase="First")]))
    found = collect(of_job(entry(phrase="Third"), entry(phrase="First")), tmp_path, CATALOGUE)
    assert [fields["phrase"] for fields in found.entries] == ["First", "Second", "Third"]
    assert found.problems == (
        f"extras.failurePatterns: First: the phrase is that of an entry of {tmp_path}/a.yml: "
        "First; the entry is not used",
    )


def test_the_example_of_the_readme_can_be_used() -> None:
    text = (CATALOGUE.parent / "roles" / "failure_analysis" / "README.md").read_text()
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    found = collect({"failurePatterns": example}, None, CATALOGUE)
    assert (found.problems, len(found.entries)) == ((), 1)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("LICENSE", "extras.failurePatterns: not a list of entries; start every entry with"),
        (["LICENSE"], "extras.failurePatterns: entry 1: 'LICENSE' is not a mapping"),
        (
            [entry({"userLogRegex": "(seat"})],
            "extras.failurePatterns: LicenceServerFull: pattern 1: userLogRegex '(seat' is not a "
            "valid RE2 expression: missing ): (seat; the entry is not used",
        ),
        (
            [entry({"userLogRegex": "(a+)+$"})],
            "extras.failurePatterns: LicenceServerFull: pattern 1: userLogRegex '(a+)+$' has no "
            "words that must occur; write words of the message; the entry is not used",
        ),
        (
            [entry({"userLogRegex": ".*"})],
            "extras.failurePatterns: LicenceServerFull: pattern 1: userLogRegex '.*' matches "
            "everything; write words of the message; the entry is not used",
        ),
        (
            [entry({"userLogRegex": "no free seat", "match": ["none free"]})],
            "extras.failurePatterns: LicenceServerFull: pattern 1: userLogRegex 'no free seat' "
            "does not match its own 'none free'; the entry is not used",
        ),
        (
            [entry({"userLogRegexp": "no free seat"})],
            "extras.failurePatterns: LicenceServerFull: pattern 1: unknown condition "
            "'userLogRegexp'; the entry is not used",
        ),
        (
            [entry(code=210)],
            "extras.failurePatterns: LicenceServerFull: code 210 is reserved for "
            "FrameworkController; use another one, such as 237; the entry is not used",
        ),
        ([{"code": 237}], "extras.failurePatterns: entry 1: pattern is missing; the entry is not"),
        (
            [entry(phrase="ContainerCudaOOMKilled")],
            "extras.failurePatterns: ContainerCudaOOMKilled: the phrase is that of an entry of the "
            "catalogue; the entry is not used",
        ),
        (
            [entry(behavior="TRANSIENT")],
            "extras.failurePatterns: LicenceServerFull: code 237 means USER_FAILURE, TRANSIENT, "
            "NEVER_RETRY here and USER_FAILURE, PERMANENT, NEVER_RETRY in another entry; the entry",
        ),
    ],
    ids=lambda value: str(value)[24:90],
)
def test_a_broken_pattern_is_told_and_the_others_work(written: Any, problem: str) -> None:
    good = entry(phrase="Good")
    value = [*written, good] if isinstance(written, list) else written
    found = collect({"failurePatterns": value}, None, CATALOGUE)
    assert found.problems
    assert found.problems[0].startswith(problem)
    assert all("\n" not in line for line in found.problems)
    used = ["Good"] if isinstance(written, list) else []
    assert [fields["phrase"] for fields in found.entries] == used


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert collect(None, tmp_path / "none", CATALOGUE).problems == (
        f"PAI_FAILURE_PATTERNS: {tmp_path}/none: there is no such directory; name one with *.yml",
    )
    (tmp_path / "1.yml").write_text("a: [")
    assert collect(None, tmp_path, CATALOGUE).problems[0].startswith(f"{tmp_path}/1.yml: line 2")


def test_far_too_many_are_cut_off() -> None:
    found = collect(of_job(*(entry(phrase=f"P{n}") for n in range(202))), None, CATALOGUE)
    assert len(found.entries) == 200
    assert found.problems == (
        "extras.failurePatterns: P200: more than 200 entries; this and those after it are not used",
    )


LOG = "step 1\nRuntimeError: CUDA error: out of memory\nLICENSE ERROR: no free seat\nbye\n"


@pytest.mark.parametrize(
    ("weight", "expected"), [(20, "ContainerCudaOOMKilled"), (100, "LicenceServerFull")]
)
def test_they_rank_by_their_weight_with_the_catalogue(
    weight: int, expected: str, tmp_path: Path
) -> None:
    assert phrase(tmp_path, LOG) == "ContainerCudaOOMKilled"
    keep(tmp_path, entry(weight=weight, category="framework-error"))
    assert phrase(tmp_path, LOG) == expected


@pytest.mark.parametrize(
    ("rule", "log", "code"),
    [
        ({"userLogRegex": "(?i)no free (?:seat|chair)"}, "E: No FREE chair\n", 1),
        ({"userLogRegex": r"\d+ seats?\b"}, "waits for 12 seats\n", 1),
        (
            {"exception": "^solver\\.SeatError: "},
            'Traceback (most recent call last):\n  File "a.py"'
            ", line 1, in <module>\n    run()\nsolver.SeatError: none\n",
            1,
        ),
        ({"exitCode": 77}, "bye\n", 77),
        ({"exitCode": 77, "userLogRegex": "no free seat"}, "no free seat\n", 77),
        ({"facts": "exitCode == `77`"}, "bye\n", 77),
    ],
    ids=["words", "a word of few letters", "an exception", "a code", "both", "facts"],
)
def test_every_condition_works(rule: dict[str, Any], log: str, code: int, tmp_path: Path) -> None:
    assert phrase(tmp_path, log, code) != "LicenceServerFull"
    keep(tmp_path, entry(rule, weight=95))
    assert phrase(tmp_path, log, code) == "LicenceServerFull"


def test_noise_of_the_users_own_is_no_failure(tmp_path: Path) -> None:
    log = "RuntimeError: CUDA out of memory (is what we test here)\n"
    assert phrase(tmp_path, log) == "ContainerCudaOOMKilled"
    keep(tmp_path, entry({"userLogRegex": "what we test here"}, role="noise"))
    assert phrase(tmp_path, log) is None


def test_without_a_file_the_catalogue_stays_as_it_is(tmp_path: Path) -> None:
    catalogue = load_catalogue(CATALOGUE)
    assert with_user_patterns(catalogue, tmp_path) is catalogue


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", ": not used: Expecting property name"),
        ("{}", ": not a list of entries"),
        ('[{"code": 0}]', ": entry 1: no code of a container; the entry is not used"),
        ("[[]]", ": entry 1: '[]' is not a mapping"),
    ],
)
def test_a_damaged_file_is_a_problem_and_the_catalogue_works(
    content: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(content)
    catalogue = load_catalogue(CATALOGUE)
    every = with_user_patterns(catalogue, tmp_path)
    assert every.entries == catalogue.entries
    assert len(every.problems) == 1
    assert every.problems[0].startswith(f"{tmp_path}/{FILE}{problem}")
