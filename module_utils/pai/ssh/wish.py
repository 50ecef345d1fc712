# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parameters of a job's plugin ssh ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..plugin_entry import PluginEntry
from .user_secrets import NamedKey, UserSecrets


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a job's parameters of the plugin ask for."""

    jobssh: bool
    barrier: bool
    public_keys: tuple[NamedKey, ...]

    @classmethod
    def read(cls, entry: PluginEntry, user_secrets: UserSecrets) -> Wish:
        """Return it from the validated parameters.

        Raises:
            RuntimeConfigError: a key file cannot be read.
        """
        given = entry.parameters
        own: list[NamedKey] = []
        user = given.get("userssh")
        if user is None or any(value is not None for value in user.values()):
            own = [*_user_key(user or {}), *user_secrets.ssh_keys]
        jobssh = bool(given.get("jobssh"))
        return cls(jobssh, jobssh and bool(given.get("sshbarrier")), tuple(own))


def _user_key(user: dict[str, Any]) -> Iterator[NamedKey]:
    value = user.get("value")
    if not value or user.get("type") == "none":
        return
    if user.get("type") != "system":
        yield NamedKey("userssh.value", str(value))
        return
    try:
        yield NamedKey(f"userssh.value ({value})", Path(str(value)).read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise RuntimeConfigError(
            f"userssh.value: key file {value}: {reason}; name a file with public keys in the image,"
            " or give the key itself with type custom"
        ) from error
