"""How fast logs are searched for every pattern of the catalogue.

One log is healthy; the other is dense with words of errors, in lines that no pattern matches: the
worst case, since nothing is found and every chunk must be looked at closely. Run it by itself:
``python tests/bench/bench_scan.py``.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from table import Row, show

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import (  # noqa: E402
    catalogue,
    logs,
    scan,
)

MEGABYTE = 10**6
SIZE_MB = 100
ROUNDS = 5
HEALTHY = (
    "2026-11-24 08:00:00 INFO epoch {0} step {1} loss 0.{1} accuracy 0.98 images/s 1234.5",
    "[rank{2}] iteration {1} / 20000 | learning rate 4.9E-05 | loss scale 67108864.0 |",
    "{1}/20000 [=====>..............] - ETA: 1:23 - loss: 0.{1} - batch: {2}",
)
BARS = (*HEALTHY[:2], "loss: 0.{1}  {2}0%|██████▌    | {1}/20000 [01:23<02:34,  3.21it/s]")
WORDS = (
    "error Error: ERROR RuntimeError: ValueError KeyError CUDA out of memory OOM when "
    "allocating killed Killed segmentation fault core dumped failed Failed exception "
    "Exception: Traceback timeout timed out Connection refused reset by peer No such file or "
    "directory Permission denied NCCL nan ImportError: ModuleNotFoundError assertion Aborted "
    "signal terminate called Input/output not found No space left device 401 403 429 503 "
    "Client Error Server Error unknown option invalid argument"
)


def measure() -> list[Row]:
    """Return rows of name, value, unit, budget (None where there is none)."""
    entries = catalogue.load_catalogue(ROOT / "catalogue").entries
    patterns = [rule.user_log for entry in entries for rule in entry.patterns if rule.user_log]
    compiled = min(_seconds(lambda: scan.Scanner(patterns)) for _ in range(ROUNDS))
    scanner = scan.Scanner(patterns)
    return [
        ("patterns of the catalogue compiled", compiled * 1000, "ms", None),
        ("pattern scan, healthy log", _rate(scanner, _healthy(HEALTHY)), "MB/s", 300),
        ("… with letters beyond ASCII everywhere", _rate(scanner, _healthy(BARS)), "MB/s", None),
        ("pattern scan, log dense with error words", _rate(scanner, _dense()), "MB/s", 100),
    ]


def _rate(scanner: scan.Scanner, text: bytes) -> float:
    """Return MB/s of making a log valid text and searching it, as the analysis does.

    The fastest round counts: whatever else the machine does can only slow one down.
    """
    runs = [_seconds(lambda: scanner.search(logs.clean(text))) for _ in range(ROUNDS)]
    return len(text) / MEGABYTE / min(runs)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _healthy(kinds: tuple[str, ...]) -> bytes:
    lines = (kinds[n % 3].format(n // 1000, n, n % 8) for n in range(100_000))
    return _repeated("\n".join(lines) + "\n")


def _dense() -> bytes:
    choose, words = random.Random(1), WORDS.split()  # the same log at every run
    lines = (" ".join(choose.choices(words, k=12)) for _ in range(100_000))
    return _repeated("\n".join(lines) + "\n")


def _repeated(text: str) -> bytes:
    block = text.encode()
    return block * (SIZE_MB * MEGABYTE // len(block) + 1)


if __name__ == "__main__":
    show(measure())
