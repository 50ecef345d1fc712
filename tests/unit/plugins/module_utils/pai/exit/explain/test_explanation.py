"""``pai-runtime explain``: any log, on any machine, without a job."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.playbooks import ROOT

OOM = "[rank2]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
LOG = f"""\
step 1 loss 3
[rank2]: Traceback (most recent call last):
[rank2]:   File "/w/train.py", line 22, in <module>
[rank2]:     loss.backward()
{OOM}
"""


def explain(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "bin" / "pai-runtime"), "explain", *words],
        input=stdin,
        env={
            "PATH": os.environ["PATH"],
            "PAI_PYTHON": sys.executable,
            "LC_ALL": "C.UTF-8",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_text(LOG)
    return path


def test_json_is_one_object_with_all_that_a_program_needs(log: Path) -> None:
    done = explain(str(log), "--exit-code", "1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    expected = {
        "category": "gpu-oom",
        "fault": "user",
        "transient": False,
        "code": 226,
        "phrase": "ContainerCudaOOMKilled",
        "where": "/w/train.py:22",
        "runners_up": [],
        "exit_code": 1,
    }
    assert expected.items() <= told.items()
    assert told["evidence"][0] == {"file": str(log), "line": 5, "text": OOM, "rank": 2}
    assert 0.5 < told["confidence"] <= 1
    assert told["reason"]
    assert told["solution"]


def test_a_person_reads_reason_fault_retry_steps_and_line(log: Path) -> None:
    told = explain(str(log)).stdout
    one_line = " ".join(told.split())
    assert told.startswith("gpu-oom: ContainerCudaOOMKilled (")
    for words in (
        "\n  reason  ",
        "user; a retry will not help",
        "\n  to do  ",
    ):
        assert words in told
    assert f"line 5 (rank 2): {OOM}" in one_line
    assert "/w/train.py:22" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("text", "words", "category", "fault"),
    [
        pytest.param("step 1 loss 3\n", ["--exit-code", "1"], "unknown", "unknown", id="no reason"),
        pytest.param("", [], "unknown", "unknown", id="an empty log"),
        pytest.param("", ["--exit-code", "-9"], "host-oom", "unknown", id="a launcher's signal"),
        pytest.param("", ["--exit-code", "139"], "segfault", "unknown", id="a shell's signal"),
        pytest.param(LOG, ["--exit-code", "0"], "none", "unknown", id="success"),
        pytest.param("größer\n\udcff\n", [], "unknown", "unknown", id="letters and bytes"),
    ],
)
def test_the_exit_code_counts(
    tmp_path: Path, text: str, words: list[str], category: str, fault: str
) -> None:
    path = tmp_path / "log"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = explain(str(path), "--json", *words)
    told = json.loads(done.stdout)
    assert (told["category"], told["fault"]) == (category, fault)
    assert explain(str(path), *words).stdout.startswith(f"{category}: ")


def test_several_logs_and_a_log_directory_are_judged_together(log: Path, tmp_path: Path) -> None:
    (tmp_path / "logs" / "user-all").mkdir(parents=True)
    (tmp_path / "logs" / "user-all" / "current").write_text("step 1 loss 2\n")
    done = explain(str(tmp_path / "logs"), str(log), "--json", LC_ALL="C")
    told = json.loads(done.stdout)
    assert told["category"] == "gpu-oom"
    assert told["evidence"][0]["file"] == str(log)


def test_a_log_may_come_from_a_pipe() -> None:
    told = json.loads(explain("-", "--json", stdin=LOG).stdout)
    assert told["category"] == "gpu-oom"
    assert told["evidence"][0]["file"] == "-"
    assert told["evidence"][0]["line"] == 5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "the following arguments are required: LOG (see pai-runtime explain --help)"),
        (["x", "--exit-code", "y"], 2, "argument --exit-code: invalid int value: 'y'"),
        (["/none/x"], 1, "log /none/x: there is no such file; name one that exists"),
        (["/proc/self/mem"], 1, "log /proc/self/mem: "),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(words: list[str], code: int, message: str) -> None:
    done = explain(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"pai-runtime: {message}")
    assert done.stderr.count("\n") == 1


def test_another_catalogue_may_be_named_and_its_problems_are_told(
    log: Path, tmp_path: Path
) -> None:
    rules = {"runtimeContainerPatterns": [{"userLogRegex": "step 1"}, {"userLogRegex": "("}]}
    row = {"code": 237, "phrase": "Mine", "category": "unknown", "pattern": rules}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.yml").write_text(json.dumps([row]))
    done = explain(str(log), "--json", "--catalogue", str(tmp_path / "mine"))
    assert json.loads(done.stdout)["phrase"] == "Mine"
    assert done.stderr == "pai-runtime: '(': missing ): (\n"


OWN = """
- code: 237
  phrase: LicenceServerFull
  reason: All licences are in use.
  weight: 90
  pattern: {runtimeContainerPatterns: [{userLogRegex: "LICENSE ERROR: no free seat"}]}
