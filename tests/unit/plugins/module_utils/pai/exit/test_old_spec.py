"""With a cluster's exit spec the code is the one that the old handler's rules give.

The rules are written down here once more, as simply as the contract of the spec says them: the
first entry in the order of the file of which a pattern holds; 255 where none does, but 128 + n for
a signal. The machinery that is tested has filters, chunks and a verdict on top of them.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import re2
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.analysis import (
    analyse,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.sources import Sources
from tests.unit.playbooks import ROOT

SPEC = Path(__file__).parent / "fixtures" / "k8s-job-exit-spec.yaml"
LOGS = [
    json.loads(line)
    for path in sorted((ROOT / "tests" / "bench" / "failures").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()[::3]
]
ENTRIES: list[dict[str, Any]] = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["spec"]
#: Texts near what the spec looks for, and codes that it names.
WORDS = [
    "CUDA out of memory",
    "command not found",
    "OOM when allocating tensor",
    "MPI_ABORT",
    "Segmentation fault",
    "(core dumped)",
    "SyntaxError:",
    "ImportError: x",
    "list index out of range",
    "unknown option",
    "CUDA driver version is insufficient for CUDA runtime version",
    "uncorrectable ECC error encountered",
    "SSH barrier reaches max retry count",
    "\n",
    " ",
    "\xff",
]
CODES = sorted({1, 127, 137, 143, 132, 160, 255} | {e["code"] for e in ENTRIES if e["code"] > 0})


def patterns() -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every pattern of a code with which a container can end, in the file's order."""
    for entry in ENTRIES:
        if 0 < entry["code"] < 256:
            for pattern in (entry.get("pattern") or {}).get("runtimeContainerPatterns") or ():
                yield entry["code"], pattern


def old_code(code: int, user: bytes, platform: bytes, gpu: bool) -> int:
    """Return what a failed container ends with by the rules of the spec."""
    for number, pattern in patterns():
        conditions = [
            "exitCode" not in pattern or pattern["exitCode"] == code,
            "userLogRegex" not in pattern or _occurs(pattern["userLogRegex"], user),
            "platformLogRegex" not in pattern or _occurs(pattern["platformLogRegex"], platform),
            "gpuInfo" not in pattern or gpu,
        ]
        if pattern and all(conditions):
            return number
    return code if code - 128 in set(signal.Signals) else 255


def _occurs(regex: str, text: bytes) -> bool:
    valid = text.decode("utf-8", "replace").encode()
    return re2.search(regex.encode(), valid) is not None


def new_code(code: int, user: bytes, platform: bytes, gpu: bool) -> int:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "user-all").mkdir()
        (place / "user-all" / "current").write_bytes(user)
        (place / "runtime.log").write_bytes(platform)
        outcome = {"exitCode": code, "stage": "command"}
        (place / "outcome.json").write_text(json.dumps(outcome))
        sources = Sources(place / "outcome.json", place, place, ROOT / "catalogue", SPEC, "spec")
        told = analyse(sources, lambda: "GPU 0: 2 double-bit ECC errors" if gpu else None)
    answer = told.report["exitCode"]
    assert isinstance(answer, int)
    return answer


@pytest.mark.parametrize("row", LOGS, ids=lambda row: row["id"])
def test_a_real_log_ends_with_the_old_code(row: dict[str, Any]) -> None:
    code = (row["exit_code"] or 1) % 256 or 1
    log = row["log"].encode("utf-8", "replace")
    assert new_code(code, log, b"", gpu=False) == old_code(code, log, b"", gpu=False)


@given(
    st.sampled_from(CODES),
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.booleans(),
)
def test_any_end_has_the_old_code(
    code: int, user: list[str], platform: list[str], gpu: bool
) -> None:
    logs = [" ".join(words).encode("latin-1") for words in (user, platform)]
    assert new_code(code, *logs, gpu) == old_code(code, *logs, gpu)


def test_the_spec_has_what_these_tests_need() -> None:
    kinds = {key for _code, pattern in patterns() for key in pattern}
    assert {"exitCode", "userLogRegex", "platformLogRegex", "gpuInfo"} <= kinds
    found = {old_code(row["exit_code"] or 1, row["log"].encode(), b"", gpu=False) for row in LOGS}
    assert len(found) >= 8
