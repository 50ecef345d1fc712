# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell from the last lines of a log whether all went well: then nothing before them failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Lines at the end of which one must say that something was finished.
_LAST = 4
#: Lines between what is taken for a failure and the end, none of which says that something failed:
#: less may be its echo.
_BETWEEN = 3

_GOOD = re.compile(
    r"(?i)\b(?:done|finished|completed|succe(?:eded|ss(?:ful(?:ly)?)?)|saved|wrote|written|"
    r"uploaded|exported|copied|passed|converged|all (?:ok|good|green|checks)|returned to service|"
    r"exits? (?:code )?0|status 0|code 0|(?:0|no) (?:errors?|failed|failures?))\b|"
    r"\bcomplete[.!]?\s*$"
)
#: What only the very end says, of all of it.
_WHOLE = re.compile(
    r"(?i)\bexit(?:ed|s)? (?:with )?(?:code |status )?0\s*$|\bfinished: succe\w+|"
    r"\bjob (?:\w+ )?succeeded\s*$|\bstatus (?:is |: ?)?succe\w+\s*$|"
    r"\(finished\)\s*$"
)
_BAD = re.compile(
    r"(?i)fail|error|exception|traceback|\bkill|abort|cancel|terminat|non-?zero|segfault|crash|"
    r"core dump|\bexit(?:ed|s)?\b.{0,20}\b[1-9]\d*\b|\b(?:code|status)[ :=]{1,3}[1-9]|\bnot\b|"
    r"\bunable|\bcannot|\bcan't|\blost\b|tim(?:ed|e) ?out|denied|refused|\bdied\b|\bstopped\b|"
    r"interrupt|preempt|incomplete|partial|warn|\bno such\b"
)
#: Words of failure that say that there was none.
_NONE = re.compile(
    r"(?i)\b(?:0|no|without(?: any)?) (?:\w+ )?(?:errors?|fail(?:ed|ures?)|warnings?|exceptions?)"
    r"\b|\b(?:errors?|fail(?:ed|ures?)|warnings?|timeouts?)(?: \w+)?\W{1,3}0(?![.\d])|"
    r"\berror[ _]rate\b"
)
#: What follows also on a failure: trackers and shells that tidy up,
_TIDIES = re.compile(
    r"(?i)^(?:wandb|mlflow|slurm|srun|=+$|-+$|\++ )|^(?:real|user|sys)\b|"
    r"^\w{3} \w{3} +\d|^[^\w\[]|^\d+\. |^\[bt\]|^[\w ()/-]+?\s*: +[\d.]|^[\w ()/-]+ : |"
    r"\bstack ?trace\b|\b(?:synced|sync|pulled|"
    r"epilog(?:ue)?|clean(?:ing|ed)?[ -]?up|artifacts?|assigned|tear(?:ing)? ?down|logs?|"
    r"shut ?down)\b"
)
#: and schedulers that tell when it ended.
_DATED = re.compile(
    r"(?i)\b(?:job|end(?:ed)?|finish(?:ed)?|complet(?:ed|ion)|stop(?:ped)?)(?: time)?"
    r"(?: at| on)?\b[:= ]*(?:\w{3} )?(?:\w{3} +\d|\d{1,4}[-/:.]\d)"
)


def begin(lines: Sequence[tuple[int, str]]) -> int | None:
    """Return where the good end of a log begins, if it has one, given its lines and places."""
    written = [(place, line) for place, line in lines if line.strip()]
    if written and _WHOLE.search(written[-1][1]):
        return written[-1][0]
    good = False
    said: list[int] = []  # places of lines that say something of the work, from the last one on
    for number in range(len(written) - 1, -1, -1):
        place, line = written[number]
        if _is_bad(line) or (len(said) >= _LAST and not good):
            break
        echo = number and written[number - 1][1].endswith(f"echo {line}")
        if not (echo or _TIDIES.search(line) or is_dated(line)):
            good = good or bool(_GOOD.search(line))
            said.append(place)
            if good and len(said) >= _BETWEEN:
                return said[_BETWEEN - 1]
    return None


def is_dated(line: str) -> bool:
    """Whether a line tells only when something ended, as schedulers do of every job."""
    return bool(_DATED.search(line))


def _is_bad(line: str) -> bool:
    return bool(_BAD.search(_NONE.sub("", line)))
