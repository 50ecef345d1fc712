# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load the failure catalogue: a directory of YAML files, one per family of failures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import RuntimeConfigError
from ..model import Entries, Entry, integer, usable_code
from ..search.hints import hints_of
from . import catalogue_cache
from .exit_spec import CATALOGUE_CONDITIONS, entry_of, patterns_of, read_yaml


def load_catalogue(directory: Path) -> Entries:
    """Read every ``*.yml`` of the directory in the order of their names.

    A file or entry that cannot be used is a problem told by name, never an error: without a
    catalogue a failure still ends with its code, only less well explained.
    """
    files = sorted(directory.glob("*.yml"))
    if not files:
        words = f"{directory}: no catalogue file (*.yml) there; failures are not explained"
        return Entries((), (words,))
    kept = catalogue_cache.place(files)
    entries = catalogue_cache.read(kept) if kept else None
    if entries is None:
        entries = _parsed(files)
        if kept and not entries.problems:
            entries = dataclasses.replace(entries, hints=hints_of(entries.entries))
            catalogue_cache.keep(kept, entries)
    return entries


def _parsed(files: Sequence[Path]) -> Entries:
    problems: list[str] = []
    entries = tuple(entry for path in files for entry in _entries(path, problems))
    return Entries(entries, tuple(problems))


def _entries(path: Path, problems: list[str]) -> Iterator[Entry]:
    try:
        rows = read_yaml(path)
    except RuntimeConfigError as error:
        problems.append(str(error))
        return
    if not isinstance(rows, list):
        problems.append(f"{path}: expected a list of entries; the file is skipped")
        return
    for number, row in enumerate(rows, start=1):
        code = integer(row.get("code")) if isinstance(row, dict) else None
        if code is None or not usable_code(code):
            problems.append(f"{path}: entry {number}: no code of a container; the entry is skipped")
            continue
        pattern = row.get("pattern")
        rules = pattern.get("runtimeContainerPatterns") if isinstance(pattern, dict) else pattern
        name = f"{path}: {row.get('phrase')}"
        yield entry_of(code, row, patterns_of(rules, name, problems, CATALOGUE_CONDITIONS))
