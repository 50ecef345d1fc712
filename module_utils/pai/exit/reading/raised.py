# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a traceback tells: exceptions, where they stand in the log, and where in the code."""

from __future__ import annotations

import dataclasses

from . import line_prefix


@dataclasses.dataclass(frozen=True)
class Frame:
    """A line of code."""

    file: str
    line: int


@dataclasses.dataclass(frozen=True)
class Raised:
    """One exception: its dotted type, the first line of its message, and where that stands.

    ``first`` to ``last`` are the places, in bytes, of its first frame and the last line of its
    message; ``frame`` is the innermost line of the user's own code.
    """

    kind: str
    message: str
    place: int
    first: int
    last: int
    frame: Frame | None = None

    @property
    def text(self) -> str:
        """The exception as Python prints it, on one line."""
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @property
    def texts(self) -> tuple[str, ...]:
        """The same, and the exception that this one only wraps, as JAX does."""
        wraps = self.kind.endswith(("UnfilteredStackTrace", "BeforeTransformation"))
        return (self.text, self.message) if wraps else (self.text,)


@dataclasses.dataclass(frozen=True)
class Traceback:
    """Exceptions that followed from each other, the first one first.

    ``process`` is what stands before its lines; ``handled``: Python itself says that the program
    went on; ``ignored``: that it did not matter.
    """

    chain: tuple[Raised, ...]
    process: str = ""
    handled: bool = False
    ignored: bool = False

    @property
    def rank(self) -> str | None:
        """The number of the process among its peers, where its lines tell it."""
        return line_prefix.rank(self.process)

    @property
    def first(self) -> int:
        """Where it begins, in bytes."""
        return self.chain[0].first

    @property
    def last(self) -> int:
        """Where its last line begins."""
        return self.chain[-1].last
