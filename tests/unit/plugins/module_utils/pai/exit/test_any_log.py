"""Whatever a log holds: it is explained, the message is valid, and it takes its time once."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import message
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.analysis import (
    analyse,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.diagnosis import (
    Doctor,
    Given,
    Source,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.explain.explanation import (
    Question,
    explain,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import CATEGORIES
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.catalogue import (
    load_catalogue,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading import progress
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import Log
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import Scanner
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.sources import Sources
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
START, END = b"[PAI_RUNTIME_ERROR_START]\n", b"[PAI_RUNTIME_ERROR_END]\n"
TRACEBACK = (
    b'Traceback (most recent call last):\n  File "/w/a.py", line 3, in <module>\n    run()\n'
)
EXAMPLES = sorted(
    {
        line.encode()
        for path in CATALOGUE.glob("*.yml")
        for row in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        for rule in (row.get("pattern") or {}).get("runtimeContainerPatterns", [])
        for line in rule.get("match", [])
    }
)
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(EXAMPLES),
    st.sampled_from(
        [
            *(TRACEBACK, TRACEBACK + b"ValueError: ", b"[rank1]: " + TRACEBACK),
            *(b"\nDuring handling of the above exception, another exception occurred:\n", b"  | "),
            *(b"\n", b"\r", b"\r\n", b"\0", b"\xff\xfe", b"\x1b[31m", b"\x1b]0;", b"  ", b"^\n"),
            *("\u2028\u00e9\U0001f600".encode(), b"\xed\xa0\x80", b"\xf0\x9f", START, END),
            *(b"step 1/9 loss 0.3\n", b" 12%|#  | 1/9 [00:01<00:02]\r", b"W" * 9000, b"WARNING "),
        ]
    ),
)
ANY_LOG = st.lists(PIECES, max_size=25).map(b"".join)


@settings(max_examples=100, deadline=None)
@given(log=ANY_LOG, code=st.one_of(st.none(), st.integers(-64, 255)))
def test_any_log_is_explained(log: bytes, code: int | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        path.write_bytes(log)
        answer = explain(Question((path,), CATALOGUE, code))
    assert answer.problems == ()
    document = answer.document
    assert document["category"] in CATEGORIES
    assert document["fault"] in ("user", "platform", "unknown")
    assert 0 <= document["confidence"] <= 1
    assert json.loads(json.dumps(document)) == document
    for line in document["evidence"]:
        assert line["line"] <= log.replace(b"\r", b"\n").count(b"\n") + 1


@settings(max_examples=60, deadline=None)
@given(user=ANY_LOG, platform=ANY_LOG, code=st.integers(1, 255))
def test_any_logs_give_a_valid_message(user: bytes, platform: bytes, code: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        outcome = {"stage": "command", "exitCode": code, "phases": {"start": 0.5}}
        (work / "outcome.json").write_text(json.dumps(outcome))
        (work / "job.json").write_text("{}")
        (work / "user-all").mkdir()
        (work / "user-all" / "current").write_bytes(user)
        (work / "runtime.log").write_bytes(platform)
        analysis = analyse(Sources(work / "outcome.json", work, work, CATALOGUE), lambda: None)
    written = message.render(analysis.report)
    assert len(written) <= 4096
    assert written.startswith(START)
    assert written.endswith(END)
    assert (written.count(START.strip()), written.count(END.strip())) == (1, 1)
    read = yaml.safe_load(written[len(START) : -len(END)].decode("utf-8"))
    assert read["exitCode"] == code


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]$"])
def test_a_pattern_that_would_take_others_for_ever_takes_linear_time(pattern: str) -> None:
    # one that backtracks needs 2 to the power of the length; this returns, and finds nothing
    text = b"a" * 200_000 + b"!"
    assert Scanner([pattern]).search(text) == {}
    lines = LineScanner([pattern])
    assert lines.broken == {}
    assert lines.search(text) == []
    assert [hit.begin for hit in lines.search(b"x!\n" + b"a" * 20_000 + b"A")] == (
        [3] if pattern.endswith("[A-Z]$") else []
    )


def test_of_a_very_long_line_the_part_around_the_match_is_kept() -> None:
    hit = LineScanner(["oom"]).search(b"a\n" + b"x" * 50_000 + b" oom " + b"y" * 50_000)[0]
    assert (hit.begin, hit.text[hit.start : hit.end]) == (2, "oom")
    assert hit.text == f"{'x' * 4095} oom {'y' * 4095}"


def test_the_progress_of_a_log_without_a_newline_is_that_of_its_end() -> None:
    bars = [f" {n}%|#| {n}/99999 [00:01<00:02]\r".encode() for n in range(99_999)]
    steps = progress.find(b"".join(bars)).steps
    assert 1000 < len(steps) < 20_000
    assert steps[-1].number == (99_998,)


ERROR = b"RuntimeError: CUDA out of memory. "
SIZE = 4 << 20
ORDINARY = b"2026-11-24 08:00:00 INFO step 12/90 loss 0.4 accuracy 0.9 lr 4.9e-05\n"


@pytest.fixture(scope="module")
def doctor() -> Doctor:
    catalogue = load_catalogue(CATALOGUE)
    return Doctor(catalogue.entries, catalogue.hints)


def seconds(doctor: Doctor, text: bytes) -> float:
    times = []
    for _ in range(2):
        began = time.process_time()
        doctor.diagnose([Source(Log(text))], Given(1, {}))
        times.append(time.process_time() - began)
    return min(times)


@pytest.fixture(scope="module")
def ordinary(doctor: Doctor) -> float:
    text = ORDINARY * (SIZE // len(ORDINARY)) + TRACEBACK + ERROR
    return max(0.02, seconds(doctor, text))


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param((ERROR, b"x", b""), id="one line"),
        pytest.param((ERROR, b" ", b"x"), id="spaces"),
        pytest.param((b"", ERROR, b""), id="one line of errors"),
        pytest.param((b"", ERROR + b"\n", b""), id="errors"),
        pytest.param((b"", b"\r", ERROR), id="carriage returns"),
        pytest.param((b"", TRACEBACK + b"ValueError: x\n", b""), id="tracebacks"),
        pytest.param((TRACEBACK, b"a.", b"Error: x\n"), id="a type of dots"),
        pytest.param((TRACEBACK + b"ValueError: bad", b" Error: x", b""), id="a long message"),
    ],
)
def test_an_unusual_log_takes_no_more_than_some_times_an_ordinary_one(
    doctor: Doctor, ordinary: float, piece: tuple[bytes, bytes, bytes]
) -> None:
    first, often, last = piece
    text = first + often * (SIZE // len(often)) + last
    # where lines or their number count by their square, or each for every pattern, it is hundreds
    assert seconds(doctor, text) < 30 * ordinary
