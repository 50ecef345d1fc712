# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers of a job share, and the two keys that each derives from it."""

from __future__ import annotations

import dataclasses
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from ..errors import RuntimeConfigError
from ..job.model import Job
from .keys import PrivateKey, derive, load_private, require

SHORTEST = 32  # bytes
_AUTHORITY = "openpai ssh host authority"
_USER = "openpai ssh user key"


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where a shared secret may come from.

    ``file`` is the one that was named, ``job_key`` the private key of userExtensionSecrets.yaml and
    ``job_key_place`` how to name it, ``local`` the file to be made on one machine, None where the
    job has other machines.
    """

    file: Path | None
    job_key: str | None = dataclasses.field(repr=False)
    job_key_place: str
    local: Path | None


@dataclasses.dataclass(frozen=True)
class JobKeys:
    """The job's user key and the authority over its host keys; ``is_new``: of a new secret."""

    user: PrivateKey
    authority: PrivateKey
    is_new: bool = False


def local_secret(work_dir: Path) -> Path:
    """Return where the tasks of a local job share their secret: beside them in ``.pai/JOB``."""
    if len(work_dir.parts) > 4 and work_dir.parts[-4] == ".pai":
        return work_dir.parents[1] / "ssh-secret"
    return work_dir / "ssh-secret"


def find_keys(job: Job, sources: Sources, environment: Mapping[str, str], keep: bool) -> JobKeys:
    """Return both keys: the same in every container of this attempt of the job, and in no other.

    A secret that has to be made is written only with ``keep``.

    Raises:
        RuntimeConfigError: there is no secret, or none that can be used.
    """
    require()
    secret, is_new = _shared_secret(sources, keep)
    scope = (
        environment.get("FC_FRAMEWORK_UID") or job.name,
        environment.get("FC_FRAMEWORK_ATTEMPT_INSTANCE_UID", ""),
    )
    given = sources.job_key
    user = load_private(given, sources.job_key_place) if given else derive(secret, _USER, *scope)
    return JobKeys(user, derive(secret, _AUTHORITY, *scope), is_new)


def _shared_secret(sources: Sources, keep: bool) -> tuple[bytes, bool]:
    """Return the secret, and whether it is a new one."""
    if sources.file:
        return _read(sources.file), False
    if sources.job_key:
        # line ends and blanks around it are no part of a key
        return "\n".join(sources.job_key.split()).encode(), False
    if sources.local is None:
        raise RuntimeConfigError(
            "nothing that the containers of the job share to make its ssh keys from; give a private"
            f" key as {sources.job_key_place}, or the same file of {SHORTEST} or more random bytes"
            " to all containers and name it in PAI_SSH_SECRET_FILE"
        )
    if sources.local.exists():
        return _read(sources.local), False
    made = secrets.token_hex(SHORTEST).encode()
    if keep and not _keep(sources.local, made):
        return _read(sources.local), False  # another task was faster
    return made, True


def _read(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes().strip()
    except OSError as error:
        raise RuntimeConfigError(
            f"shared ssh secret {path}: {error.strerror}; give a file that can be read"
        ) from error
    if mode & 0o007:
        raise RuntimeConfigError(
            f"shared ssh secret {path}: everybody may use it (mode {mode:04o}); make it 0600"
            " (in Kubernetes: defaultMode 0400)"
        )
    if len(content) < SHORTEST:
        raise RuntimeConfigError(
            f"shared ssh secret {path}: {len(content)} bytes; give {SHORTEST} or more"
            f" random ones, such as: openssl rand -hex {SHORTEST}"
        )
    return content


def _keep(path: Path, secret: bytes) -> bool:
    """Write a new secret unless another task was faster; tell whether ours is the one.

    Raises:
        RuntimeConfigError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
        try:
            os.link(fresh, path)  # whole or not at all, and never over another one
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
    except OSError as error:
        raise RuntimeConfigError(
            f"shared ssh secret {path}: {error.strerror}; choose a place that can be written"
        ) from error
    return True
