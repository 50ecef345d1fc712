"""The exit record is read as it was written, whatever its texts are, and whatever stands beside."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view import exit_record
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    EVIDENCE,
    LIMIT,
    ExitRecord,
    decode,
    of_report,
)

REPORT = {
    "job": "alice~train",
    "taskRole": "worker",
    "taskIndex": 3,
    "exitCode": 1,
    "phrase": "PythonValueWrong",
    "category": "python-error",
    "fault": "user",
    "transient": False,
    "role": "root",
    "stopped": False,
    "message": None,
    "matchedUserLogString": "ValueError: bad batch\n  at x",
    "matchedPlatformLogString": None,
    "matchedGpuInfo": None,
}
MOMENT = "2026-11-24T08:01:00.250Z"
RECORD = ExitRecord(
    "worker-3",
    1,
    ready=True,
    attempt="uid",
    job="alice~train",
    task_role="worker",
    task_index=3,
    phrase="PythonValueWrong",
    category="python-error",
    fault="user",
    transient=False,
    role="root",
    evidence="ValueError: bad batch",
    failed_at=MOMENT,
)


def test_what_exit_json_says_becomes_one_line() -> None:
    record = of_report(REPORT, failed_at=MOMENT, ready=True, attempt="uid")
    assert record == RECORD
    assert record.encode().count("\n") == 0
    assert json.loads(record.encode()) == {
        "alias": "worker-3",
        "exitCode": 1,
        "ready": True,
        "attempt": "uid",
        "job": "alice~train",
        "taskRole": "worker",
        "taskIndex": 3,
        "phrase": "PythonValueWrong",
        "category": "python-error",
        "fault": "user",
        "transient": False,
        "role": "root",
        "evidence": "ValueError: bad batch",
        "stopped": False,
        "failedAt": MOMENT,
    }


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"matchedUserLogString": "\n\n  the line  \nmore"}, "the line"),
        (
            {"matchedUserLogString": None, "matchedPlatformLogString": "from runtime"},
            "from runtime",
        ),
        ({"matchedUserLogString": None, "message": "plugin git: no"}, "plugin git: no"),
        ({"matchedUserLogString": None}, ""),
        ({"evidence": [{"text": "[rank0]: the whole line"}, {}]}, "[rank0]: the whole line"),
        ({"evidence": [{"text": ""}]}, "ValueError: bad batch"),
        ({"evidence": ["odd"]}, "ValueError: bad batch"),
        ({"matchedUserLogString": "é" * 300}, "é" * (EVIDENCE - 1) + "…"),
        ({"matchedUserLogString": "\x1b[31mred\x1b[0m \x07bell"}, "red �bell"),
    ],
    ids=[
        *("first line", "platform's log", "message", "nothing", "whole line", "by a code", "odd"),
        *("long", "colours"),
    ],
)
def test_the_evidence_is_one_readable_line(fields: dict[str, Any], evidence: str) -> None:
    assert of_report({**REPORT, **fields}, failed_at="").evidence == evidence


ALIASES = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(ALIASES, st.integers(0, 255), st.booleans(), st.text())
def test_a_record_is_read_as_it_was_written(
    alias: str, code: int, ready: bool, attempt: str
) -> None:
    record = ExitRecord(alias, code, ready, attempt)
    assert list(decode(f"Welcome!\n{record.encode()}\n")) == [record]
    full = dataclasses.replace(RECORD, alias=alias, exit_code=code, ready=ready, attempt=attempt)
    assert list(decode(full.encode())) == [full]


TEXTS = {
    field.name: ALIASES if field.name == "alias" else st.text(max_size=3000)
    for field in dataclasses.fields(ExitRecord)
    if field.type == "str"
}


@given(st.fixed_dictionaries(TEXTS))
def test_no_record_is_longer_than_4096_bytes(texts: dict[str, str]) -> None:
    record = dataclasses.replace(RECORD, **texts)
    line = record.encode().encode()
    assert len(line) <= LIMIT
    assert b"\n" not in line
    assert len(list(decode(line.decode()))) == 1


def test_what_is_too_long_loses_its_evidence_first() -> None:
    long = dataclasses.replace(RECORD, evidence="x" * 5000)
    [read] = decode(long.encode())
    assert read.alias == RECORD.alias
    assert read.phrase == RECORD.phrase
    assert re.fullmatch("x+…", read.evidence)


@given(st.binary(max_size=300))
def test_no_bytes_are_too_much_for_the_reader(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    list(decode(text))
    list(decode(f'{{"alias": {text}'))
    list(decode(RECORD.encode().replace("root", text)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.fixed_dictionaries(dict.fromkeys(json.loads(RECORD.encode()), JSON)))
def test_a_value_of_a_wrong_kind_is_no_value(row: dict[str, Any]) -> None:
    for record in decode(json.dumps(row)):
        assert record.fault in ("user", "platform", "unknown")
        assert record.role in ("root", "cascade", "unknown")
        assert record.transient in (True, False, None)
        assert len(record.evidence) <= EVIDENCE
        assert "\n" not in record.phrase + record.evidence


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"alias": ', id="cut off"),
        pytest.param('{"alias": "a", "exitCode": 1}', id="a field is missing"),
        pytest.param(
            '{"alias": "a", "exitCode": "1", "ready": true, "attempt": ""}', id="a wrong type"
        ),
        pytest.param(
            '{"alias": "a", "exitCode": true, "ready": true, "attempt": ""}', id="no number"
        ),
        pytest.param('{"alias":' + "[" * 3000, id="deep"),
        pytest.param(RECORD.encode().replace('de": 1', 'de": 256'), id="no exit code"),
        pytest.param(RECORD.encode().replace('de": 1', 'de": -1'), id="a negative exit code"),
        pytest.param(RECORD.encode().replace('"worker-3', '"w\\u00f6rker-3'), id="no name"),
        pytest.param(RECORD.encode().replace('"worker-3', '"\\u001b[31m-3'), id="a terminal's"),
        pytest.param(RECORD.encode().replace("bad", "b" * LIMIT), id="too long"),
    ],
)
def test_what_is_no_record_is_passed_over(text: str) -> None:
    assert list(decode(text)) == []


def test_a_negative_index_is_none() -> None:
    [read] = decode(RECORD.encode().replace('Index": 3', 'Index": -3'))
    assert read == dataclasses.replace(RECORD, task_index=0)


def test_a_key_of_a_later_version_is_passed_over() -> None:
    row = {**json.loads(RECORD.encode()), "later": [1]}
    assert list(decode(json.dumps(row))) == [RECORD]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1000.25, "1970-01-01T00:16:40.250Z"),
        (1004.5, "1970-01-01T00:16:44.500Z"),
        (1200.0, "1970-01-01T00:16:40.000Z"),
        (900.0, "1970-01-01T00:16:40.000Z"),
    ],
    ids=["at once", "late", "copied later", "a clock that was set"],
)
def test_the_moment_is_that_of_the_outcomes_writing(
    tmp_path: Path, written: float, expected: str
) -> None:
    outcome = tmp_path / "outcome.json"
    outcome.touch()
    os.utime(outcome, (written, written))
    assert exit_record.moment(outcome, "1970-01-01T00:16:40Z") == expected


def test_a_moment_that_is_not_known_is_empty(tmp_path: Path) -> None:
    assert exit_record.moment(tmp_path / "none", None) == ""
    assert exit_record.moment(tmp_path / "none", "1970-01-01T00:16:40Z").endswith("40.000Z")
