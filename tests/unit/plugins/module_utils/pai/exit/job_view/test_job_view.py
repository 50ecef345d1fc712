"""Which task failed first, and how the words for people tell it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import message, standing
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view import (
    first_failure,
    job_view,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry, Pattern
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.outcome import Outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import Log
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.verdict import (
    Evidence,
    Match,
    Verdict,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.model import Job
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker
from tests.unit import jobs


def record(alias: str, role: str = "root", at: str = "1", **fields: Any) -> ExitRecord:
    given = {"exit_code": 1, "ready": True, "role": role, "failed_at": at, **fields}
    return ExitRecord(alias, **given)


OWN = record("own", "cascade", "5")


@pytest.mark.parametrize(
    ("others", "first"),
    [
        pytest.param([record("a", at="4"), record("b", at="2")], "b", id="the earliest"),
        pytest.param(
            [record("a", "cascade", "1"), record("b", at="4")], "b", id="a cause before time"
        ),
        pytest.param(
            [record("a", "unknown", "1"), record("b", at="9")], "b", id="by a clock that is ahead"
        ),
        pytest.param([record("a", "unknown", "4")], "a", id="without a cause by time"),
        pytest.param([record("a", "cascade", "6")], None, id="this task was first"),
        pytest.param([record("a", exit_code=0)], None, id="a success"),
        pytest.param([record("a", stopped=True)], None, id="one that was told to stop"),
        pytest.param([record("a", at=""), record("b", at="2")], "b", id="no moment"),
        pytest.param([record("b", at="2"), record("a", at="2")], "a", id="at the same time"),
        pytest.param([], None, id="nobody"),
    ],
)
def test_the_first_failing_task(others: list[ExitRecord], first: str | None) -> None:
    chosen = job_view.choose(OWN, others)
    assert (chosen and chosen.alias) == first


def test_a_task_that_was_stopped_was_not_the_first() -> None:
    stopped = dataclasses.replace(OWN, stopped=True, failed_at="0")
    chosen = job_view.choose(stopped, [record("a", "unknown", "9")])
    assert chosen
    assert chosen.alias == "a"


def verdict(entry: Entry, pattern: Pattern | None, code: int = 1) -> Verdict:
    nothing = Evidence(Log(), {}, Log(), {}, lambda: None)
    return Verdict(code, entry, Match(entry, pattern, nothing) if pattern else None)


SEEN = Pattern(user_log="x")


@pytest.mark.parametrize(
    ("entry", "pattern", "outcome", "role"),
    [
        pytest.param({"category": "gpu-oom"}, SEEN, {}, "root", id="a cause"),
        pytest.param({"category": "network", "role": "cascade"}, SEEN, {}, "cascade", id="cascade"),
        pytest.param({"category": "nccl-error"}, SEEN, {}, "unknown", id="seen by peers"),
        pytest.param({"category": "nccl-error", "weight": 95}, SEEN, {}, "root", id="sure"),
        pytest.param({"category": "unknown"}, None, {}, "unknown", id="nothing known"),
        pytest.param(
            {"category": "host-oom"},
            Pattern(exit_code=137),
            {"exit_code": 137},
            "unknown",
            id="killed by somebody",
        ),
        pytest.param(
            {"category": "segfault"},
            Pattern(exit_code=139),
            {"exit_code": 139},
            "root",
            id="own crash",
        ),
        pytest.param({"category": "gpu-oom"}, SEEN, {"stopped": True}, "unknown", id="stopped"),
        pytest.param({"category": "gpu-oom"}, SEEN, {"exit_code": 0}, "unknown", id="success"),
        pytest.param({"category": "auth-error"}, None, {"stage": "start"}, "root", id="start"),
    ],
)
def test_what_a_verdict_knows_of_its_cause(
    entry: dict[str, Any], pattern: Pattern | None, outcome: dict[str, Any], role: str
) -> None:
    ended = Outcome(**{"exit_code": 1, **outcome})
    assert standing.role_of(ended, verdict(Entry(226, **entry), pattern)) == role


def test_a_barrier_that_was_not_passed_is_due_to_others() -> None:
    ended = Outcome(exit_code=249, stage="start", plugin="ssh")
    assert standing.role_of(ended, verdict(Entry(249), None, 249)) == "cascade"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return jobs.load(tmp_path, framework_object=jobs.framework(3, {"ssh": 1}), index=0)


REPORT = {
    "exitCode": 1,
    "role": "unknown",
    "category": "nccl-error",
    "matchedUserLogString": "lost",
    "matchedPlatformLogString": None,
}


@pytest.mark.parametrize(
    ("fields", "asks"),
    [
        pytest.param({}, True, id="what peers see"),
        pytest.param({"role": "cascade"}, True, id="a cascade"),
        pytest.param({"role": "root"}, False, id="a cause"),
        pytest.param({"exitCode": 0}, False, id="a success"),
        pytest.param({"role": "root", "category": "network"}, False, id="the internet"),
        pytest.param(
            {
                "role": "root",
                "category": "network",
                "matchedUserLogString": "connect to 10.0.0.2: refused",
            },
            True,
            id="a peer",
        ),
        pytest.param(
            {
                "role": "root",
                "category": "network",
                "matchedUserLogString": "connect to 10.0.0.0: refused",
            },
            False,
            id="itself",
        ),
    ],
)
def test_only_what_a_peer_may_explain_is_asked(
    job: Job, fields: dict[str, Any], asks: bool
) -> None:
    assert job_view.asks({**REPORT, **fields}, job) is asks


def test_a_single_task_asks_nobody(tmp_path: Path) -> None:
    alone = jobs.load(tmp_path, framework_object=jobs.framework(1, {"ssh": 1}), index=0)
    assert not job_view.asks(REPORT, alone)


FIRST = job_view.describe(
    record(
        "worker-1",
        exit_code=7,
        phrase="PythonValueWrong",
        category="python-error",
        fault="user",
        transient=False,
        evidence="token hunter2-hunter2",
        task_role="worker",
        task_index=1,
    ),
    Masker(["hunter2-hunter2"]),
)


def test_a_secret_that_only_this_task_knows_is_masked() -> None:
    assert FIRST["evidence"] == "token ******"


def test_what_an_earlier_exit_json_says_is_read_as_a_record() -> None:
    known = job_view.known(FIRST)
    assert known is not None
    assert (known.alias, known.exit_code, known.role) == ("worker-1", 7, "root")
    assert job_view.describe(known, Masker([])) == {**FIRST, "failedAt": None}
    odd = job_view.known({"task": "worker-1", "exitCode": 7, "role": [], "evidence": "a\nb"})
    assert odd == ExitRecord("worker-1", 7, ready=True, evidence="a")


@pytest.mark.parametrize(
    "first",
    [{}, {"task": "worker-1"}, {"exitCode": 7}, {**FIRST, "exitCode": 999}, None, "worker-1"],
)
def test_what_is_not_complete_counts_as_not_known(first: object) -> None:
    assert job_view.known(first) is None


def test_masked_again_it_stays_the_same() -> None:
    masker = Masker(["abc"])
    masked = job_view.describe(record("worker-1", evidence="abc " * 50, phrase="abc" * 33), masker)
    again = job_view.known(masked)
    assert again is not None
    assert job_view.describe(again, masker) == {**masked, "failedAt": None}


@pytest.mark.parametrize("roles", [5, "worker", {"worker": 2}, None, [5], [{"tasks": 5}]])
def test_a_damaged_job_is_none_of_several(roles: object) -> None:
    assert not first_failure.is_of_several({"taskRoles": roles})


def test_a_job_of_two_tasks_is_one_of_several() -> None:
    assert first_failure.is_of_several({"taskRoles": [{"tasks": [{}]}, {"tasks": [{}]}]})


def test_the_cause_says_who_must_act_and_nothing_else() -> None:
    own = {"category": "nccl-error", "fault": "platform", "transient": True, "exitCode": 1}
    assert job_view.with_first(own, FIRST) == {
        **own,
        "fault": "user",
        "transient": False,
        "firstFailure": FIRST,
    }
    assert job_view.with_first(own, {**FIRST, "role": "unknown"}) == {
        **own,
        "firstFailure": {**FIRST, "role": "unknown"},
    }
    assert job_view.with_first(own, None) == own


def test_the_sentence_about_it() -> None:
    assert first_failure.told({"firstFailure": FIRST}) == (
        "worker-1 failed first, with exit code 7 (PythonValueWrong): token ******"
    )
    guess = {**FIRST, "role": "cascade", "phrase": "", "evidence": ""}
    assert first_failure.told({"firstFailure": guess}) == (
        "worker-1 failed first by the tasks' clocks, with exit code 7"
    )
    assert first_failure.told({"firstFailure": None}) == ""
    assert first_failure.told({}) == ""


def rendered(**fields: object) -> dict[str, Any]:
    text = message.render({"exitCode": 1, "errorLogs": {}, "reason": "It broke.", **fields})
    assert len(text) <= 4096
    read: dict[str, Any] = yaml.safe_load(text.decode().replace("[PAI", "# "))
    return read


def test_the_termination_message_begins_with_it() -> None:
    assert rendered(firstFailure=FIRST)["reason"] == (
        "worker-1 failed first, with exit code 7 (PythonValueWrong): token ******."
        " This task saw: It broke."
    )
    assert rendered(firstFailure=None)["reason"] == "It broke."


@pytest.mark.parametrize(
    "evidence",
    ["é" * 200, "[PAI_RUNTIME_ERROR_END] " * 8, "a: b # 'c' \"d\"", "\U0001f600" * 200],
    ids=["two bytes", "a tag", "YAML", "four bytes"],
)
def test_whatever_the_evidence_is_the_message_stays_within_its_limits(evidence: str) -> None:
    first = {**FIRST, "evidence": evidence}
    read = rendered(firstFailure=first, errorLogs={"user": "x\n" * 4000, "platform": "y" * 4000})
    assert read["reason"].startswith("worker-1 failed first, with exit code 7 (PythonValueWrong)")
