# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exit spec and the failure catalogue consist of: entries with patterns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

TYPES = (
    "USER_SUCCESS",
    "USER_STOP",
    "USER_FAILURE",
    "PLATFORM_FAILURE",
    "RESOURCE_ALLOCATION_TIMEOUT",
    "UNKNOWN_FAILURE",
)
BEHAVIORS = ("TRANSIENT", "TRANSIENT_CONFLICT", "PERMANENT", "UNKNOWN")
REACTIONS = ("ALWAYS_RETRY", "ALWAYS_BACKOFF_RETRY", "RETRY_TO_MAX", "NEVER_RETRY")

#: Codes that FrameworkController gives a meaning of its own.
RESERVED_CODES = range(200, 220)

#: Who must act, and whether a repetition may help, where an entry does not know better.
FAULTS = {
    "USER_STOP": "user",
    "USER_FAILURE": "user",
    "PLATFORM_FAILURE": "platform",
    "RESOURCE_ALLOCATION_TIMEOUT": "platform",
}
TRANSIENCE = {"TRANSIENT": True, "TRANSIENT_CONFLICT": True, "PERMANENT": False}

#: The classes of failures: what is the cause, not what follows from it.
CATEGORIES = (
    *("gpu-oom", "host-oom", "shm-exhausted", "nccl-error", "collective-timeout"),
    *("rendezvous-failure", "mpi-error", "gpu-hardware", "driver-mismatch", "no-gpu"),
    *("unsupported-gpu", "cuda-illegal-access", "cuda-assert", "cuda-library", "import-error"),
    *("missing-library", "python-syntax", "python-error", "shape-mismatch", "bad-arguments"),
    *("file-not-found", "permission-denied", "disk-full", "read-only-fs", "storage-io"),
    *("corrupt-file", "network", "http-error", "auth-error", "nan-loss", "segfault", "abort"),
    *("preempted", "command-not-found", "compile-error", "framework-error", "process-limit"),
    *("none", "unknown"),
)

#: What the words of an entry say: a cause, that something else failed, or nothing at all.
ROLES = ("root", "cascade", "noise")
#: How surely the words are the reason, where an entry does not say: an ordinary error line.
WEIGHT = 50


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Conditions that must all hold; a pattern without any matches nothing.

    ``exception`` is searched in "Type: message" of the tracebacks that nothing handled, and
    ``facts`` is a JMESPath expression on what the runtime wrote down about the end.
    """

    exit_code: int | None = None
    user_log: str | None = None
    platform_log: str | None = None
    gpu_double_ecc: bool = False
    exception: str | None = None
    facts: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing that could hold."""
        return self == Pattern()

    @property
    def observed(self) -> bool:
        """Whether it rests on something seen, not on the exit code alone."""
        words = (self.user_log, self.platform_log, self.exception, self.facts)
        return self.gpu_double_ecc or any(each is not None for each in words)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One way to end: the code, what it is called, and what recognises it.

    ``fault`` says who must act: ``user``, ``platform`` or ``unknown``; ``transient`` whether the
    same job, started again, has a fair chance, None where that cannot be said. ``role`` is one of
    ROLES; ``weight`` (1 to 100) says how surely these words are the reason.
    """

    code: int
    phrase: str = ""
    category: str | None = None
    type: str = "UNKNOWN_FAILURE"
    behavior: str = "UNKNOWN"
    reaction: str = "RETRY_TO_MAX"
    reason: str = ""
    solution: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    fault: str = "unknown"
    transient: bool | None = None
    role: str = "root"
    weight: int = WEIGHT


@dataclasses.dataclass(frozen=True)
class Hints:
    """What lets a log be searched without compiling every pattern.

    ``words`` has for each expression words, in lower case, of which every match has one;
    ``letters`` are some of which every line has at least one that matches any expression on logs.
    """

    words: Mapping[str, Sequence[str]]
    letters: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Entries:
    """The entries of one source in its order, and what in it had to be left out, by name."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()
    hints: Hints | None = None


def usable_code(code: int) -> bool:
    """Whether a container may end with ``code`` and mean it: a process can only end with a byte."""
    return 1 <= code <= 255 and code not in RESERVED_CODES


def integer(value: object) -> int | None:
    """Return the value where it is an integer; the booleans of YAML and JSON are not."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
