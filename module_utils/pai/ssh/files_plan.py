# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of the plugin ssh, planned from the job, the plugin's parameters and the secrets."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .. import process_env
from ..errors import RuntimeConfigError
from ..files import PRIVATE, PUBLIC, FileChange, plan
from ..job.model import Job
from ..processes import find_program
from ..shell import container_umask
from . import configs, keys
from .authorized_keys import read_keys
from .barrier_marks import Marks
from .job_secret import JobKeys
from .material import LABEL, Material, find_material
from .place import Account
from .user_secrets import NamedKey
from .wish import Wish

_RUN = 0o700
_NO_CLIENT = (
    "there is no ssh in the image, so no other task is reached from here; install it in the image"
    " (package openssh-client), or set PAI_SSH_INSTALL=true"
)
_SFTP = (
    *("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server"),
    *("/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server"),
)


@dataclasses.dataclass(frozen=True)
class Files:
    """The plan: changes, what they are made for, this task's port, and what is left out."""

    material: Material
    changes: tuple[FileChange, ...]
    job_key: bytes | None = dataclasses.field(repr=False)
    port: int | None
    serves: bool
    barrier: bool
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Planner:
    """Plans the files of one task in one directory."""

    job: Job
    account: Account
    directory: Path
    work_dir: Path
    days: int

    def plan(self, wish: Wish, job_keys: JobKeys | None) -> Files:
        """Return the plan; ``job_keys`` is None where the job's tasks do not reach each other.

        Raises:
            RuntimeConfigError: a file cannot be read.
        """
        material = find_material(self.job, self.directory)
        users, warnings = read_keys(wish.public_keys)
        port = self.job.task.first_port(LABEL)
        public = [key.line(f"{self.directory}/session") for key in users]
        changes: list[FileChange] = []
        job_key = None
        if job_keys:
            job_key = job_keys.user.file_content(_read(self.directory / "job_key"))
            changes += self._client_files(material, job_keys, job_key)
            job_public, _refused = read_keys([NamedKey("the job's key", job_keys.user.public_line)])
            public += [key.line(f"{self.directory}/session") for key in job_public]
            warnings += _left_out(material)
            if (
                find_program("ssh", process_env.read(self.work_dir / "process_env.nul"), None)
                is None
            ):
                warnings.append(_NO_CLIENT)
        serves = bool(public) and port is not None
        if serves and port is not None:
            changes += self._server_files(material, port, public, job_keys)
        else:
            reason = "nobody may log in" if port is not None else f"this task has no port {LABEL}"
            warnings.append(f"no sshd here: {reason}")
            changes.append(plan(self.directory / "sshd_config", None))
        if wish.barrier and not self.job.gang_allocation:
            warnings.append("no barrier: with gangAllocation false tasks do not start together")
        return Files(
            material=material,
            changes=tuple(changes),
            job_key=job_key,
            port=port,
            serves=serves,
            barrier=wish.barrier and self.job.gang_allocation,
            warnings=tuple(warnings),
        )

    def _client_files(
        self, material: Material, job_keys: JobKeys, job_key: bytes
    ) -> Iterator[FileChange]:
        place = self.directory
        yield plan(place / "job_key", job_key, PRIVATE)
        public = f"{job_keys.user.public_line} {_comment(self.job)}\n"
        yield plan(place / "job_key.pub", public)
        yield plan(place / "authority.pub", f"{job_keys.authority.public_line}\n")
        hosts = configs.known_hosts(material, job_keys.authority.public_line)
        yield plan(place / "known_hosts", hosts)
        yield plan(place / "ssh_config", configs.ssh_config(material, self.account.name))

    def _server_files(
        self, material: Material, port: int, public: list[str], job_keys: JobKeys | None
    ) -> Iterator[FileChange]:
        place = self.directory
        host_key, content = self._host_key()
        yield plan(place / "host_key", content, PRIVATE)
        yield plan(place / "host_key.pub", f"{host_key.public_line}\n")
        yield plan(self._host_key_mark, f"{host_key.public_line}\n")
        certificate = self._certificate(material, host_key, job_keys) if job_keys else None
        yield plan(place / "host_key-cert.pub", certificate)
        environment = process_env.read(self.work_dir / "process_env.nul")
        # where peers leave their marks, whatever the job says
        environment["PAI_RUNTIME_WORK_DIR"] = str(self.work_dir)
        yield plan(place / "environment", configs.environment_lines(environment), PRIVATE)
        marks = Marks(self.work_dir, "")
        script = configs.session(place, marks, container_umask(self.work_dir))
        yield plan(place / "session", script, _RUN)
        yield plan(place / "authorized_keys", "".join(f"{line}\n" for line in public), PRIVATE)
        sftp = next((path for path in _SFTP if os.access(path, os.X_OK)), None)
        own = (self.job.task.host, port)
        text = configs.sshd_config(material, own, self.account.name, bool(job_keys), sftp)
        yield plan(place / "sshd_config", text, PUBLIC)

    @property
    def _host_key_mark(self) -> Path:
        """Says which host key is this attempt's: pai-runtime empties ``state`` for a new one."""
        return self.work_dir / "state" / "ssh_host_key"

    def _host_key(self) -> tuple[keys.PrivateKey, bytes]:
        """Return this attempt's host key: the one that is there, or a new one."""
        content, mark = _read(self.directory / "host_key"), _read(self._host_key_mark)
        if content is not None and mark is not None:
            try:
                key = keys.load_private(content.decode("ascii"), str(self.directory / "host_key"))
                if mark.decode().strip() == key.public_line:
                    return keys.PrivateKey(key.key), content
            except (UnicodeError, RuntimeConfigError):
                pass  # what is damaged is made anew
        key = keys.generate()
        return key, key.file_content(None)

    def _certificate(
        self, material: Material, host_key: keys.PrivateKey, job_keys: JobKeys
    ) -> bytes:
        principals = dict.fromkeys(material.own_aliases)
        # ssh compares in lower case, and with the name that HostKeyAlias says
        principals.update(dict.fromkeys(alias.lower() for alias in material.own_aliases))
        key_id = f"{self.job.name}/{material.own_aliases[0]}"
        wanted = keys.HostCertificate(key_id, tuple(principals), self.days)
        existing, now = _read(self.directory / "host_key-cert.pub"), time.time()
        if existing and wanted.is_in(existing, host_key, job_keys.authority, now):
            return existing
        return wanted.sign(host_key, job_keys.authority, now)


def _read(path: Path) -> bytes | None:
    return plan(path, None).before


def _comment(job: Job) -> str:
    return "openpai-job-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in job.name)


def _left_out(material: Material) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for alias, reason in material.left_out:
        reasons.setdefault(reason, []).append(alias)
    for reason, aliases in reasons.items():
        named = ", ".join(aliases[:5]) + (f" and {len(aliases) - 5} more" if aliases[5:] else "")
        yield f"not reachable by ssh: {named}: {reason}"
