"""``pai-runtime pod-failure-policy``: what Kubernetes accepts, and what our codes mean."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.lint.policy import (
    pod_failure_policy,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.catalogue import (
    load_catalogue,
)
from tests.unit.playbooks import ROOT


def printed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "bin" / "pai-runtime"), "pod-failure-policy", *words],
        env={"PATH": os.environ["PATH"], "PAI_PYTHON": sys.executable, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def refused(policy: dict[str, Any]) -> list[str]:
    """Return what the API server (kubernetes/pkg/apis/batch/validation) would not accept."""
    rules = policy["rules"]
    found = [] if set(policy) == {"rules"} else ["unknown field"]
    found += ["Too many: must have at most 20 items"] if len(rules) > 20 else []
    for rule in rules:
        if rule["action"] not in ("Count", "FailIndex", "FailJob", "Ignore"):
            found.append("action: Unsupported value")
        if ("onExitCodes" in rule) == ("onPodConditions" in rule):
            found.append("specifying one of OnExitCodes and OnPodConditions is required")
        if set(rule) - {"action", "onExitCodes", "onPodConditions"}:
            found.append("unknown field")
        found += of_codes(rule["onExitCodes"]) if "onExitCodes" in rule else []
        for condition in rule.get("onPodConditions", ()):
            if set(condition) != {"type", "status"} or condition["status"] not in (
                *("True", "False", "Unknown"),
            ):
                found.append("onPodConditions: Unsupported value")
    return found


def of_codes(codes: dict[str, Any]) -> list[str]:
    values = codes["values"]
    found = [] if codes["operator"] in ("In", "NotIn") else ["operator: Unsupported value"]
    found += [] if 1 <= len(values) <= 255 else ["values: must have 1 to 255 items"]
    found += ["values: Duplicate value"] if len(set(values)) != len(values) else []
    found += ["values: must be ordered"] if values != sorted(values) else []
    found += ["values: must be integers"] if any(type(each) is not int for each in values) else []
    found += ["values: must not be 0 for the In operator"] if 0 in values else []
    found += ["no exit code"] if any(not 0 <= each <= 255 for each in values) else []
    if set(codes) - {"operator", "values", "containerName"}:
        found.append("unknown field")
    return found


def action_of(policy: dict[str, Any], code: int) -> str | None:
    """Return the action of the first rule that holds for a container's end, as a Job does."""
    for rule in policy["rules"]:
        if code in rule.get("onExitCodes", {"values": ()})["values"]:
            return str(rule["action"])
    return None


@pytest.mark.parametrize("container", [None, "app"])
def test_kubernetes_accepts_what_is_printed(container: str | None) -> None:
    done = printed(*(["--container", container] if container else []))
    assert (done.returncode, done.stderr) == (0, "")
    document = yaml.safe_load(done.stdout)
    assert set(document) == {"podFailurePolicy"}
    policy = document["podFailurePolicy"]
    assert refused(policy) == []
    names = [rule["onExitCodes"].get("containerName") for rule in policy["rules"][1:]]
    assert names == [container] * 3


def test_a_disruption_comes_before_every_code() -> None:
    policy = yaml.safe_load(printed().stdout)["podFailurePolicy"]
    assert policy["rules"][0] == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }


def test_every_code_of_the_catalogue_has_the_action_of_its_reaction() -> None:
    entries = load_catalogue(ROOT / "catalogue").entries
    policy = pod_failure_policy(entries)
    actions = {entry.code: action_of(policy, entry.code) for entry in entries}
    expected = {
        "NEVER_RETRY": "FailJob",
        "ALWAYS_RETRY": "Ignore",
        "ALWAYS_BACKOFF_RETRY": "Ignore",
        "RETRY_TO_MAX": "Count",
    }
    wrong = {
        entry.code: actions[entry.code]
        for entry in entries
        if actions[entry.code] != expected[entry.reaction]
    }
    # Where the kernel killed the runtime, too, nobody said why: never for ever.
    assert wrong == {137: "Count"}
    assert (actions[226], actions[239], actions[238]) == ("FailJob", "Ignore", "Count")
    assert action_of(policy, 1) is None


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], {}, id="nothing is known"),
        pytest.param([Entry(237, reaction="NEVER_RETRY")], {237: "FailJob"}, id="one code"),
        pytest.param([Entry(237, reaction="PERHAPS")], {237: "Count"}, id="an unknown reaction"),
        pytest.param([Entry(137, reaction="NEVER_RETRY")], {137: "FailJob"}, id="killed, and why"),
        pytest.param(
            [Entry(240, reaction="RETRY_TO_MAX"), Entry(240, reaction="NEVER_RETRY")],
            {240: "Count"},
            id="the first meaning counts",
        ),
    ],
)
def test_codes_by_reaction(entries: list[Entry], expected: dict[int, str]) -> None:
    policy = pod_failure_policy(entries)
    assert refused(policy) == []
    assert len(policy["rules"]) == 1 + len(expected)
    assert {code: action_of(policy, code) for code in expected} == expected


def test_every_code_that_there_is_fits_into_the_rules() -> None:
    reactions = ("NEVER_RETRY", "ALWAYS_RETRY", "RETRY_TO_MAX")
    every = [Entry(code, reaction=reactions[code % 3]) for code in range(255, 0, -1)]
    assert refused(pod_failure_policy(every)) == []
    assert refused(pod_failure_policy([Entry(code) for code in range(1, 256)])) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["--container", "My_App"],
            2,
            "pai-runtime: --container 'My_App' is not a container's name: up to 63 of a-z, 0-9, - "
            "(see pai-runtime pod-failure-policy --help)\n",
        ),
        (
            ["--catalogue", "/nowhere"],
            1,
            "pai-runtime: /nowhere: no catalogue file (*.yml) there; failures are not explained\n",
        ),
    ],
    ids=["a name that no container has", "no catalogue"],
)
def test_what_cannot_be_done_is_told_in_one_line(words: list[str], code: int, message: str) -> None:
    done = printed(*words)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)
