# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be there before the command, so that its failure can be explained by more than logs.

Standard library only: the supervisor imports this.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ..exit.facts import cgroup, names
from ..replacing import replace


def note_start(work_dir: Path, say: Callable[[str], None]) -> None:
    """Write down what the counters of memory say before the command; absent where none count."""
    try:
        place = cgroup.here()
        if place is not None:
            document = {"memory": cgroup.counters(place)}
            replace(work_dir / names.START, f"{json.dumps(document)}\n".encode(), 0o644)
    except OSError as error:
        say(f"warning: the memory counters are not known: {error.strerror}")


def forgive_kill(work_dir: Path) -> None:
    """Count one that was killed for memory as killed before the command: it was ours.

    The child that searches logs is what the kernel kills first; that says nothing of the command.
    """
    path = work_dir / names.START
    try:
        document, place = json.loads(path.read_bytes()), cgroup.here()
        memory = document["memory"]
        if place and cgroup.since(memory, cgroup.counters(place))["oomKills"]:
            memory["oomKills"] += 1
            replace(path, f"{json.dumps(document)}\n".encode(), 0o644)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass  # nothing was counted before the command: then nothing is counted after it


def with_error_file(environment: Mapping[bytes, bytes], log_dir: Path) -> dict[bytes, bytes]:
    """Return the environment with the file for PyTorch's error, unless the user has named one."""
    name = names.TORCH_VARIABLE.encode()
    return {**environment, name: environment.get(name, os.fsencode(log_dir / names.TORCH_ERROR))}