- code: 237
  phrase: Broken
  reason: None.
  pattern: {runtimeContainerPatterns: [{userLogRegex: "(seat"}]}
"""


@pytest.mark.parametrize("by", ["option", "variable"])
def test_patterns_of_the_cluster_count_too(tmp_path: Path, by: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yml").write_text(OWN)
    words = ["--patterns", str(tmp_path / "own")] if by == "option" else []
    variables = {} if by == "option" else {"PAI_FAILURE_PATTERNS": str(tmp_path / "own")}
    text = "LICENSE ERROR: no free seat\n"
    done = explain("-", "--json", *words, stdin=text, **variables)
    assert json.loads(done.stdout)["phrase"] == "LicenceServerFull"
    assert done.stderr == (
        f"pai-runtime: {tmp_path}/own/a.yml: Broken: pattern 1: userLogRegex '(seat' is not a "
        "valid RE2 expression: missing ): (seat; the entry is not used\n"
    )
    assert json.loads(explain("-", "--json", stdin=text).stdout)["phrase"] != "LicenceServerFull"


def test_patterns_that_are_not_there_are_told_and_the_catalogue_counts(log: Path) -> None:
    done = explain(str(log), "--json", "--patterns", "/none")
    assert json.loads(done.stdout)["category"] == "gpu-oom"
    expected = "pai-runtime: /none: there is no such directory; name one with *.yml\n"
    assert done.stderr == expected


def test_a_page_is_written_for_its_owner_alone(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    done = explain(str(log), "--exit-code", "1", "--html", str(page))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gpu-oom: ")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text()
    assert "<title>gpu-oom: The command failed</title>" in text
    assert f"<h3>{log}</h3>" in text
    assert '<div class="hit"><span class="number">5</span>' in text
    assert "/w/train.py:22" in text


def test_a_page_without_a_reason_shows_the_end_of_the_log(tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    explain("-", "--exit-code", "1", "--html", str(page), stdin="step 1 <i>\n")
    text = page.read_text()
    assert "<h1>unknown</h1>" in text
    assert "<h3>stdin</h3>" in text
    assert '<span class="number">1</span><code>step 1 &lt;i&gt;</code>' in text


def test_a_page_of_a_success_says_so(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    explain(str(log), "--exit-code", "0", "--html", str(page))
    assert "<title>none: The command succeeded</title>" in page.read_text()


def test_a_page_that_cannot_be_written_is_told(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "none" / "why.html"
    done = explain(str(log), "--html", str(page))
    assert done.returncode == 1
    assert done.stderr == (
        f"pai-runtime: {page}: No such file or directory; "
        "name a file in a directory that can be written\n"
    )


def test_a_file_name_of_a_log_moves_no_cursor() -> None:
    log = 'Traceback (most recent call last):\n  File "/w/\x1bc.py", line 3, in f\nValueError: no\n'
    told = explain("-", stdin=log).stdout
    assert "your code  /w/" in told
    assert "\x1b" not in told
