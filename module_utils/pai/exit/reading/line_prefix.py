# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What launchers and log collectors put before the lines of a process.

torchrun writes ``[rank0]: ``, mpirun ``[1,0]<stderr>:``, srun ``0: ``, Ray ``(f pid=12) ``, docker
compose ``web-1  | ``; kubectl and container engines put a time before each line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TIME = r"\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)? (?:std(?:out|err) [FP] )?"
_RANK = (
    r"\[[A-Za-z_.-]*\d+\]: ?(?=\D|$)|\[\d+,\d+\](?:<std(?:err|out|diag)>)?: ?| {0,4}\d{1,5}: |"
    r"\((?:[\w.:<>()-]+ )?pid=\d+(?:, ip=[\d.]+)?\) ?|[\w.-]{1,40} +\| |[ |]*[|+] ?"
)
_PREFIX = re.compile(f"(?:{_TIME}|(?P<rank>{_RANK}))")
_STREAM = re.compile(r"<std\w+>")
_NUMBER = re.compile(r"\d+")
#: A time in a prefix, which is no part of the process.
_CLOCK = re.compile(r"\d[\dT:.,/-]{4,}Z?")
_TRACEBACK = "Traceback (most recent call last)"


def split(line: str, learned: Sequence[re.Pattern[str]] = ()) -> tuple[str, str]:
    """Return what tells the process, without the times, and the line without either."""
    process = ""
    for _unused in range(3):
        found = _PREFIX.match(line)
        if not found or not found.end():
            break
        process += _STREAM.sub("", found["rank"] or "").strip()
        line = line[found.end() :]
    for prefix in learned:
        more = prefix.match(line)
        if more:
            return process + _CLOCK.sub("", more[0]).strip(), line[more.end() :]
    return process, line


def learn(lines: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return the other prefixes that stand before whole tracebacks, as of pdsh: ``node-1: ``.

    Where there are digits in one others may stand: most tell a time.
    """
    prefixes = set()
    for number, line in enumerate(lines):
        if _TRACEBACK not in line:
            continue
        lead = split(line)[1].partition(_TRACEBACK)[0]
        if not lead.strip():
            continue
        prefix = _NUMBER.sub(r"\\d+", re.escape(lead))
        frame = re.compile(f"{prefix}  File ")
        follows = (split(next_line)[1] for next_line in lines[number + 1 : number + 6])
        if any(frame.match(each) for each in follows):
            prefixes.add(prefix)
    return tuple(re.compile(each) for each in sorted(prefixes, key=len, reverse=True))


def rank(process: str) -> str | None:
    """Return the number of the process among its peers where the prefix holds one."""
    numbers = _NUMBER.findall(process)
    return numbers[-1] if numbers and "pid=" not in process else None
