# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what was read of the catalogue beside it, as Python keeps compiled files.

Half a megabyte of YAML, most of it examples, takes longer to parse than a log to search.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...files import PUBLIC
from ...replacing import replace
from ..model import Entries, Entry, Hints, Pattern

#: Changes when what is kept has another form or is found in another way.
_FORM = b"2"


def place(files: Sequence[Path]) -> Path | None:
    """Return the file for these contents; None where one of the files cannot be read."""
    content = hashlib.sha256(_FORM)
    try:
        for path in files:
            text = path.read_bytes()
            content.update(f"{path.name} {len(text)} ".encode("utf-8", "surrogateescape"))
            content.update(text)
    except OSError:
        return None
    return files[0].parent / "__pycache__" / f"catalogue-{content.hexdigest()[:20]}.json"


def read(path: Path) -> Entries | None:
    """Return what was kept, or None where nothing usable is."""
    try:
        kept = json.loads(path.read_bytes())
        entries = tuple(_entry(row) for row in kept["entries"])
        hints = Hints(**kept["hints"]) if kept["hints"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Entries(entries, hints=hints)


def keep(path: Path, entries: Entries) -> None:
    """Keep the entries, in place of those of other contents; a tree that is read-only stays."""
    text = json.dumps(dataclasses.asdict(entries))
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        replace(path, text.encode("ascii"), PUBLIC)
        for other in path.parent.glob("catalogue-*.json"):
            if other != path:
                other.unlink()


def _entry(row: dict[str, Any]) -> Entry:
    patterns = tuple(Pattern(**pattern) for pattern in row["patterns"])
    return Entry(**{**row, "patterns": patterns, "solution": tuple(row["solution"])})
