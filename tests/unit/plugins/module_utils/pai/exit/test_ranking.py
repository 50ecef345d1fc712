"""Which of several candidates is the reason, as a table."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import ranking
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.candidates import Candidate
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry, Pattern

WORDS, CODE = Pattern(user_log="x"), Pattern(exit_code=143)


def candidate(
    category: str,
    weight: float,
    place: int,
    certain: int = 1,
    role: str = "root",
    text: str = "line",
    log: int = 0,
    pattern: Pattern = WORDS,
) -> Candidate:
    entry = Entry(237, category, category, role=role)
    return Candidate(entry, pattern, weight, place, text, certain=certain, log=log)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param(
            [candidate("gpu-oom", 80, 1), candidate("python-error", 85, 2)],
            "gpu-oom",
            id="of two errors the earlier one",
        ),
        pytest.param(
            [candidate("cuda-library", 50, 1), candidate("gpu-hardware", 90, 2)],
            "gpu-hardware",
            id="a later one that is clearly more precise",
        ),
        pytest.param(
            [candidate("file-not-found", 45, 1, -1), candidate("python-error", 50, 2)],
            "python-error",
            id="a warning gives way to an error",
        ),
        pytest.param(
            [
                candidate("network", 50, 1, -1, text="pip: /simple/x"),
                candidate("import-error", 90, 2),
            ],
            "network",
            id="a module is missing because it could not be fetched",
        ),
        pytest.param(
            [candidate("network", 50, 1, -1, text="telemetry"), candidate("import-error", 90, 2)],
            "import-error",
            id="a warning about something else explains nothing",
        ),
        pytest.param(
            [candidate("file-not-found", 70, 1, 0), candidate("python-error", 60, 2)],
            "file-not-found",
            id="a precise line before a generic exception",
        ),
        pytest.param(
            [candidate("nccl-error", 80, 1), candidate("gpu-oom", 75, 2)],
            "gpu-oom",
            id="what a peer sees of it, printed first",
        ),
        pytest.param(
            [candidate("nccl-error", 80, 1)], "nccl-error", id="communication itself, alone"
        ),
        pytest.param(
            [candidate("unknown", 40, 1, role="cascade"), candidate("python-error", 20, 1)],
            "unknown",
            id="a cascade before what only knows the type of its exception",
        ),
        pytest.param(
            [candidate("unknown", 40, 1, role="cascade"), candidate("host-oom", 80, 1)],
            "host-oom",
            id="a cascade that tells the cause in its own words",
        ),
        pytest.param(
            [candidate("unknown", 90, 1, role="cascade"), candidate("python-error", 30, 2)],
            "python-error",
            id="a cause before a cascade",
        ),
        pytest.param(
            [
                candidate("preempted", 40, 1, role="cascade"),
                candidate("unknown", 20, 2, 0, "cascade"),
            ],
            "unknown",
            id="others were stopped because one failed",
        ),
        pytest.param(
            [
                candidate("preempted", 40, 9, 0, text="", pattern=CODE),
                candidate("preempted", 30, 1, role="cascade", text="cancelled"),
            ],
            "preempted",
            id="the log tells more than the code",
        ),
        pytest.param([candidate("python-error", 10, 1)], None, id="too little is unknown"),
        pytest.param(
            [candidate("python-error", 60, 1), candidate("gpu-oom", 90, 1, log=1)],
            "gpu-oom",
            id="of several logs the surest one",
        ),
        pytest.param(
            [candidate("network", 60, 1), candidate("python-error", 60, 200_000)],
            "python-error",
            id="far away from the end",
        ),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_reason(candidates: list[Candidate], expected: str | None) -> None:
    finding = ranking.choose(candidates)
    assert (finding.best.category if finding else None) == expected


def test_the_log_shows_what_an_exit_code_alone_says() -> None:
    code = candidate("preempted", 40, 9, 0, text="", pattern=CODE)
    told = candidate("preempted", 30, 1, role="cascade", text="cancelled")
    finding = ranking.choose([code, told])
    assert finding.best is told


def test_runners_up_are_other_failures_best_first() -> None:
    given = [
        candidate("gpu-oom", 90, 1),
        candidate("network", 30, 2),
        candidate("python-error", 60, 3),
        candidate("gpu-oom", 80, 4),
    ]
    finding = ranking.choose(given)
    assert [each.category for each in finding.runners_up] == ["python-error", "network"]
    assert 0.9 <= finding.confidence <= 1


def test_a_rival_lowers_the_confidence() -> None:
    alone = ranking.choose([candidate("gpu-oom", 70, 1)])
    rivalled = ranking.choose([candidate("gpu-oom", 70, 1), candidate("python-error", 69, 2)])
    assert rivalled.confidence < alone.confidence
