# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The child process of pai-runtime that searches a finished log file while the command runs.

The file is its standard input: it may be deleted meanwhile. Told to stop, it keeps what it has.
"""

from __future__ import annotations

import argparse
import mmap
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..diagnosis import Doctor
from ..patterns.catalogue import load_catalogue
from ..patterns.user_patterns import with_user_patterns
from . import digest, digest_make

_FAILED = 1


def main(argv: Sequence[str]) -> int:
    """Search the standard input and keep its digest; return the exit code."""
    given = _parser().parse_args(argv)
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _frame: told.append(signum))
    if find_spec("re2") is None:
        return _refuse("google-re2 is not installed")
    try:
        _search(given, told)
    except (OSError, ValueError) as error:  # ValueError: there is nothing in the file
        return _refuse(str(error))
    return 0


def _search(given: argparse.Namespace, told: list[int]) -> None:
    entries = with_user_patterns(load_catalogue(Path(given.catalogue)), Path(given.work_dir))
    scanner = Doctor(entries.entries, entries.hints).scanner
    with mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ) as text:
        made = digest_make.make(given.name, text, scanner, (0, len(text)), lambda: bool(told))
        if made.searched:
            digest.add(Path(given.log), digest_make.numbered(made, text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True, help="the directory of the log")
    parser.add_argument("--name", required=True, help="the name of the file")
    parser.add_argument("--catalogue", required=True)
    parser.add_argument("--work-dir", required=True)
    return parser


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return _FAILED
