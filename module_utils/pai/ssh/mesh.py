# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit records over ssh: push one's own, take those that were pushed here, ask for those elsewhere.

A container that has ended has no sshd, so nothing is read from it. What it pushed is at the first
task of each role and at its neighbours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import RuntimeConfigError
from ..exit.job_view.exit_record import ExitRecord, decode
from ..job.model import Job
from .barrier_end import push_end_mark
from .barrier_limits import Limits
from .barrier_marks import QUESTION, Marks
from .barrier_peers import Peers, find_peers
from .place import Account, private_directory
from .probe_login import Client, LoginAttempt

#: Logins a second that all tasks of a job together ask one of them for.
_LOGINS = 50


@dataclasses.dataclass(frozen=True)
class Mesh:
    """The tasks of a job that this one reaches, as long as its files of ssh are there."""

    client: Client
    marks: Marks
    peers: Peers

    @classmethod
    def find(
        cls, work_dir: Path, job: Job, attempt: str, environment: Mapping[str, str]
    ) -> Mesh | None:
        """Return the mesh; None where the plugin ssh has made none, or has taken it away again."""
        try:
            account = Account.current(environment.get("PAI_SSH_HOME") or None)
            configuration = private_directory(work_dir, job, account) / "ssh_config"
            if not configuration.exists():
                return None
            client = Client.find(configuration, environment)
        except (RuntimeConfigError, OSError):
            return None
        peers = find_peers(job)
        return cls(client, Marks(work_dir, attempt), peers) if peers.near else None

    @property
    def interval(self) -> float:
        """Seconds between two questions: more in a large job, where all may ask at once."""
        return max(0.7, len(self.peers.others) / _LOGINS)

    def received(self) -> list[ExitRecord]:
        """Return what others have pushed here."""
        return [record for record in self.marks.received() if record.alias != self.peers.own.alias]

    def questions(self, seconds: float) -> Iterator[tuple[str, LoginAttempt]]:
        """Begin to ask the tasks that know most, each with its alias.

        Raises:
            OSError: the client cannot be started; what was yielded before runs.
        """
        for peer in self.peers.ask[: Limits.logins]:
            yield (
                peer.alias,
                self.client.login(peer.alias, QUESTION, connect=seconds, total=seconds),
            )

    def pushes(self, record: ExitRecord, seconds: float) -> Iterator[tuple[str, LoginAttempt]]:
        """Begin to push a record to some others, as `questions` does."""
        command = self.marks.push(record)
        for peer in self.peers.near[: Limits.logins]:
            yield peer.alias, self.client.login(peer.alias, command, connect=seconds, total=seconds)

    def answered(self, output: str) -> list[ExitRecord]:
        """Return the records in what a peer has answered, of this attempt."""
        return [record for record in decode(output) if record.attempt == self.marks.attempt]

    def keep(self, record: ExitRecord) -> None:
        """Leave the task's own record here, for whoever asks while its sshd runs.

        Raises:
            OSError: it cannot be written.
        """
        self.marks.keep(record)

    def push(self, record: ExitRecord, seconds: float) -> list[str]:
        """Push a record of a failure to some others, until one has heard it; return who has."""
        if self.marks.told.exists():
            return []
        heard = push_end_mark(self.client, self.marks, record, self.peers.near, seconds)
        if heard:
            self.marks.write(self.marks.told, str(record))
        return heard
