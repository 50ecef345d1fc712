# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON documents that the supervisor reads and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..replacing import replace


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document at once.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(document, indent=1)  # as the module pai_failure_analysis writes it
    replace(path, f"{text}\n".encode(), 0o644)


def read_document(path: Path) -> dict[str, Any] | None:
    """Return a JSON object from a file, or None where there is none that can be read."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
