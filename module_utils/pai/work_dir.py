# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules after pai_env find in the work directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from .errors import RuntimeConfigError
from .job import codec
from .job.model import Job

Kind = TypeVar("Kind", dict[str, Any], list[Any])
_NAMES: dict[type, str] = {dict: "object", list: "list"}
_REMEDY = "remove it and run the start playbook, which writes it again"


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
    secrets = read_json(work_dir / "secrets.json", dict)
    return codec.decode(content, str(path), secrets or {})


def read_plugins(work_dir: Path) -> list[dict[str, Any]]:
    """Return the list that pai_plugins wrote at the start; empty where the start did not get there.

    Raises:
        RuntimeConfigError: plugins.json is damaged.
    """
    return read_json(work_dir / "plugins.json", list) or []


def read_json(path: Path, kind: type[Kind]) -> Kind | None:
    """Return the object or list that a JSON file of ours holds, or None where there is no file.

    Raises:
        RuntimeConfigError: the file is damaged.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RuntimeConfigError(f"{path}: {error.strerror}; {_REMEDY}") from error
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        # without the parser's words: they would quote the file, which may hold secrets
        raise RuntimeConfigError(f"{path}: no JSON {_NAMES[kind]}; {_REMEDY}")
    return value
