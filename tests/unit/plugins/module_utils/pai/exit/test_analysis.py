"""The whole analysis of a task's files, the damaged ones included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.analysis import (
    Analysis,
    analyse,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.message import render
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.sources import Sources
from tests.unit.playbooks import ROOT

CLUSTER_SPEC = Path(__file__).parent / "fixtures" / "k8s-job-exit-spec.yaml"
CATALOGUE = ROOT / "catalogue"
OOM = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
KEYS = [
    "schemaVersion",
    "job",
    "taskRole",
    "taskIndex",
    "exitCode",
    "originalUserExitCode",
    "signal",
    "stopped",
    "stage",
    "plugin",
    "message",
    "phrase",
    "category",
    "role",
    "type",
    "behavior",
    "reaction",
    "fault",
    "transient",
    "reason",
    "solution",
    "trigger",
    "matchedUserLogString",
    "matchedPlatformLogString",
    "matchedGpuInfo",
    "errorLogs",
    "confidence",
    "evidence",
    "where",
    "runnersUp",
    "firstFailure",
    "facts",
    "phases",
    "startedAt",
    "endedAt",
]


class Task:
    """The files that a task leaves behind."""

    def __init__(self, root: Path) -> None:
        self.work, self.logs = root / "work", root / "logs"
        self.work.mkdir()
        self.logs.mkdir()
        self.put("work/job.json", {"name": "u~j", "current": {"taskRole": "w", "taskIndex": 3}})
        self.outcome(exitCode=1)

    def put(self, name: str, content: object) -> Path:
        path = self.work.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def outcome(self, **fields: object) -> None:
        self.put("work/outcome.json", {"stage": "command", "phases": {"start": 0.5}, **fields})

    def user_log(self, text: str | bytes) -> None:
        self.put("logs/user-all/current", text)

    def analyse(self, gpu: str | None = None, **fields: object) -> Analysis:
        sources = {"catalogue": CATALOGUE, **fields}
        outcome = self.work / "outcome.json"
        return analyse(Sources(outcome, self.logs, self.work, **sources), lambda: gpu)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path)


def test_a_failure_is_explained(task: Task) -> None:
    task.user_log(f"step 1\nstep 2\nstep 3\n{OOM}\nlast\n")
    task.put("logs/runtime.log", "one\ntwo\n")
    analysis = task.analyse()
    assert analysis.problems == ()
    assert list(analysis.report) == KEYS
    expected = {
        "job": "u~j",
        "taskRole": "w",
        "taskIndex": 3,
        "exitCode": 1,
        "originalUserExitCode": 1,
        "phrase": "ContainerCudaOOMKilled",
        "category": "gpu-oom",
        "fault": "user",
        "transient": False,
        "matchedUserLogString": OOM.partition("cuda.")[2],
        "errorLogs": {
            "user": f"step 1\nstep 2\nstep 3\n{OOM}\nlast",
            "platform": "one\ntwo",
        },
        "phases": {"start": 0.5},
    }
    assert expected.items() <= analysis.report.items()
    assert analysis.report["trigger"] == f"exit code 1; user log, line 4: {OOM}"


def test_success_reads_no_log(task: Task) -> None:
    task.outcome(exitCode=0)
    task.user_log(f"{OOM}\n")
    report = task.analyse(exit_spec=Path("/nonexistent/spec.yaml")).report
    assert list(report) == KEYS
    assert (report["exitCode"], report["phrase"]) == (0, "Succeeded")
    assert report["errorLogs"] == {"user": "", "platform": ""}


def test_the_spec_chooses_the_number_and_the_catalogue_the_words(task: Task) -> None:
    task.user_log("RuntimeError: cuda runtime error (2) : out of memory\nSegmentation fault\n")
    report = task.analyse(exit_spec=CLUSTER_SPEC).report
    assert (report["exitCode"], report["phrase"]) == (234, "ContainerCudaOOMKilled")


def test_of_an_old_gpu_the_spec_knows_first(task: Task) -> None:
    task.user_log(f"{OOM}\n")
    report = task.analyse(gpu="GPU 0: 2 double-bit ECC errors", exit_spec=CLUSTER_SPEC).report
    assert (report["exitCode"], report["fault"]) == (128, "platform")
    assert report["matchedGpuInfo"] == "GPU 0: 2 double-bit ECC errors"


def test_an_unknown_failure_shows_the_last_lines(task: Task) -> None:
    task.user_log("".join(f"line {number}\n" for number in range(30)))
    report = task.analyse().report
    assert (report["phrase"], report["type"]) == ("PAIRuntimeUnknownFailed", "UNKNOWN_FAILURE")
    assert (report["fault"], report["transient"]) == ("unknown", None)
    assert report["errorLogs"]["user"].split("\n") == [f"line {n}" for n in range(15, 30)]


def test_a_failing_plugin_is_explained_by_what_it_printed(task: Task) -> None:
    task.outcome(exitCode=1, stage="start", plugin="cmd", message="cmd failed")
    task.user_log("")
    task.put("logs/runtime.log", "pip\nOSError: [Errno 28] No space left on device\n")
    report = task.analyse().report
    assert report["phrase"] == "DiskFull"
    assert report["originalUserExitCode"] is None
    assert report["matchedUserLogString"] is None
    assert report["matchedPlatformLogString"] == "No space left on device"
    assert report["trigger"].startswith("exit code 1; start failed in cmd; platform log, line 2: ")


def test_a_start_that_failed_before_there_was_a_job_is_explained(task: Task) -> None:
    (task.work / "job.json").unlink()
    words = "job file job.yml: taskRoles is missing; add one task role"
    task.outcome(exitCode=1, stage="start", message=words)
    analysis = task.analyse()
    assert analysis.problems == ()
    assert (analysis.report["phrase"], analysis.report["job"]) == ("RuntimeStartFailed", None)
    assert analysis.report["message"] == words


@pytest.mark.parametrize("end", ["\n", ""], ids=["whole lines", "the first stream is cut off"])
def test_without_the_combined_log_the_two_streams_are_read(task: Task, end: str) -> None:
    task.put("logs/user-stdout/current", f"step 1{end}")
    task.put("logs/user-stderr/current", f"{OOM}\n")
    report = task.analyse().report
    assert report["phrase"] == "ContainerCudaOOMKilled"
    assert report["errorLogs"]["user"] == f"step 1\n{OOM}"


FULL = "No space left on device"
MISSING = "ModuleNotFoundError: No module named 'flash_attention'"


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        pytest.param(f"1\n2\n3\n{MISSING}\nlast\n", f"user log, line 4: {MISSING}", id="whole"),
        pytest.param(
            f"step 1\n[rank0]: {MISSING}", f"user log, line 2: [rank0]: {MISSING}", id="a prefix"
        ),
        pytest.param(
            f"{'x' * 900} {FULL} {'y' * 900}\n",
            f"user log, line 1: {FULL} {'y' * 200}",
            id="a long line",
        ),
        pytest.param(
            f"  5%|#  |\r 10%|## |\r{MISSING}\r\n", f"user log, line 1: {MISSING}", id="progress"
        ),
        pytest.param(f"\x1b[31m{MISSING}\x1b[0m\n", f"user log, line 1: {MISSING}", id="colour"),
    ],
)
def test_the_trigger_shows_the_line_that_matched(task: Task, log: str, shown: str) -> None:
    task.user_log(log)
    trigger = task.analyse().report["trigger"]
    where, _, _ = shown.partition(": ")
    assert trigger == f"exit code 1; {shown[: len(where) + 2 + 200]}"


def test_the_trigger_of_a_match_that_begins_with_a_newline_shows_the_line_after(task: Task) -> None:
    rows = [{"containerExitCode": 9, "patterns": [{"userLogRegex": r"\nsecond \w+"}]}]
    path = task.put("work/spec.yaml", yaml.safe_dump(rows))
    task.user_log("first\nsecond line\n")
    report = task.analyse(exit_spec=path).report
    assert report["trigger"] == "exit code 1; user log, line 2: second line"


def test_a_refused_job_is_explained_by_the_catalogue_in_mode_spec(task: Task) -> None:
    rows = [{"containerExitCode": 9, "patterns": [{"exitCode": 1}, {"platformLogRegex": "bad"}]}]
    path = task.put("work/spec.yaml", yaml.safe_dump(rows))
    task.put("logs/runtime.log", "bad\n")
    words = "job file job.yml: taskRoles is missing; add one task role"
    task.outcome(exitCode=1, stage="start", refused=True, message=words)
    report = task.analyse(exit_spec=path).report
    assert (report["exitCode"], report["phrase"]) == (255, "JobConfigRefused")
    assert report["reason"].endswith(f" {words}")
    assert report["trigger"] == "exit code 1; start failed"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param("a: [", "line 2, column 1: did not find", id="not YAML"),
        pytest.param("text", "expected a list", id="no list"),
        pytest.param(None, "No such file or directory", id="missing"),
    ],
)
def test_a_spec_that_cannot_be_used_is_told_and_counts_as_none(
    task: Task, spec: str | None, problem: str
) -> None:
    path = task.work / "spec.yaml"
    if spec is not None:
        path.write_text(spec)
    analysis = task.analyse(exit_spec=path)
    assert analysis.report["exitCode"] == 1
    (told,) = analysis.problems
    assert told.startswith(f"exit spec not used: {path}: {problem}")
    assert told in analysis.report["errorLogs"]["platform"]


def test_a_broken_pattern_is_named_and_the_others_work(task: Task) -> None:
    rules = [{"userLogRegex": "("}, {"userLogRegex": "last"}]
    path = task.put("work/spec.yaml", yaml.safe_dump([{"containerExitCode": 9, "patterns": rules}]))
    task.user_log("last\n")
    analysis = task.analyse(exit_spec=path)
    assert analysis.report["exitCode"] == 9
    assert analysis.problems == (
        "exit spec: entry (9), pattern 1: '(' is not a valid RE2 expression: missing ): (; "
        "the pattern is skipped",
    )


def test_mode_spec_without_a_spec_is_told(task: Task) -> None:
    analysis = task.analyse(mode="spec")
    assert analysis.report["exitCode"] == 1
    assert analysis.problems == (
        "mode spec needs an exit spec, none is given: mode preserve is used",
    )


def test_with_everything_missing_there_is_a_verdict(tmp_path: Path) -> None:
    none = tmp_path / "none"
    analysis = analyse(Sources(none / "outcome.json", none, none, none), lambda: None)
    assert analysis.report["exitCode"] == 255
    assert analysis.report["phrase"] == "PAIRuntimeUnknownFailed"
    assert len(analysis.problems) == 3
    assert render(analysis.report)


def test_a_log_that_cannot_be_read_is_told(task: Task) -> None:
    (task.logs / "runtime.log").mkdir()
    assert task.analyse().problems == (f"log {task.logs}/runtime.log: Is a directory",)


def test_binary_logs_hide_nothing(task: Task) -> None:
    task.user_log(bytes(range(256)) * 100 + f"\n\xff {OOM}\n".encode("latin-1"))
    report = task.analyse().report
    assert report["phrase"] == "ContainerCudaOOMKilled"
    json.dumps(report).encode()


def test_secrets_are_masked_everywhere(task: Task) -> None:
    task.put("work/secrets.json", {"token": "hunter2-hunter2"})
    task.outcome(exitCode=1, message="git: hunter2-hunter2 refused")
    task.user_log(f"hunter2-hunter2\n{OOM} hunter2-hunter2\naHVudGVyMi1odW50ZXIy\n")
    task.put("logs/runtime.log", "token hunter2-hunter2\n")
    report = task.analyse().report
    shown = json.dumps(report) + render(report).decode()
    assert "hunter2" not in shown
    assert "aHVudGVyMi1odW50ZXI" not in shown
    assert report["message"] == "git: ****** refused"
    assert report["errorLogs"]["platform"] == "token ******"


def test_a_secret_in_a_pattern_is_masked(task: Task) -> None:
    task.put("work/secrets.json", {"token": "hunter2-hunter2"})
    rows = [{"containerExitCode": 9, "patterns": [{"userLogRegex": "hunter2-hunter2"}]}]
    path = task.put("work/spec.yaml", yaml.safe_dump(rows))
    task.user_log("hunter2-hunter2\n")
    report = task.analyse(exit_spec=path).report
    assert report["trigger"] == "exit code 1; user log, line 1: ******"
    assert report["matchedUserLogString"] == "******"


def test_with_damaged_secrets_no_log_is_shown(task: Task) -> None:
    task.put("work/secrets.json", "{")
    task.outcome(exitCode=1, message="hunter2-hunter2")
    task.user_log(f"hunter2-hunter2 {OOM}\n")
    analysis = task.analyse()
    assert analysis.report["phrase"] == "ContainerCudaOOMKilled"
    assert "hunter2" not in json.dumps(analysis.report)
    assert analysis.report["trigger"] == "exit code 1; user log, line 1"
    assert analysis.problems[0].startswith("no log is shown: secrets file ")


def test_verdict_and_runners_up_tell_file_line_and_rank(task: Task) -> None:
    task.put("work/secrets.json", {"token": "hunter2-hunter2"})
    full = "[rank1]: OSError: [Errno 28] No space left on device: '/w/hunter2-hunter2'"
    task.user_log(f"step 1\n[rank0]: {OOM}\n{'x' * 100}\n{full}\n[rank3]: {OOM}\n")
    report = task.analyse().report
    log = str(task.logs / "user-all" / "current")
    assert [(line["file"], line["line"], line["rank"]) for line in report["evidence"]] == [
        (log, 2, 0),
        (log, 5, 3),
    ]
    assert report["evidence"][0]["text"] == f"[rank0]: {OOM}"
    runner = {
        "phrase": "DiskFull",
        "category": "disk-full",
        "file": log,
        "line": 4,
        "rank": 1,
        "text": full.replace("hunter2-hunter2", "******"),
    }
    assert report["runnersUp"] == [runner]


def test_a_verdict_of_the_exit_code_alone_has_no_line(task: Task) -> None:
    task.outcome(exitCode=139)
    task.user_log("step 1\n")
    report = task.analyse().report
    assert (report["category"], report["evidence"]) == ("segfault", [])


def test_where_secrets_are_not_known_no_line_is_quoted(task: Task) -> None:
    task.put("work/secrets.json", "{")
    task.user_log(f"step 1\n{OOM}\n")
    (line,) = task.analyse().report["evidence"]
    assert (line["line"], line["text"]) == (2, "")


def test_of_a_long_line_what_was_found_is_told_and_no_piece_of_a_secret(task: Task) -> None:
    secret = "hunter2-" * 30
    task.put("work/secrets.json", {"token": secret})
    task.user_log(f"{'x' * 3000} {secret} {OOM} {secret} {'y' * 3000}\n")
    (line,) = task.analyse().report["evidence"]
    assert OOM in line["text"]
    assert "hunter2" not in line["text"]
    assert len(line["text"]) <= 500


def test_an_exception_tells_where_in_the_users_code_it_came_from(task: Task) -> None:
    frames = '  File "/w/train.py", line 22, in <module>\n    run()\n'
    text = f"Traceback (most recent call last):\n{frames}KeyError: 'label'\n"
    task.user_log(f"step 1\n{text}")
    assert task.analyse().report["where"] == "/w/train.py:22"
    task.put("work/secrets.json", {"directory": "/w/train.py"})
    assert task.analyse().report["where"] == "******:22"


def test_no_piece_of_a_secret_is_shown_where_pytorchs_message_is_cut(task: Task) -> None:
    secret = "hunter2-hunter2-abcdefghij"
    task.put("work/secrets.json", {"token": secret})
    words = "RuntimeError: " + "x" * 470 + f" {secret}" + "y" * 200
    task.outcome(exitCode=1, startedAt="2020-01-01T00:00:00Z", endedAt="2020-01-01T00:00:01Z")
    task.put("logs/torch-error.json", {"message": words})
    outcome = task.work / "outcome.json"
    told = analyse(Sources(outcome, task.logs, task.work, CATALOGUE)).report
    message = told["facts"]["torchError"]["message"]
    assert message.startswith("RuntimeError: x")
    assert len(message) == 500
    assert "hunter2" not in json.dumps(told) + render(told).decode()
