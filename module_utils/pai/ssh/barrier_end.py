# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell other tasks of a job that this one has ended: afterwards it has no sshd to be asked."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..exit.job_view.exit_record import ExitRecord
from .barrier_limits import Limits
from .barrier_marks import Marks
from .barrier_peers import Peer
from .probe_login import Client
from .probe_pool import Pool

SECONDS = 2.0


def push_end_mark(
    client: Client, marks: Marks, mark: ExitRecord, told: Sequence[Peer], seconds: float = SECONDS
) -> list[str]:
    """Tell peers that this task has ended, in so many seconds at most; return who has heard."""
    command = marks.push(mark)
    heard: list[str] = []
    until = time.monotonic() + seconds
    with Pool() as pool:
        for peer in told[: Limits.logins]:
            login = client.login(peer.alias, command, connect=seconds, total=seconds)
            pool.add(peer.alias, login)
        while len(pool):
            ended = pool.wait(max(0.0, until - time.monotonic()))
            heard += [alias for alias, outcome in ended if outcome.ready]
    return heard
