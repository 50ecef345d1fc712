"""No line makes the readers take time out of proportion to its length, or fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.playbooks import ROOT

#: Two seconds are enough for all of them; what grows with a power of the length takes hours.
SECONDS = 120
PROGRAM = """
import sys
sys.path.insert(0, "module_utils")
from pai.exit.reading import good_end, line_prefix, progress, tracebacks
from pai.exit.reading.harmless import is_harmless
from pai.exit.reading.line_level import level

line = sys.stdin.read()
log = f"{line}\\n".encode() * 3
progress.find(log)
tracebacks.find(log)
tracebacks.find(b"Traceback (most recent call last):\\n" + log)
good_end.begin([(0, line), (1, line)])
line_prefix.split(line)
line_prefix.learn([line, line])
is_harmless(line)
level(line)
"""


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[a]b - " * 60 + "x", id="topology"),
        pytest.param("[3]Gi - " * 2000, id="long topology"),
        pytest.param(" " * 4000 + "RuntimeError: CUDA out of memory", id="a cleared bar"),
        pytest.param("a " * 3000 + "0.5 0.5 0.5 x", id="a row"),
        pytest.param("loss" * 60 + " " * 400, id="figures"),
        pytest.param("=== 1 passed " * 400, id="summaries"),
        pytest.param("multiprocessing/spawn.py " * 20_000, id="children"),
        pytest.param('  File "a.py", line ' + "1" * 5000, id="digits"),
        pytest.param("a.py:" + "1" * 5000 + ": ValueError", id="digits of pytest"),
        pytest.param("epoch " + "1" * 5000 + " loss 0.1", id="digits of an epoch"),
        pytest.param("skip " * 4000 + ": x", id="skips"),
        pytest.param("ignored " * 4000, id="ignored"),
        pytest.param("1/1 " * 4000 + "done", id="counts"),
        pytest.param("retry " * 4000, id="retries"),
    ],
)
def test_a_line_is_read_in_time(line: str) -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command, cwd=ROOT, input=line, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
