"""How many labelled failure logs are explained rightly.

``python tests/bench/bench_failures.py [FILE.jsonl]``; without a file the project's own logs are
used. A line of such a file is an object with ``id``, ``label`` (a category, or ``none`` for a log
in which nothing failed), ``exit_code`` (or null), ``fault``, ``transient`` and ``log``. A log
without a failure is judged as if its command had ended with 1: only ``unknown`` is right then.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.explain import explanation  # noqa: E402

OWN = ROOT / "tests" / "bench" / "failures"
HEALTHY, UNKNOWN = "none", "unknown"


@dataclasses.dataclass(frozen=True)
class Case:
    """A labelled log, and what was said about it."""

    row: dict[str, Any]
    said: dict[str, Any]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed in this log."""
        return bool(self.row["label"] == HEALTHY)

    @property
    def wanted(self) -> str:
        """The category that would be right."""
        return UNKNOWN if self.healthy else str(self.row["label"])

    def right(self, what: str) -> bool:
        """Whether ``category``, ``fault`` or ``transient`` is right."""
        return bool(self.said[what] == (self.wanted if what == "category" else self.row[what]))


def rows(files: list[Path]) -> Iterator[dict[str, Any]]:
    """Yield the labelled logs of all files."""
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def judge(row: dict[str, Any], directory: Path) -> Case:
    """Explain one log."""
    log = directory / "log"
    log.write_text(row["log"], encoding="utf-8", errors="replace")
    code = 1 if row["label"] == HEALTHY else row.get("exit_code")
    question = explanation.Question((log,), ROOT / "catalogue", code)
    return Case(row, explanation.explain(question).document)


def describe(case: Case) -> str:
    """Return a line about an answer that is wrong in something."""
    said, row = case.said, case.row
    wrong = [what for what in ("category", "fault", "transient") if not case.right(what)]
    line = said["evidence"][0]["text"][:90] if said["evidence"] else "(no line)"
    return (
        f"{row['id']}: wrong {', '.join(wrong)}; wanted {case.wanted} {row['fault']} "
        f"{row['transient']}; said {said['category']} {said['fault']} {said['transient']} "
        f"({said['phrase']}, {said['confidence']}): {line}"
    )


def table(cases: list[Case]) -> Iterator[str]:
    """Yield the figures, then what was taken for what."""
    total = len(cases)
    for what in ("category", "fault", "transient"):
        right = sum(case.right(what) for case in cases)
        yield f"{what:<28}{right:>4} of {total:<4} {100 * right / max(1, total):6.1f} %"
    healthy = [case for case in cases if case.healthy]
    alarms = sum(not case.right("category") for case in healthy)
    yield f"{'false alarms':<28}{alarms:>4} of {len(healthy)} logs without a failure"
    confused = collections.Counter(
        (case.wanted, case.said["category"]) for case in cases if not case.right("category")
    )
    if confused:
        yield "taken for something else (wanted -> said):"
    for (wanted, said), count in sorted(confused.items()):
        yield f"  {wanted:<24} -> {said:<24}{count:>4}"


def main(arguments: list[str]) -> int:
    """Print the score of the given files, or of our own logs."""
    files = [Path(each) for each in arguments] or sorted(OWN.glob("*.jsonl"))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        cases = [judge(row, Path(directory)) for row in rows(files)]
    seconds = time.perf_counter() - start
    for case in cases:
        if not all(case.right(what) for what in ("category", "fault", "transient")):
            print(describe(case))
    print("\n".join(table(cases)))
    print(f"{'time for each log':<28}{1000 * seconds / max(1, len(cases)):>9.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
