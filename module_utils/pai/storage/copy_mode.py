# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode copy: the storage's files on the local disk, and back at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from . import child_copy
from .child import run

#: The start waits for a copy as long as it takes; who started it may end it.
_WITHOUT_LIMIT = 10.0**8


def copy_in(remote: Path, local: Path, index: Path) -> str:
    """Copy the storage to the mount point; return what was done in words.

    Raises:
        RuntimeConfigError: files could not be copied, or others are in their place.
    """
    answer = _copy("in", remote, local, index, _WITHOUT_LIMIT)
    if "conflict" in answer:
        raise RuntimeConfigError(
            f"{local / answer['conflict']} is there already and is not what the storage has; move"
            " it away or choose another mount point"
        )
    return _told(answer, f"to {local}")


def copy_out(remote: Path, local: Path, index: Path, seconds: float) -> str:
    """Copy what was changed locally back to the storage; return what was done in words.

    Raises:
        RuntimeConfigError: not all of it could be copied.
    """
    answer = _copy("out", remote, local, index, seconds)
    if answer.get("unfinished"):
        known = f" ({answer['copied']} of {answer['of']} were)" if "copied" in answer else ""
        raise RuntimeConfigError(
            f"not all changed files were copied back within {seconds:.3g} seconds{known}; the"
            f" others are still in {local}; give the end more time (PAI_TERMINATION_GRACE_SECONDS)"
        )
    return _told(answer, "back")


def _copy(direction: str, remote: Path, local: Path, index: Path, seconds: float) -> dict[str, Any]:
    question = (direction, str(remote), str(local), str(index))
    lines, ended = run(child_copy, *question, seconds=seconds)
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        answer = {"errno": 0, "error": lines[-1] if lines else "it was ended", "step": "copy"}
    if not ended:
        return {**answer, "unfinished": True}
    if "errno" in answer or answer.get("unfinished"):
        raise RuntimeConfigError(
            f"the copy failed: {answer.get('step', '')}: {answer.get('error', 'it was ended')}; the"
            f" local files are in {local}"
        )
    return answer


def _told(answer: dict[str, Any], where: str) -> str:
    if answer["failed"]:
        raise RuntimeConfigError(
            f"{answer['failed']} of {answer['of']} files could not be copied {where}:"
            f" {'; '.join(answer['told'])}; correct the cause and start again"
        )
    return f"copied {answer['copied']} files ({answer['bytes']} bytes) {where}"
