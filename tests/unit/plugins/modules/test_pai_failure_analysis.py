"""The module writes what the analysis says: once, in place where it must, and without secrets."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.modules import pai_failure_analysis
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
OOM = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
WRITTEN = ["write exit.json", "write pai-termination-log", "write failure.html"]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    work, logs = tmp_path / "work", tmp_path / "logs"
    (logs / "user-all").mkdir(parents=True)
    (logs / "user-all" / "current").write_text(f"step 1\n{OOM}\n")
    work.mkdir()
    (work / "job.json").write_text("{}")
    (work / "outcome.json").write_text(json.dumps({"exitCode": 1, "stage": "command"}))
    return {
        "outcome": str(work / "outcome.json"),
        "log_dir": str(logs),
        "work_dir": str(work),
        "catalogue": str(CATALOGUE),
    }


@pytest.fixture
def run(run_module: Run, arguments: dict[str, Any]) -> Run:
    def run(check: bool = False, diff: bool = False, **more: object) -> dict[str, Any]:
        return run_module(pai_failure_analysis.main, {**arguments, **more}, check, diff)

    return run


def warned(result: dict[str, Any]) -> list[str]:
    """Return the texts of the warnings; ansible-core keeps those of earlier runs in one process."""
    warnings = result.get("warnings", [])
    return [each if isinstance(each, str) else each["event"]["msg"] for each in warnings]


def test_four_runs(run: Run, arguments: dict[str, Any], tmp_path: Path) -> None:
    logs, other = Path(arguments["log_dir"]), tmp_path / "termination-log"
    logs_given = {"termination_logs": [str(other)]}
    assert run(check=True, **logs_given)["changed"]
    assert {path.name for path in logs.iterdir()} == {"user-all"}
    assert not other.exists()
    result = run(**logs_given)
    assert result["changed"]
    assert result["actions"] == [*WRITTEN, f"write {other}"]
    assert not run(check=True, **logs_given)["changed"]
    assert not run(**logs_given)["changed"]


def test_the_result_and_the_files_agree(run: Run, arguments: dict[str, Any]) -> None:
    result = run(diff=True)
    report = Path(arguments["log_dir"]) / "exit.json"
    written = json.loads(report.read_text())
    assert result["exit_code"] == written["exitCode"] == 1
    assert result["phrase"] == written["phrase"] == "ContainerCudaOOMKilled"
    assert result["report"] == str(report)
    assert "+" not in result["diff"][0]["before"]
    assert result["diff"][1]["after"].startswith("[PAI_RUNTIME_ERROR_START]\nexitCode: 1\n")
    for name in ("exit.json", "pai-termination-log", "failure.html"):
        assert stat.S_IMODE((report.parent / name).stat().st_mode) == 0o644
    assert run(diff=True)["diff"] == []
    assert "diff" not in run()


def test_keys_are_the_same_on_success(run: Run, arguments: dict[str, Any]) -> None:
    failed = run()
    Path(arguments["outcome"]).write_text('{"exitCode": 0, "stage": "command"}')
    succeeded = run()
    assert succeeded["exit_code"] == 0
    assert set(succeeded) == set(failed)


def test_a_failure_has_a_page_with_the_line_that_says_so(
    run: Run, arguments: dict[str, Any]
) -> None:
    run()
    page = (Path(arguments["log_dir"]) / "failure.html").read_text()
    assert "<h1>gpu-oom</h1>" in page
    words = OOM.partition(".cuda.")[2]
    assert f'<span class="number">2</span><code>torch.cuda.<mark>{words}</mark></code>' in page


def test_a_success_has_no_page_and_removes_that_of_an_earlier_failure(
    run: Run, arguments: dict[str, Any]
) -> None:
    run()
    page = Path(arguments["log_dir"]) / "failure.html"
    Path(arguments["outcome"]).write_text('{"exitCode": 0, "stage": "command"}')
    assert "remove failure.html" in run(check=True)["actions"]
    assert page.exists()
    assert "remove failure.html" in run()["actions"]
    assert not page.exists()
    assert not run()["changed"]


def test_where_secrets_are_not_known_the_page_shows_no_log(
    run: Run, arguments: dict[str, Any]
) -> None:
    (Path(arguments["work_dir"]) / "secrets.json").write_text("damaged")
    run()
    page = (Path(arguments["log_dir"]) / "failure.html").read_text()
    assert "<h1>gpu-oom</h1>" in page
    assert "Tried to allocate" not in page
    assert "What the logs say" not in page


@pytest.mark.parametrize(("mode", "code"), [("preserve", 1), ("catalogue", 226)])
def test_the_mode_chooses_the_code(run: Run, mode: str, code: int) -> None:
    assert run(mode=mode)["exit_code"] == code


def test_a_spec_chooses_the_code(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("[{containerExitCode: 77, patterns: [{userLogRegex: OutOfMemory}]}]")
    result = run(exit_spec=str(spec))
    assert (result["exit_code"], result["phrase"]) == (77, "ContainerCudaOOMKilled")


def test_an_existing_file_is_written_in_place(run: Run, tmp_path: Path) -> None:
    # As /dev/termination-log, a mount: a file put in its place would stay in the container.
    other = tmp_path / "termination-log"
    other.write_text("x" * 10000)
    before = other.stat().st_ino
    run(termination_logs=[str(other)])
    assert other.stat().st_ino == before
    assert other.read_text().endswith("[PAI_RUNTIME_ERROR_END]\n")


def test_a_device_is_written_and_changes_nothing(run: Run) -> None:
    run()
    result = run(termination_logs=["/dev/null"])
    assert not result["changed"]
    assert not [text for text in warned(result) if "/dev/null" in text]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_pipe_gets_the_message(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        run(termination_logs=[str(pipe)])
        assert os.read(reader, 4096).startswith(b"[PAI_RUNTIME_ERROR_START]\n")
    finally:
        os.close(reader)


def test_a_pipe_without_a_reader_is_a_warning(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = f"termination message not written to {pipe}: No such device or address"
    assert words in warned(run(termination_logs=[str(pipe)]))


@pytest.mark.parametrize("check", [False, True])
def test_a_place_that_cannot_be_written_is_a_warning(run: Run, tmp_path: Path, check: bool) -> None:
    path = tmp_path / "none" / "log"
    result = run(check=check, termination_logs=[str(path)])
    words = f"termination message not written to {path}: {path.parent} is missing or not writable"
    assert words in warned(result)
    assert "failed" not in result
    assert not [action for action in result["actions"] if str(path) in action]


def test_broken_patterns_are_warnings(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("[{containerExitCode: 77, patterns: [{userLogRegex: '('}]}]")
    words = (
        "exit spec: entry (77), pattern 1: '(' is not a valid RE2 expression: missing ): (; "
        "the pattern is skipped"
    )
    assert words in warned(run(exit_spec=str(spec)))


def test_no_secret_is_written_or_returned(
    run: Run, arguments: dict[str, Any], tmp_path: Path
) -> None:
    work, logs = Path(arguments["work_dir"]), Path(arguments["log_dir"])
    (work / "secrets.json").write_text('{"token": "hunter2-hunter2"}')
    (logs / "user-all" / "current").write_text(f"hunter2-hunter2\n{OOM} hunter2-hunter2\n")
    spec = tmp_path / "spec.yaml"
    spec.write_text("[{containerExitCode: 77, patterns: [{userLogRegex: '(hunter2-hunter2'}]}]")
    other = tmp_path / "termination-log"
    result = run(exit_spec=str(spec), termination_logs=[str(other)])
    written = [logs / "exit.json", logs / "pai-termination-log", logs / "failure.html", other]
    shown = json.dumps(result) + "".join(path.read_text() for path in written)
    assert "******" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", ["exit.json", "pai-termination-log", "failure.html"])
def test_a_file_of_the_log_directory_that_cannot_be_written_is_a_warning(
    run: Run, arguments: dict[str, Any], name: str, check: bool
) -> None:
    logs = Path(arguments["log_dir"])
    (logs / name).mkdir()
    result = run(check=check, mode="catalogue")
    assert "failed" not in result
    assert (result["exit_code"], result["phrase"]) == (226, "ContainerCudaOOMKilled")
    others = [action for action in WRITTEN if not action.endswith(name)]
    assert result["actions"] == others
    for action in others:
        assert (logs / action.partition(" ")[2]).is_file() is not check
    (told,) = (text for text in warned(result) if name in text)
    assert told.startswith(f"{logs / name}: Is a directory")


def test_a_log_directory_that_is_a_file_is_a_warning_where_the_cluster_gets_the_message(
    run: Run, tmp_path: Path
) -> None:
    place, other = tmp_path / "file", tmp_path / "termination-log"
    place.write_text("")
    result = run(log_dir=str(place), termination_logs=[str(other)])
    assert result["actions"] == [f"write {other}"]
    assert result["exit_code"] == 1
    assert [text for text in warned(result) if text.startswith(f"{place}/exit.json: ")]
    assert other.read_text().startswith("[PAI_RUNTIME_ERROR_START]\n")


def test_where_nothing_can_be_written_it_fails_with_the_verdict(run: Run, tmp_path: Path) -> None:
    place, other = tmp_path / "file", tmp_path / "none" / "termination-log"
    place.write_text("")
    result = run(log_dir=str(place), termination_logs=[str(other)], mode="catalogue")
    assert result["failed"]
    assert (result["exit_code"], result["phrase"]) == (255, "PAIRuntimeUnknownFailed")
    assert (result["changed"], result["actions"]) == (False, [])
    assert result["msg"].startswith(f"the end is not told: {place}/exit.json: ")
    assert f"termination message not written to {other}" in result["msg"]


def test_an_error_of_our_own_shows_its_place_and_no_text_that_may_hold_a_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("hunter2-hunter2")

    monkeypatch.setattr(pai_failure_analysis, "analyse", broken)
    result = run()
    assert result["failed"]
    assert result["msg"].startswith("a defect of the runtime: ValueError at ")
    assert "hunter2" not in json.dumps(result)
