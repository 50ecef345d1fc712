# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many attempts at once, in one selector loop and without threads."""

from __future__ import annotations

import selectors
import time

from .probe import Attempt, Outcome


class Pool:
    """The attempts that are under way, each known by the name of its peer."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._running: dict[str, Attempt] = {}

    def __enter__(self) -> Pool:
        """Be closed at the end of the block, however it ends."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End whatever still runs."""
        for name in tuple(self._running):
            self._remove(name)
        self._selector.close()

    def __contains__(self, name: object) -> bool:
        """Tell whether an attempt of that name is under way."""
        return name in self._running

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._running)

    def add(self, name: str, attempt: Attempt) -> None:
        """Watch an attempt from now on."""
        self._running[name] = attempt
        self._selector.register(attempt, attempt.events, name)

    def wait(self, seconds: float) -> list[tuple[str, Outcome]]:
        """Return those that ended, waiting for the first of them no longer than ``seconds``."""
        ends = [attempt.deadline for attempt in self._running.values()]
        now = time.monotonic()
        limit = max(0.0, min([seconds, *(end - now for end in ends)]))
        ended = []
        for key, _events in self._selector.select(limit):
            outcome = self._running[key.data].advance()
            if outcome is None:
                self._watch(key.data, key.events)
            else:
                ended.append((key.data, outcome))
        done = {name for name, _outcome in ended}
        now = time.monotonic()
        late = [name for name, one in self._running.items() if one.deadline <= now]
        ended += [(name, Outcome("timeout")) for name in late if name not in done]
        for name, _outcome in ended:
            self._remove(name)
        return ended

    def _watch(self, name: str, events: int) -> None:
        attempt = self._running[name]
        if attempt.events != events:
            self._selector.modify(attempt, attempt.events, name)

    def _remove(self, name: str) -> None:
        attempt = self._running.pop(name)
        self._selector.unregister(attempt)
        attempt.close()
