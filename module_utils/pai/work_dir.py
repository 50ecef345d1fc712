# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules after pai_env find in the work directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import RuntimeConfigError
from .job import codec
from .job.model import Job


def read_job(work_dir: Path, missing_ok: bool) -> Job | None:
    """Return the job that pai_env wrote, with its secrets; None where it has written none.

    Raises:
        RuntimeConfigError: job.json is damaged, or missing and not ``missing_ok``.
    """
    path = work_dir / "job.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        if missing_ok:
            return None
        raise RuntimeConfigError(
            f"{path}: no such file; run openpai.runtime.pai_env first"
        ) from error
    return codec.decode(content, str(path), _secrets(work_dir / "secrets.json"))


def _secrets(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        # without the parser's words: they would quote the file
        raise RuntimeConfigError(f"{path}: damaged; run openpai.runtime.pai_env again") from None
    return values


def read_plugins(work_dir: Path) -> list[dict[str, Any]]:
    """Return the list that pai_plugins wrote at the start; empty where the start did not get there.

    Raises:
        RuntimeConfigError: plugins.json is damaged.
    """
    path = work_dir / "plugins.json"
    try:
        chosen: list[dict[str, Any]] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise RuntimeConfigError(f"{path}: damaged; run the start playbook again") from None
    return chosen
