"""How fast logs are searched for every pattern of the catalogue.

One log is healthy; others are dense with words of errors. In one these stand in a random order that
hardly any pattern matches: the worst case, since almost nothing is found and every chunk must be
looked at closely; it begins anew after 100,000 lines, or it does not. In another 64 ranks write
their tracebacks at the same time. Run it by itself: ``python tests/bench/bench_scan.py``.
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
    diagnosis,
    model,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns import (  # noqa: E402
    catalogue,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading import logs  # noqa: E402
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search import (  # noqa: E402
    line_scan,
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


FRAMES = (
    ("nn/modules/module.py", "_call_impl", "return forward_call(*args, **kwargs)"),
    ("nn/parallel/distributed.py", "forward", "else self._run_ddp_forward(*inputs, **kwargs)"),
    ("distributed/distributed_c10d.py", "all_reduce", "work = group.allreduce([tensor], opts)"),
    ("utils/data/dataloader.py", "_next_data", "data = self._dataset_fetcher.fetch(index)"),
)
RAISED = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {0} MiB. GPU {1} has 79 GiB",
    "RuntimeError: CUDA error: an illegal memory access was encountered",
    "torch.distributed.DistBackendError: [{1}] is setting up NCCL communicator: Connection reset",
    "ConnectionRefusedError: [Errno 111] Connection refused",
    "KeyError: 'module.layer.{0}.weight'",
)


def measure() -> list[Row]:
    """Return rows of name, value, unit, budget (None where there is none)."""
    directory = ROOT / "catalogue"
    loaded = min(_seconds(lambda: catalogue.load_catalogue(directory)) for _ in range(ROUNDS))
    loaded_now = catalogue.load_catalogue(directory)
    prepared = min(_seconds(lambda: _doctor(loaded_now)) for _ in range(ROUNDS))
    scanner = line_scan.LineScanner(*_patterns(loaded_now.entries), loaded_now.hints)
    return [
        ("catalogue loaded", loaded * 1000, "ms", 30),
        ("patterns of the catalogue prepared", prepared * 1000, "ms", 40),
        ("pattern scan, healthy log", _rate(scanner, _healthy(HEALTHY)), "MB/s", 300),
        ("… with letters beyond ASCII everywhere", _rate(scanner, _healthy(BARS)), "MB/s", None),
        ("pattern scan, log dense with error words", _rate(scanner, _dense()), "MB/s", 100),
        ("… in lines that do not repeat", _rate(scanner, _dense(repeated=False)), "MB/s", 100),
        ("… of tracebacks of 64 ranks", _rate(scanner, _tracebacks()), "MB/s", 100),
        (
            "whole analysis, 10 MiB of a healthy log",
            _analysis(loaded_now, _healthy(HEALTHY)),
            "ms",
            None,
        ),
        ("whole analysis, 10 MiB of error words", _analysis(loaded_now, _dense()), "ms", None),
        ("whole analysis, 10 MiB of tracebacks", _analysis(loaded_now, _tracebacks()), "ms", None),
    ]


def _patterns(entries: tuple[model.Entry, ...]) -> tuple[list[str], list[str]]:
    """Return the patterns on the user's log, and those of noise."""
    rules = [(entry.role == "noise", rule.user_log) for entry in entries for rule in entry.patterns]
    return (
        [regex for noise, regex in rules if regex and not noise],
        [regex for noise, regex in rules if regex and noise],
    )


def _rate(scanner: line_scan.LineScanner, text: bytes) -> float:
    """Return MB/s of making a log valid text and searching it, as the analysis does.

    The fastest round counts: whatever else the machine does can only slow one down. What is usual
    in the log is learned in the first one, in 0.1 s; the analyses below begin with that.
    """
    runs = [_seconds(lambda: scanner.search(logs.clean(text))) for _ in range(ROUNDS)]
    return len(text) / MEGABYTE / min(runs)


def _doctor(loaded: model.Entries) -> diagnosis.Doctor:
    return diagnosis.Doctor(loaded.entries, loaded.hints)


def _analysis(loaded: model.Entries, text: bytes) -> float:
    """Return milliseconds to prepare the catalogue and to explain the end of a log."""
    sources = [diagnosis.Source(logs.Log(text[-logs.SEARCHED :]))]

    def explain() -> None:
        _doctor(loaded).diagnose(sources, diagnosis.Given(1))

    return min(_seconds(explain) for _ in range(ROUNDS)) * 1000


def _seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds: what else the machine does is not counted."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _healthy(kinds: tuple[str, ...]) -> bytes:
    lines = (kinds[n % 3].format(n // 1000, n, n % 8) for n in range(100_000))
    return _repeated("\n".join(lines) + "\n")


def _dense(repeated: bool = True) -> bytes:
    choose, words = random.Random(1), WORDS.split()  # the same log at every run
    lines = (" ".join(choose.choices(words, k=12)) for _ in range(100_000))
    text = "\n".join(lines) + "\n"
    return _repeated(text) if repeated else text.encode()


def _tracebacks(ranks: int = 64) -> bytes:
    choose = random.Random(1)
    waiting: list[list[str]] = [[] for _ in range(ranks)]
    lines = []
    for _ in range(100_000):
        rank = choose.randrange(ranks)
        waiting[rank] = waiting[rank] or _traceback(choose, rank)
        lines.append(f"[rank{rank}]: {waiting[rank].pop(0)}")
    return _repeated("\n".join(lines) + "\n")


def _traceback(choose: random.Random, rank: int) -> list[str]:
    lines = ["Traceback (most recent call last):"]
    for file, function, code in choose.choices(FRAMES, k=8):
        place = f"/opt/python/site-packages/torch/{file}"
        lines += [f'  File "{place}", line {choose.randrange(2000)}, in {function}', f"    {code}"]
    return [*lines, choose.choice(RAISED).format(choose.randrange(9999), rank)]


def _repeated(text: str) -> bytes:
    block = text.encode()
    return block * (SIZE_MB * MEGABYTE // len(block) + 1)


if __name__ == "__main__":
    show(measure())
