# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a program as a shell would, signal a process group, tell processes apart.

Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

#: Where an image has the programs of its system: not all of it is on an ordinary user's PATH.
_SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")


def find_program(name: str, environment: Mapping[str, str], directory: Path | None) -> str | None:
    """Return the path of a program on the PATH of that environment (not on ours), or None.

    A relative entry of PATH (an empty one, too) counts from ``directory``, where the program is to
    run, as for execvp; without a directory such entries are left out.
    """
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        candidate = os.path.join(directory or "", folder, name)
        if os.path.isabs(candidate) and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def with_system_path(environment: Mapping[str, str]) -> dict[str, str]:
    """Return PATH, with the directories of system programs after the others."""
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    more = [folder for folder in _SYSTEM if folder not in folders]
    return {"PATH": os.pathsep.join([*folders, *more])}


def signal_group(group: int, signum: int) -> bool:
    """Signal a group that may have ended or changed its user meanwhile; True if somebody got it."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the boot; None: it runs no more.

    With its number this tells a process from a later one.
    """
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # proc_pid_stat(5): the name, in parentheses, may hold anything; state and the rest follow.
    fields = content.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
