"""The module says which failure logs show, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.modules import pai_failure_info
from tests.unit.playbooks import ROOT, play

MISSING = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'einops'\n"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Run, tmp_path: Path) -> Run:
    (tmp_path / "log").write_text(MISSING)

    def run(check: bool = False, **more: object) -> dict[str, Any]:
        given = {"logs": [str(tmp_path / "log")], "catalogue": str(ROOT / "catalogue"), **more}
        return run_module(pai_failure_info.main, given, check)

    return run


def test_four_runs_change_nothing_and_say_the_same(run: Run) -> None:
    results = [run(check=check, exit_code=1) for check in (True, False, True, False)]
    assert [result["changed"] for result in results] == [False] * 4
    assert all(result == results[0] for result in results)
    explained = results[0]["explanation"]
    assert (explained["category"], explained["exit_code"]) == ("import-error", 1)
    assert results[0]["lines"][0].startswith("import-error: ContainerImportError")


def test_a_missing_log_is_refused(run: Run) -> None:
    result = run(logs=["/none/x"])
    assert result["failed"]
    assert result["msg"] == "log /none/x: there is no such file; name one that exists"


def test_patterns_that_are_not_there_are_a_warning(run: Run) -> None:
    result = run(patterns="/none/x")
    assert result["explanation"]["category"] == "import-error"
    expected = "/none/x: there is no such directory; name one with *.yml"
    assert expected in json.dumps(result["warnings"], default=str)


def test_the_playbook_tells_what_the_logs_show(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(MISSING)
    given = json.dumps({"explain_logs": [str(log)], "explain_exit_code": 1})
    done = play("explain.yml", tmp_path, "-e", given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "import-error: ContainerImportError" in done.stdout
    assert "changed=0" in done.stdout


def test_the_playbook_knows_the_clusters_patterns(tmp_path: Path) -> None:
    rules = {"runtimeContainerPatterns": [{"userLogRegex": "no free seat"}]}
    row = {"code": 237, "phrase": "LicenceServerFull", "reason": "All in use.", "pattern": rules}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yml").write_text(json.dumps([row]))
    (tmp_path / "log").write_text("Error: no free seat\n")
    given = {"explain_logs": [str(tmp_path / "log")], "explain_patterns": str(tmp_path / "own")}
    done = play("explain.yml", tmp_path, "-e", json.dumps(given))
    assert "LicenceServerFull" in done.stdout, done.stdout + done.stderr
