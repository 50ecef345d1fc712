# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a task left behind; what is damaged or missing is a problem, never an error."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from ..masking import Masker
from .model import Entries
from .patterns.exit_spec import load_spec
from .reading.logs import Log, read_log

#: Where log capture and the playbooks write, below the log directory.
_USER_LOG = "user-all/current"
_USER_STREAMS = ("user-stdout/current", "user-stderr/current")
_PLATFORM_LOG = "runtime.log"


@dataclasses.dataclass(frozen=True)
class Sources:
    """What to read.

    ``mode`` None means ``spec`` where there is a spec, else ``preserve``; ``plugin_failures`` are
    those of the end.
    """

    outcome: Path
    log_dir: Path
    work_dir: Path
    catalogue: Path
    exit_spec: Path | None = None
    mode: str | None = None
    plugin_failures: tuple[Mapping[str, Any], ...] = ()


def read_spec(sources: Sources, problems: list[str]) -> tuple[Entries, str]:
    """Return the spec and the mode; without a usable spec the command's own code is kept."""
    mode = sources.mode or ("spec" if sources.exit_spec else "preserve")
    if sources.exit_spec is None:
        if mode == "spec":
            problems.append("mode spec needs an exit spec, none is given: mode preserve is used")
        return Entries(), "preserve" if mode == "spec" else mode
    try:
        return load_spec(sources.exit_spec), mode
    except RuntimeConfigError as error:
        problems.append(f"exit spec not used: {error}")
        return Entries(), "preserve" if mode == "spec" else mode


def read_masker(path: Path, problems: list[str]) -> Masker | None:
    """Return the masker; None where secrets exist but are not known: then no log is shown."""
    try:
        return Masker.from_file(path)
    except RuntimeConfigError as error:
        problems.append(f"no log is shown: {error}")
        return None


def read_user_log(log_dir: Path, problems: list[str]) -> Log:
    """Return the log of both outputs, or what there is of the two."""
    combined = _log(log_dir / _USER_LOG, problems)
    if combined.text:
        return combined
    streams = [_log(log_dir / name, problems) for name in _USER_STREAMS]
    written = [log for log in streams if log.text]
    if len(written) == 1:
        return written[0]
    # the first may end in the middle of a line, where its writer was killed
    return Log(
        b"".join(log.text if log.text[-1:] == b"\n" else log.text + b"\n" for log in written)
    )


def read_platform_log(log_dir: Path, problems: list[str]) -> Log:
    """Return runtime.log."""
    return _log(log_dir / _PLATFORM_LOG, problems)


def _log(path: Path, problems: list[str]) -> Log:
    try:
        return read_log(path)
    except OSError as error:
        problems.append(f"log {path}: {error.strerror}")
        return Log()
