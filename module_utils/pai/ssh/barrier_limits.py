# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a barrier may take, how much it does at once, and how it fails."""

from __future__ import annotations

import dataclasses
import random

from ..errors import RuntimeConfigError

EXIT_TIMEOUT = 249  # PAI's code for a barrier that did not come to a good end


class BarrierError(RuntimeConfigError):
    """The barrier cannot be passed: the message and the exit code."""

    exit_code = EXIT_TIMEOUT


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long and how much at once; times in seconds.

    The first task is gone when it fails ``failures_gone`` times in a row after it had answered
    once, or has not answered at all for ``never_seen``.
    """

    total: float
    connect: float = 5.0
    login: float = 30.0
    banners: int = 300
    logins: int = 16
    first_delay: float = 0.2
    last_delay: float = 5.0
    failures_gone: int = 5
    never_seen: float = 120.0

    def delay(self, failures: int) -> float:
        """Return how long to wait after that many failures in a row, with jitter."""
        longest = min(self.last_delay, self.first_delay * 2.0 ** min(failures - 1, 16))
        return random.uniform(longest / 2, longest)
