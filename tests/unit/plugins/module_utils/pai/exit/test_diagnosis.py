"""Logs, exceptions, the exit code, facts and the GPU together, with a small catalogue."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.diagnosis import (
    Doctor,
    Given,
    Source,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.digests.digest_look import (
    look_back,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry, Pattern
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    read_log,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.hints import hints_of

TRACEBACK = (
    'Traceback (most recent call last):\n  File "a.py", line 2, in f\n    {code}\n{raised}\n'
)


def entry(category: str, weight: int, *patterns: Pattern, role: str = "root") -> Entry:
    return Entry(237, category, category, patterns=patterns, role=role, weight=weight)


ENTRIES = (
    entry("gpu-oom", 90, Pattern(user_log="CUDA out of memory")),
    entry("no-gpu", 80, Pattern(exception="^AssertionError: Torch not compiled")),
    entry("python-error", 40, Pattern(exception=r"^(?:\w+\.)*\w+Error(?::|$)")),
    entry("disk-full", 85, Pattern(user_log="No space left on device")),
    entry("network", 75, Pattern(user_log="Connection refused")),
    entry("host-oom", 40, Pattern(exit_code=137)),
    entry("command-not-found", 60, Pattern(exit_code=127, user_log="not found$")),
    entry("preempted", 70, Pattern(facts="evicted")),
    entry("gpu-hardware", 50, Pattern(gpu_double_ecc=True)),
    entry("storage-io", 80, Pattern(platform_log="mount failed")),
    entry("unknown", 20, Pattern(user_log="exits with return code"), role="cascade"),
    entry("none", 50, Pattern(user_log="^dlerror: "), role="noise"),
    entry("none", 50, Pattern(exception="^StopIteration"), role="noise"),
)


def traceback(raised: str, code: str = "f()") -> str:
    return TRACEBACK.format(raised=raised, code=code)


@pytest.fixture(params=["with hints", "without hints"])
def doctor(request: pytest.FixtureRequest) -> Doctor:
    return Doctor(ENTRIES, hints_of(ENTRIES) if request.param == "with hints" else None)


@pytest.mark.parametrize(
    ("log", "code", "expected"),
    [
        pytest.param("a\nCUDA out of memory\n", 1, "gpu-oom", id="words"),
        pytest.param(traceback("ValueError: x"), 1, "python-error", id="an exception by its type"),
        pytest.param(
            traceback("AssertionError: Torch not compiled with CUDA"),
            1,
            "no-gpu",
            id="the more precise one of an exception",
        ),
        pytest.param("ValueError: x\n", 1, "unknown", id="printed words are no exception"),
        pytest.param(
            traceback("KeyError: 1", 'raise X("CUDA out of memory")'),
            1,
            "python-error",
            id="code is no message",
        ),
        pytest.param(
            "retry on: CUDA out of memory, No space left on device, Connection refused\n",
            1,
            "unknown",
            id="a list",
        ),
        pytest.param(
            "No space left on device: CUDA out of memory\n", 1, "gpu-oom", id="two are no list"
        ),
        pytest.param("+ echo CUDA out of memory\n", 1, "unknown", id="a command told by the shell"),
        pytest.param("dlerror: No space left on device\n", 1, "unknown", id="noise"),
        pytest.param(traceback("StopIteration"), 1, "unknown", id="noise raised"),
        pytest.param(
            "Exception ignored in: <f>\n" + traceback("ValueError: x"), 1, "unknown", id="ignored"
        ),
        pytest.param(
            "CUDA out of memory\nstep 1 loss 2\nstep 2 loss 2\n", 1, "unknown", id="survived"
        ),
        pytest.param("", 137, "host-oom", id="the exit code alone"),
        pytest.param("CUDA out of memory\n", 137, "gpu-oom", id="words before the exit code"),
        pytest.param("x: not found\n", 127, "command-not-found", id="words and exit code"),
        pytest.param("x: not found\n", 1, "unknown", id="words without their exit code"),
        pytest.param("x\n", 1, "unknown", id="nothing"),
        pytest.param("exits with return code = 1\n", 1, "unknown", id="a cascade"),
    ],
)
def test_the_reason(doctor: Doctor, log: str, code: int, expected: str) -> None:
    finding = doctor.diagnose([Source(Log(log.encode()))], Given(code))
    assert (finding.best.category if finding else "unknown") == expected


def test_facts_and_the_gpu_count(doctor: Doctor) -> None:
    source = [Source(Log(b"CUDA out of memory\n"))]
    evicted = doctor.diagnose([Source(Log(b"x\n"))], Given(1, {"evicted": True}))
    assert evicted.best.category == "preempted"
    assert doctor.diagnose([Source(Log(b"x\n"))], Given(1, {"evicted": False})) is None
    assert doctor.diagnose(source, Given(1, gpu=lambda: "2 errors")).best.category == "gpu-hardware"


def test_the_gpu_is_asked_once_a_pattern_wants_to_know() -> None:
    def never() -> str | None:
        raise AssertionError

    entries = (entry("x", 50, Pattern(exit_code=2, gpu_double_ecc=True)),)
    assert Doctor(entries).diagnose([Source(Log(b""))], Given(1, gpu=never)) is None


def test_patterns_are_searched_in_the_log_they_are_for(doctor: Doctor) -> None:
    user, platform = Log(b"mount failed\n"), Log(b"CUDA out of memory\n")
    sources = [Source(user), Source(platform, user=False, platform=True)]
    assert doctor.diagnose(sources, Given(1)) is None
    swapped = [Source(platform), Source(user, user=False, platform=True)]
    assert doctor.diagnose(swapped, Given(1)).best.category == "gpu-oom"


def test_what_stands_before_the_searched_end_is_found_with_its_line(doctor, tmp_path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\nNo space left on device\n" + b"filler\n" * 5000)
    problems: list[str] = []
    log = look_back(read_log(path, limit=1000), doctor.scanner, problems)
    assert log.skipped > 0
    assert not problems
    finding = doctor.diagnose([Source(log)], Given(1))
    assert finding.best.category == "disk-full"
    assert finding.best.place < 0
    assert log.line(finding.best.place) == 2


def test_broken_patterns_are_named() -> None:
    entries = (entry("x", 1, Pattern(user_log="(")), entry("y", 1, Pattern(exception="[")))
    assert hints_of(entries) is None
    assert Doctor(entries).broken == {"(": "missing ): (", "[": "missing ]: ["}
