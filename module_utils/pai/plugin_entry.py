# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every plugin's module reads first: its entry in the work directory's ``plugins.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RuntimeConfigError
from .work_dir import read_json


class NotWrittenYetError(RuntimeConfigError):
    """A file of the runtime's is not there: in check mode on a fresh container it cannot be."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: there is no such file yet; the runtime's earlier steps write it")
        self.path = path


@dataclasses.dataclass(frozen=True)
class PluginEntry:
    """One use of a plugin: its name, its place in the job's list (from 0) and its parameters."""

    name: str
    position: int
    parameters: dict[str, Any]

    @property
    def label(self) -> str:
        """Return how messages name this use; people count from 1."""
        return f"plugin {self.name} (number {self.position + 1} of the job's list)"


def read_entry(work_dir: Path, position: int) -> PluginEntry:
    """Return the entry with that position.

    Raises:
        NotWrittenYetError: there is no list yet.
        RuntimeConfigError: the list is damaged or has no such entry.
    """
    path = work_dir / "plugins.json"
    entries = read_json(path, list)
    if entries is None:
        raise NotWrittenYetError(path)
    if not 0 <= position < len(entries):
        raise RuntimeConfigError(
            f"{path}: there is no plugin at position {position}; give one of its {len(entries)} "
            "entries, counted from 0"
        )
    entry = entries[position]
    return PluginEntry(entry["name"], position, entry["parameters"] or {})


def job_directory(environment: Mapping[str, str]) -> Path:
    """Return the directory in which the job's commands start: the job's own, else the current one.

    Raises:
        RuntimeConfigError: the job's directory is not there.
    """
    directory = environment.get("PAI_WORK_DIR")
    if not directory:
        return Path.cwd()
    if not Path(directory).is_dir():
        raise RuntimeConfigError(
            f"PAI_WORK_DIR: there is no directory {directory}; make it in the image, or start the "
            "container in another one"
        )
    return Path(directory)


def texts(value: Any, place: str) -> list[str]:
    """Return a parameter that is a list of texts, or one text, as a list of texts.

    Ansible's own ``type: list`` would cut one text at its commas, and write ``true`` as ``True``.

    ``place`` is where the value stands, for the message.

    Raises:
        RuntimeConfigError: an entry is a mapping, a list or nothing at all.
    """
    if value is None:
        return []
    found = value if isinstance(value, list) else [value]
    for number, item in enumerate(found, 1):
        if item is None or not isinstance(item, (str, int, float)):
            kind = "empty" if item is None else f"a {type(item).__name__}"
            raise RuntimeConfigError(
                f"{place}: entry {number} is {kind}, not a text; write it in quotes"
            )
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in found]
