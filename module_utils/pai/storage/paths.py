# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of storages: their templates, and what no path may hold once these are filled in."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import RuntimeConfigError
from ..job.model import Job

_TEMPLATE = re.compile(r"%(user|job)|\$\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Names:
    """What templates stand for; ``job`` is ``user~job`` as on a PAI cluster."""

    user: str
    job: str
    environment: Mapping[str, str] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, job: Job, environment: Mapping[str, str]) -> Names:
        """Return the names of a task's job; a cluster's job name has its user in it already."""
        prefix = f"{job.user}~"
        return cls(
            job.user, job.name if job.name.startswith(prefix) else prefix + job.name, environment
        )


def expand(template: str, names: Names, place: str) -> str:
    """Fill in ``%USER``, ``%JOB`` (any case) and ``${VARIABLE}``; what comes in is not looked at.

    >>> expand("/home/%user/${RUN}", Names("alice", "alice~test", {"RUN": "7"}), "path")
    '/home/alice/7'

    Raises:
        RuntimeConfigError: a variable that is not defined, or anything that is empty: the
            directory above it would be taken.
    """

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            value: str | None = names.user if match[1].lower() == "user" else names.job
        else:
            value = names.environment.get(match[2])
        if value is None:
            raise RuntimeConfigError(
                f"{place}: {match[0]} is not defined in the task's environment; define it there, "
                "or write the path without it"
            )
        if not value:
            raise RuntimeConfigError(
                f"{place}: {match[0]} is empty, which would lead to the directory above; give it a "
                "value, or write the path without it"
            )
        return value

    return _TEMPLATE.sub(replacement, template)


def directory(path: str, place: str) -> str:
    """Return a path below a server's root in its shortest form; empty is the root itself.

    >>> directory("/users//./alice/", "path")
    'users/alice'

    Raises:
        RuntimeConfigError: it leads upwards, or holds what breaks lines.
    """
    refuse(path, place)
    return posixpath.normpath("/" + path).lstrip("/")


def mount_point(path: str, place: str) -> Path:
    """Return the directory that a storage is mounted on.

    >>> mount_point("//mnt/data/", "mountPoint")
    PosixPath('/mnt/data')

    Raises:
        RuntimeConfigError: not absolute, the root, leading upwards, or with what breaks lines.
    """
    refuse(path, place)
    if not path.startswith("/") or not path.strip("/."):
        raise RuntimeConfigError(
            f"{place}: {path!r} is no directory to mount on; write an absolute path, for example "
            "/mnt/data"
        )
    return Path("/" + directory(path, place))


def refuse(path: str, place: str) -> None:
    """Refuse what no path of ours holds once its templates are filled in.

    Raises:
        RuntimeConfigError: it leads upwards, or holds a control character.
    """
    if ".." in path.split("/"):
        raise RuntimeConfigError(
            f"{place}: {path!r} leads upwards; write the path without '..', and look at what its "
            "variables hold"
        )
    found = _CONTROL.search(path)
    if found:
        what = {"\0": "a NUL byte", "\n": "a line break"}.get(found[0], "a control character")
        raise RuntimeConfigError(f"{place}: {path!r} has {what} in it; write it without")
