# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much environment a process can be given, and what to leave out when there is more.

Linux (execve(2), "Limits on size of arguments and environment") counts strings and pointers of
arguments and environment together against a quarter of the stack limit, at most 6 MiB, and limits
each string to 128 KiB. Shells set a limit of their own: bash takes time in the square of the number
of variables at every start (5.2: 0.1 s for 6,000, 1.6 s for 22,000).
"""

from __future__ import annotations

import dataclasses
import resource
from collections.abc import Iterable, Mapping

from .environment import Variable

_MOST = 6 * 2**20
_LEAST = 128 * 2**10
#: MAX_ARG_STRLEN: one "NAME=value" with its final zero byte.
LONGEST_STRING = 128 * 2**10
_POINTER = 8
#: With more variables than this, every start of a shell in the job would be felt.
MOST_VARIABLES = 6000
#: The other half is for what the user's own scripts export and for command lines.
_OUR_PART = 2


def budget(stack_limit: int | None = None) -> int:
    """Return how many bytes the whole environment of the user's process may take.

    ``stack_limit`` in bytes, by default this process's soft limit.
    """
    soft = resource.getrlimit(resource.RLIMIT_STACK)[0] if stack_limit is None else stack_limit
    limit = _MOST if soft == resource.RLIM_INFINITY else max(min(soft // 4, _MOST), _LEAST)
    return limit // _OUR_PART


def size(name: str, value: str) -> int:
    """Return what one variable takes of the budget, in bytes."""
    return len(name.encode("utf-8", "surrogateescape")) + _bytes(value) + 2 + _POINTER


def _bytes(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape"))


@dataclasses.dataclass(frozen=True)
class Split:
    """Variables that a process gets, and those that stay in the files (``left_out``)."""

    exported: Mapping[str, str]
    left_out: Mapping[str, str]


def split(
    fixed: Mapping[str, str],
    tasks: Iterable[list[Variable]],
    container: Mapping[str, str],
    limit: int,
    most: int = MOST_VARIABLES,
) -> Split:
    """Choose what to export: ``fixed`` always, then whole tasks in order while they fit.

    ``container`` is the environment that is there already; ``limit`` (bytes) and ``most`` (a number
    of variables) are for all together. A string that the kernel would refuse by its length is
    always left out.
    """
    exported: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, value in fixed.items():
        too_long = size(name, value) - _POINTER > LONGEST_STRING
        (left_out if too_long else exported)[name] = value
    kept = {name: value for name, value in container.items() if name not in exported}
    used = sum(size(*item) for part in (exported, kept) for item in part.items())
    count, full = len(exported) + len(kept), False
    for variables in tasks:
        used += sum(size(*variable) for variable in variables)
        count += len(variables)
        full = full or used > limit or count > most
        (left_out if full else exported).update(variables)
    return Split(exported, left_out)
