# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of the plugin ssh are: a directory that sshd accepts, and whose user it is for.

sshd refuses an authorized_keys file below a directory that others may write to, as Kubernetes'
emptyDir (0777) and /tmp (1777) are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import RuntimeConfigError
from ..job.model import Job

#: What needs no quotes in sshd_config, ssh_config and a shell.
_PLAIN = re.compile(r"/[a-zA-Z0-9_+,./-]*")


@dataclasses.dataclass(frozen=True)
class Account:
    """The user that this process is, as sshd and ssh know it: from the password file alone.

    ``home`` is where ``.ssh`` is set up, ``known_home`` the password file's home directory.
    """

    name: str
    home: Path
    known_home: Path
    shell: str

    @classmethod
    def current(cls, home: str | None) -> Account:
        """Return the user of this process; ``home`` is another home directory than the known one.

        Raises:
            RuntimeConfigError: the user has no name.
        """
        number = os.geteuid()
        try:
            entry = pwd.getpwuid(number)
        except KeyError as error:
            raise RuntimeConfigError(
                f"user {number} has no entry in /etc/passwd, without which neither ssh nor sshd"
                " works; add one in the image, or run the container as a user that it knows"
            ) from error
        known, shell = Path(entry.pw_dir), entry.pw_shell or "/bin/sh"
        return cls(entry.pw_name, Path(home) if home else known, known, shell)

    def require_login(self, shadow: Path = Path("/etc/shadow")) -> None:
        """See that sshd would let this user in at all.

        Raises:
            RuntimeConfigError: the account is locked, or its shell only says no.
        """
        if Path(self.shell).name in ("nologin", "false") or not os.access(self.shell, os.X_OK):
            raise RuntimeConfigError(
                f"user {self.name} cannot log in: its shell is {self.shell}; give it one in the"
                f" image: usermod --shell /bin/sh {self.name}"
            )
        try:
            lines = shadow.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # an ordinary user's sshd cannot see it either
            return
        if any(line.startswith(f"{self.name}:!") for line in lines):
            raise RuntimeConfigError(
                f"user {self.name} cannot log in: the account is locked ('!' in /etc/shadow); make"
                f" it one without a password in the image: usermod --password '*' {self.name}"
            )


def private_directory(work_dir: Path, job: Job, account: Account) -> Path:
    """Return ``ssh`` in the work directory, or where sshd would refuse that, one like it.

    The answer is the same for everybody who asks in the same container.

    Raises:
        RuntimeConfigError: sshd would refuse every one.
    """
    task = f"{job.name}-{job.current_role}-{job.current_index}"
    # on one machine a job may run twice at the same time, from two places
    place = hashlib.sha256(os.fsencode(work_dir)).hexdigest()[:8]
    name = f".pai-ssh-{re.sub(r'[^a-zA-Z0-9]+', '-', task)}-{place}"
    candidates = [work_dir / "ssh", account.home / name]
    if os.geteuid() == 0:
        candidates.append(Path("/run") / name[1:])
    problems = []
    for candidate in candidates:
        problem = next(_problems(candidate, account.known_home), None)
        if problem is None:
            return candidate
        problems.append(problem)
    raise RuntimeConfigError(
        f"no directory that sshd accepts: {'; '.join(problems)}; choose a work directory"
        " (PAI_RUNTIME_WORK_DIR) below which only its owner may write"
    )


def _problems(directory: Path, home: Path) -> Iterator[str]:
    """Yield why sshd would refuse keys in that directory, which need not be there yet.

    Below the user's home directory sshd does not look at what is above it.
    """
    real = Path(os.path.realpath(directory))
    if not _PLAIN.fullmatch(str(real)):
        yield f"{directory} has characters in it that would need quotes"
        return
    trusted = (0, os.geteuid())
    existing = [path for path in (real, *real.parents) if path.exists()]
    real_home = Path(os.path.realpath(home))
    above = real_home.parents if real_home in real.parents else ()
    for path in existing:
        if path in above:
            break
        found = path.stat()
        if path != real and stat.S_IMODE(found.st_mode) & 0o022:
            yield f"{path} may be written to by others (mode {stat.S_IMODE(found.st_mode):04o})"
        if found.st_uid not in trusted:
            yield f"{path} belongs to user {found.st_uid}"
    if existing and not os.access(existing[0], os.W_OK | os.X_OK):
        yield f"{existing[0]} cannot be written to"
