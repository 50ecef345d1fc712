# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``pai-runtime explain``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...errors import RuntimeConfigError
from ...files import PRIVATE
from ...replacing import replace
from ..pages import html_content, html_page
from .explain_text import tell
from .explanation import Answer, Question, explain

_CATALOGUE = Path(os.path.abspath(__file__)).parents[4] / "catalogue"
_FAILED, _USAGE_ERROR = 1, 2
_STDIN = "stdin"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse: NoReturn
        """Raise instead of printing the usage: one clear line is enough."""
        raise RuntimeConfigError(f"{message} (see pai-runtime explain --help)")


def main(argv: Sequence[str]) -> int:
    """Explain the logs and return the exit code: 0, also where nothing was found."""
    try:
        given = _parser().parse_args(argv)
    except RuntimeConfigError as error:
        return _refuse(str(error), _USAGE_ERROR)
    try:
        answer = _answer(given)
        if given.html:
            _write(Path(given.html), answer)
    except (RuntimeConfigError, OSError) as error:
        return _refuse(str(error), _FAILED)
    for problem in answer.problems:
        sys.stderr.write(f"pai-runtime: {problem}\n")
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = json.dumps(answer.document) + "\n" if given.json else tell(answer.document, colour)
    # whatever the locale: the log may hold any letter
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), text.encode("utf-8", "replace"))
    return 0


def _answer(given: argparse.Namespace) -> Answer:
    """Return the explanation, in which what came from the standard input is called ``-``."""
    with tempfile.TemporaryDirectory() as directory:
        logs = tuple(_log(name, Path(directory)) for name in given.logs)
        patterns = Path(given.patterns) if given.patterns else None
        answer = explain(Question(logs, Path(given.catalogue), given.exit_code, patterns))
        stdin = str(Path(directory) / _STDIN)
    for line in (*answer.document["evidence"], *answer.document["runners_up"]):
        if line["file"] == stdin:
            line["file"] = "-"
    quoted = (
        dataclasses.replace(each, name=_STDIN) if each.name == stdin else each
        for each in answer.excerpts
    )
    return dataclasses.replace(answer, excerpts=tuple(quoted))


def _write(path: Path, answer: Answer) -> None:
    """Write the page, for its owner alone: what it quotes is not masked."""
    content = html_content.of_explanation(answer.document, answer.excerpts)
    try:
        replace(path, html_page.render(content), PRIVATE)
    except OSError as error:
        raise RuntimeConfigError(
            f"{path}: {error.strerror}; name a file in a directory that can be written"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pai-runtime explain",
        description="Explain why a command failed, from its logs; no job is needed.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "logs", nargs="+", metavar="LOG", help="a log, a log directory of the runtime, or - (stdin)"
    )
    parser.add_argument("--exit-code", type=int, metavar="N", help="how the command ended")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--html", metavar="FILE", help="also write a page for people, which only you can read"
    )
    parser.add_argument(
        "--catalogue", metavar="DIR", default=str(_CATALOGUE), help="another failure catalogue"
    )
    parser.add_argument(
        "--patterns",
        metavar="DIR",
        default=os.environ.get("PAI_FAILURE_PATTERNS"),
        help="more failure patterns, those of your cluster ($PAI_FAILURE_PATTERNS)",
    )
    return parser


def _log(name: str, directory: Path) -> Path:
    if name != "-":
        return Path(name)
    path = directory / _STDIN
    path.write_bytes(sys.stdin.buffer.read())
    return path


def _refuse(message: str, code: int) -> int:
    sys.stderr.write(f"pai-runtime: {message}\n")
    return code
