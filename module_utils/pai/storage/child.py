# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a child process what may hang, for a limited time."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import tempfile
from types import ModuleType
from typing import Any

_SECONDS_TO_DIE = 0.2


def ask(program: ModuleType, *question: Any, seconds: float) -> dict[str, Any] | None:
    """Run the text of a module of ours in a fresh Python and return its answer, a JSON object.

    None where there was no answer after that many seconds. The child is killed then and not waited
    for any longer: in a system call on a dead mount even a killed process stays.

    An answer with ``errno``, ``error`` and ``step`` is an error of the operating system.
    """
    lines, ended = run(program, *question, seconds=seconds)
    if not ended:
        return None
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        told = lines[-1] if lines else "it said nothing"
        return {
            "errno": 0,
            "error": f"the probing process failed: {told}",
            "step": str(question[0]),
        }
    return answer


def run(program: ModuleType, *question: Any, seconds: float) -> tuple[list[str], bool]:
    """Return the lines that a child wrote, and whether it ended by itself in time."""
    # A file and not a pipe: a child that cannot be ended would keep the pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _text(program), json.dumps(question)],
            cwd="/",
            env={"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            process.wait(max(seconds, 0.0))
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            _end(process)
        output.seek(0)
        return output.read().decode("utf-8", "replace").splitlines(), ended


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_DIE)


@functools.cache
def _text(program: ModuleType) -> str:
    """Return the text of a module, wherever Ansible has it: in a file or in a zip."""
    loader: Any = program.__loader__
    text: str = loader.get_source(program.__name__)
    return text
