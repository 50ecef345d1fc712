# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error file of PyTorch's launcher: the exception of the worker that failed first.

``torch.distributed.elastic.multiprocessing.errors`` writes it (decorator ``record``) to where
TORCHELASTIC_ERROR_FILE says; torchrun copies the first worker's there. It is what is left where
torchrun writes the workers' output to files of their own.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import stat
from pathlib import Path
from typing import Any

from ... import process_env
from .names import TORCH_ERROR, TORCH_VARIABLE

#: Where torchrun keeps the files of the single workers, without --log-dir.
_WORKERS = "torchelastic_*/*/attempt_*/*/error.json"
_LIMIT, _MOST = 1024 * 1024, 64
#: Characters that are kept of a traceback: its head, which says that it is one, and its end.
_KEPT, _HEAD = 16_000, 100


@dataclasses.dataclass(frozen=True)
class TorchError:
    """``message`` is one line, "Type: words"; ``traceback`` has the whole; ``time`` in seconds."""

    message: str
    traceback: str = ""
    time: float = 0.0


def parse(content: bytes) -> TorchError | None:
    """Return what an error file tells, or None: it is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    told = document.get("message") if isinstance(document, dict) else None
    if isinstance(told, str):
        return TorchError(_line(told))
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return None
    more: Any = told.get("extraInfo")
    more = more if isinstance(more, dict) else {}
    stamp, traceback = str(more.get("timestamp", "")), more.get("py_callstack")
    return TorchError(
        _line(told["message"]),
        _short(traceback) if isinstance(traceback, str) else "",
        float(stamp) if stamp.isdigit() else 0.0,
    )


def read(work_dir: Path, log_dir: Path, begin: float, temporary: Path) -> TorchError | None:
    """Return the task's error, or the first one of torchrun's workers since ``begin``.

    Files of an earlier run, or that are no plain files, count for nothing.
    """
    own = _read(_chosen(work_dir) or log_dir / TORCH_ERROR, begin)
    if own:
        return own
    paths = sorted(glob.iglob(str(temporary / _WORKERS)))[:_MOST]
    mine = os.geteuid()  # the directory for temporary files may be everybody's
    found = [error for path in paths if (error := _read(Path(path), begin, mine))]
    return min(found, key=lambda error: error.time, default=None)


def _chosen(work_dir: Path) -> Path | None:
    """Return the file that the command's environment names."""
    try:
        content = (work_dir / "process_env.nul").read_bytes()
    except OSError:
        return None
    value = process_env.split(content).get(TORCH_VARIABLE.encode(), b"")
    return Path(os.fsdecode(value)) if value.startswith(b"/") else None


def _read(path: Path, begin: float, owner: int | None = None) -> TorchError | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        usable = stat.S_ISREG(found.st_mode) and 0 < found.st_size <= _LIMIT
        current = found.st_mtime >= begin and owner in (None, found.st_uid)
        return parse(file.read()) if usable and current else None


def _short(traceback: str) -> str:
    if len(traceback) <= _KEPT:
        return traceback
    head, end = traceback.partition("\n")[0], traceback[-_KEPT:].partition("\n")[2]
    return f"{head if len(head) <= _HEAD else ''}\n{end}"


def _line(text: str) -> str:
    """Return the first line, whole: who shows it masks it before it is cut."""
    return text.strip().split("\n", 1)[0][:_KEPT]
