# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``pai-runtime check-catalogue``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .lint import check_directory
from .lint_patterns import rules_of

CATALOGUE = Path(os.path.abspath(__file__)).parents[4] / "catalogue"
_WRONG, _USAGE_ERROR = 1, 2


class Parser(argparse.ArgumentParser):
    """Tells a wrong option in one line, as pai-runtime does."""

    def error(self, message: str) -> NoReturn:
        """End the program with the message."""
        self.exit(_USAGE_ERROR, f"pai-runtime: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str]) -> int:
    """Check a catalogue, tell every problem in one line, and return 1 where there is one."""
    parser = Parser(
        prog="pai-runtime check-catalogue",
        description="Check every rule that the entries of a failure catalogue must keep.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "directory", nargs="?", metavar="DIR", default=str(CATALOGUE), help="its YAML files"
    )
    given = parser.parse_args(argv)
    rows, problems = check_directory(Path(given.directory))
    for problem in problems:
        sys.stderr.write(problem.encode("utf-8", "replace").decode() + "\n")
    patterns = [rule for row in rows for rule in _listed(rules_of(row.fields))]
    count = len(problems)
    told = f"{count} problem{'' if count == 1 else 's'}" if problems else "no problem"
    sys.stdout.write(
        f"{given.directory}: {len(rows)} entries, {len(patterns)} patterns, {told}" + "\n"
    )
    return _WRONG if problems else 0


def _listed(rules: object) -> Sequence[object]:
    return rules if isinstance(rules, list) else ()
