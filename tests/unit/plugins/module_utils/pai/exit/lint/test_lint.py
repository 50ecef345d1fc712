"""What lint finds in a catalogue: each defect is named with its place, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.lint.lint import (
    check_directory,
)
from tests.unit.playbooks import ROOT

RULE = {"userLogRegex": "no free seat", "match": ["E: no free seat"], "no_match": ["a free seat"]}
ENTRY = {
    "code": 237,
    "phrase": "LicenceServerFull",
    "category": "framework-error",
    "issuer": "USER_CONTAINER",
    "causer": "USER_CONTAINER",
    "type": "USER_FAILURE",
    "stage": "RUNNING",
    "behavior": "PERMANENT",
    "reaction": "NEVER_RETRY",
    "reason": "All licences are in use.",
    "solution": ["Start the job again later."],
}


def entry(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**ENTRY, "pattern": {"runtimeContainerPatterns": list(rules or (RULE,))}, **fields}


def problems(directory: Path, *entries: Any) -> list[str]:
    (directory / "1.yml").write_text(yaml.safe_dump(list(entries)))
    found = check_directory(directory)[1]
    return [problem.replace(f"{directory}/1.yml: ", "") for problem in found]


def test_a_good_entry_has_no_problem(tmp_path: Path) -> None:
    more = [
        {"exception": r"^LicenceError:", "match": ["LicenceError: no"], "no_match": ["Error: no"]},
        {"exitCode": 77, "facts": "memory.oomKills > `0`"},
        {"gpuInfo": {"nvidiaDoubleEccError": True}},
    ]
    assert problems(tmp_path, entry(RULE, *more)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"code": 256}, "code 256 is not one that a container can end with (1 to 255)"),
        ({"code": True}, "code True is not one that a container can end with (1 to 255)"),
        (
            {"code": 210},
            "code 210 is reserved for FrameworkController; use another one, such as 237",
        ),
        ({"category": "oom"}, "category 'oom' is not one of gpu-oom, host-oom, "),
        ({"reaction": "RETRY"}, "reaction 'RETRY' is not one of ALWAYS_RETRY, "),
        ({"role": "cause"}, "role 'cause' is not one of root, cascade, noise"),
        ({"fault": "nobody"}, "fault 'nobody' is not one of user, platform, unknown"),
        ({"transient": "maybe"}, "transient 'maybe' is not one of true, false, null"),
        ({"weight": 0}, "weight 0 is not a number from 1 to 100"),
        ({"wieght": 50}, "unknown field 'wieght'"),
        ({"solution": []}, "solution is missing"),
        ({"solution": "wait."}, "solution is not a list of steps, each one line"),
        ({"solution": ["Wait."] * 5}, "solution has more than 4 steps or 500 bytes"),
        ({"solution": ["Wait"]}, "a step of the solution is not a sentence with a full stop"),
        ({"reason": "It failed"}, "reason is not a sentence with a full stop"),
        ({"reason": "It\nfailed."}, "reason is not one line of at most 200 bytes"),
        ({"reason": "é" * 101 + "."}, "reason is not one line of at most 200 bytes"),
        ({"pattern": {"patterns": []}}, "pattern has no list runtimeContainerPatterns; write one"),
    ],
    ids=str,
)
def test_a_field_that_cannot_be_used(change: dict[str, Any], expected: str, tmp_path: Path) -> None:
    found = problems(tmp_path, entry(**change))
    assert len(found) == 1
    assert found[0].startswith(f"LicenceServerFull: {expected}")


def test_an_entry_without_a_usable_name_is_told_by_its_number(tmp_path: Path) -> None:
    found = problems(tmp_path, entry(phrase="two words"), 5)
    assert found == [
        "entry 2: '5' is not a mapping",
        "entry 1: phrase 'two words' is not one word of letters and digits",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"userLogRegex": "(seat"},
            "userLogRegex '(seat' is not a valid RE2 expression: missing )",
        ),
        (
            {"userLogRegex": "(?!x)seat"},
            "userLogRegex '(?!x)seat' is not a valid RE2 expression: invalid perl operator: (?!",
        ),
        (
            {"userLogRegex": ".*"},
            "userLogRegex '.*' matches everything; write words of the message",
        ),
        (
            {"userLogRegex": "seat|"},
            "userLogRegex 'seat|' matches everything; write words of the message",
        ),
        (
            {"userLogRegex": r"\w+ \w+ seat|\d{7}"},
            r"userLogRegex '\\w+ \\w+ seat|\\d{7}' has no words that must occur; write words",
        ),
        (
            {"userLogRegex": "seat|(?i)importerror"},
            "userLogRegex 'seat|(?i)importerror' matches a line of a healthy log: 'ImportError is",
        ),
        ({"userLogRegex": "free seat$"}, "userLogRegex 'free seat$' matches its no_match 'a free"),
        ({"userLogRegex": "no seat"}, "userLogRegex 'no seat' does not match its own 'E: no free"),
        ({"userLogRegex": "s" * 1001}, "userLogRegex 'sssss"),
        ({"match": []}, "userLogRegex 'no free seat' has no match lines; write at least one"),
        ({"no_match": []}, "userLogRegex 'no free seat' has no no_match lines; write at least one"),
        ({"match": "E: no free seat"}, "match is not a list of lines"),
        ({"match": ["no free seat\nhere"]}, "userLogRegex 'no free seat' has an example of more"),
        ({"facts": "a["}, "facts 'a[' is not a valid JMESPath expression: "),
        ({"exitcode": 1}, "unknown condition 'exitcode'"),
        ({"exitCode": "1"}, "exitCode '1' is not a number"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_pattern_that_cannot_be_used(
    change: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    found = problems(tmp_path, entry({**RULE, **change}))
    assert found
    assert found[0].startswith(f"LicenceServerFull: pattern 1: {expected}")


def test_a_pattern_without_a_condition(tmp_path: Path) -> None:
    found = problems(tmp_path, entry({"match": ["x"], "no_match": ["y"]}))
    assert found == [
        "LicenceServerFull: pattern 1: it has no condition; write one of userLogRegex, exception, "
        "exitCode, facts"
    ]


def test_a_phrase_names_one_entry(tmp_path: Path) -> None:
    assert problems(tmp_path, entry(), entry()) == [
        "LicenceServerFull: the phrase is not unique; choose another one"
    ]
    (tmp_path / "2.yml").write_text(yaml.safe_dump([entry()]))
    (tmp_path / "1.yml").write_text(yaml.safe_dump([entry()]))
    assert check_directory(tmp_path)[1] == [
        f"{tmp_path}/2.yml: LicenceServerFull: the phrase is not unique; choose another one"
    ]


def test_a_code_means_one_thing_to_a_scheduler(tmp_path: Path) -> None:
    assert problems(tmp_path, entry(), entry(phrase="Other", behavior="TRANSIENT")) == [
        "Other: code 237 means USER_FAILURE, TRANSIENT, NEVER_RETRY here and USER_FAILURE, "
        "PERMANENT, NEVER_RETRY in LicenceServerFull; use another code"
    ]


def seat(regex: str, *lines: str, key: str = "userLogRegex", **fields: Any) -> dict[str, Any]:
    rule = {key: regex, "match": list(lines), "no_match": ["a free seat"]}
    return entry(rule, **fields)


GENERAL = seat("no free", "E: no free seat", phrase="General", weight=60)
PRECISE = {"phrase": "Precise", "category": "network"}


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        pytest.param(GENERAL, seat("no free seat", "E: no free seat", **PRECISE), 1, id="weaker"),
        pytest.param(
            GENERAL,
            seat("^E: no free seat", "E: no free seat", **PRECISE, key="exception"),
            1,
            id="a line of the log that tells an exception",
        ),
        pytest.param(
            {**GENERAL, "role": "noise"},
            seat("no free seat", "E: no free seat", **PRECISE, weight=90),
            1,
            id="noise takes every line, whatever the weight",
        ),
        pytest.param(
            GENERAL,
            seat("no free seat", "E: no free seat", **PRECISE, weight=61),
            0,
            id="more precise",
        ),
        pytest.param(
            GENERAL,
            seat("no (?:free )?seat", "E: no free seat", "E: no seat", **PRECISE),
            0,
            id="a line of its own",
        ),
        pytest.param(
            GENERAL,
            seat("no free seat", "E: no free seat", phrase="Precise"),
            0,
            id="the same category",
        ),
        pytest.param(
            GENERAL,
            seat("no free seat", "E: no free seat", **PRECISE, key="platformLogRegex"),
            0,
            id="another log",
        ),
        pytest.param(
            GENERAL,
            seat("no free seat", "E: no free seat", **PRECISE, role="cascade"),
            0,
            id="another role",
        ),
        pytest.param(
            seat("no free seat", "E: no free seat", **PRECISE), GENERAL, 0, id="the later one wins"
        ),
        pytest.param(
            entry({**RULE, "exitCode": 3}, phrase="General", weight=90),
            seat("no free seat", "E: no free seat", **PRECISE),
            0,
            id="it needs more to hold",
        ),
    ],
)
def test_a_pattern_that_never_counts(
    first: dict[str, Any], second: dict[str, Any], found: int, tmp_path: Path
) -> None:
    told = problems(tmp_path, first, second)
    assert len(told) == found
    for problem in told:
        assert problem.startswith("Precise: ")
        assert " never counts: all its match lines are taken by " in problem
        assert "General (framework-error, weight 60); give it more weight or" in problem


def check_catalogue(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "bin" / "pai-runtime"), "check-catalogue", *words],
        env={"PATH": os.environ["PATH"], "PAI_PYTHON": sys.executable, "LC_ALL": "POSIX"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_tells_every_problem(tmp_path: Path) -> None:
    (tmp_path / "1.yml").write_text(yaml.safe_dump([entry(weight=0, category="é")]))
    (tmp_path / "2.yml").write_text("a: [")
    done = check_catalogue(str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == f"{tmp_path}: 1 entries, 1 patterns, 3 problems\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{tmp_path}/2.yml: line 2, column 1: ")
    assert (
        lines[1] == f"{tmp_path}/1.yml: LicenceServerFull: weight 0 is not a number from 1 to 100"
    )
    assert lines[2].startswith(f"{tmp_path}/1.yml: LicenceServerFull: category ")


def test_the_command_checks_our_own_catalogue_where_none_is_named() -> None:
    done = check_catalogue()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{ROOT}/catalogue: ")
    assert done.stdout.endswith(" patterns, no problem\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["/nowhere"],
            1,
            "/nowhere: there is no catalogue file (*.yml); name a directory with some\n",
        ),
        (
            ["--fast"],
            2,
            "pai-runtime: unrecognized arguments: --fast (see pai-runtime check-catalogue "
            "--help)\n",
        ),
    ],
    ids=["no files", "an unknown option"],
)
def test_what_the_command_cannot_do(words: list[str], code: int, message: str) -> None:
    done = check_catalogue(*words)
    assert (done.returncode, done.stderr) == (code, message)
