# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the barrier says while it waits: a line when something changed, or every 30 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

#: Peers that a line of progress names, and that a message about the end names per cause.
NAMED, NAMED_AT_END = 5, 50
_SECONDS_UNCHANGED = 30.0
#: A change sooner than this after a line waits for the next one.
_SECONDS_CHANGED = 2.0


class Progress:
    """Says how far the barrier is, not too often."""

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._clock = clock
        self._last = ""
        self._next = clock() + _SECONDS_CHANGED  # a barrier that is passed at once says so only

    def update(self, ready: int, total: int, waiting: Mapping[str, str]) -> None:
        """Say it if it is time; ``waiting`` maps a peer's alias to the cause."""
        now = self._clock()
        if now < self._next:
            return
        text = line(ready, total, waiting)
        if text == self._last and now < self._next - _SECONDS_CHANGED + _SECONDS_UNCHANGED:
            return
        self._say(text)
        self._last, self._next = text, now + _SECONDS_CHANGED


def line(ready: int, total: int, waiting: Mapping[str, str]) -> str:
    """Return one line of progress.

    >>> line(37, 38, {"worker-3": "refused"})
    '37 of 38 ready; waiting for worker-3 (refused)'
    """
    names = [f"{alias} ({cause})" for alias, cause in waiting.items()]
    return f"{ready} of {total} ready; waiting for {_shortened(names, NAMED)}"


def by_cause(waiting: Mapping[str, str]) -> str:
    """Return every peer that is waited for under the cause of its last failure.

    >>> by_cause({"a-0": "refused", "a-1": "dns", "a-2": "refused"})
    'a-0, a-2 (refused); a-1 (dns)'
    """
    groups: dict[str, list[str]] = {}
    for alias, cause in waiting.items():
        groups.setdefault(cause, []).append(alias)
    return "; ".join(
        f"{_shortened(aliases, NAMED_AT_END)} ({cause})" for cause, aliases in groups.items()
    )


def _shortened(names: Iterable[str], most: int) -> str:
    every = list(names)
    more = [f"{len(every) - most} more"] if len(every) > most else []
    return ", ".join([*every[:most], *more])
