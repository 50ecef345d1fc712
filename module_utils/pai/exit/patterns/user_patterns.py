# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure patterns that users add: for one job in its file, for a cluster in a directory.

They are checked at the start, where somebody can still correct them, and kept in the work
directory for the end.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..lint.lint import MEANING, USERS, Row, check_entry, contradiction, read_directory, rows_of
from ..lint.lint_patterns import rules_of
from ..model import Entries, Entry, Hints, integer, usable_code
from ..search.hints import hints_of
from .catalogue import load_catalogue
from .exit_spec import CATALOGUE_CONDITIONS, entry_of, patterns_of

#: The key of the job file's ``extras``, and the file of the work directory.
EXTRAS = "failurePatterns"
FILE = "failure_patterns.json"
#: Entries of one source: the whole catalogue has a few hundred.
_MOST = 200


@dataclasses.dataclass(frozen=True)
class UserPatterns:
    """The usable entries, ready for the end, and why others are not used."""

    entries: tuple[dict[str, Any], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def content(self) -> str | None:
        """What the file holds; None where there is nothing to keep."""
        return json.dumps(list(self.entries), default=str) if self.entries else None


def collect(
    extras: Mapping[str, Any] | None, directory: Path | None, catalogue: Path | None
) -> UserPatterns:
    """Return what a job and its cluster add to the catalogue.

    A broken entry is a problem told by its place, never an error: a job must not fail for it.
    The cluster's come first; a phrase that is taken, or a code with another meaning, is refused.
    """
    written = (extras or {}).get(EXTRAS)
    if written is None and directory is None:
        return UserPatterns()
    known = load_catalogue(catalogue).entries if catalogue else ()
    rows, problems = _of_cluster(directory, "PAI_FAILURE_PATTERNS: ") if directory else ([], [])
    own, wrong = rows_of(written, f"extras.{EXTRAS}") if written is not None else ([], [])
    return _checked((rows, own), [*problems, *wrong], known)


def with_patterns_of(catalogue: Entries, directory: Path | None) -> Entries:
    """Return the catalogue with a cluster's entries, where there are some; they count at once."""
    if directory is None:
        return catalogue
    rows, problems = _of_cluster(directory)
    found = _checked([rows], problems, catalogue.entries)
    return _added(catalogue, list(found.entries), str(directory), list(found.problems))


def _checked(
    sources: Sequence[Sequence[Row]], problems: list[str], known: Sequence[Entry]
) -> UserPatterns:
    """Return the usable ones of the entries; of each source a limited number."""
    phrases = {entry.phrase: "the catalogue" for entry in known}
    meanings = _meanings(known)
    used: list[dict[str, Any]] = []
    for row in [row for rows in sources for row in _bounded(rows, problems)]:
        fields = _completed(row.fields, meanings)
        found = check_entry(Row(row.place, fields), USERS) or _clash(
            row.place, fields, phrases, meanings
        )
        problems += [f"{problem}; the entry is not used" for problem in found]
        if not found:
            phrases[fields["phrase"]] = row.place
            meanings.setdefault(fields["code"], tuple(fields.get(key) for key in MEANING))
            used.append(fields)
    return UserPatterns(tuple(used), tuple(problems))


def with_user_patterns(catalogue: Entries, work_dir: Path) -> Entries:
    """Return the catalogue with the entries that were kept at the start; all rank by weight."""
    path = work_dir / FILE
    try:
        rows = json.loads(path.read_bytes())
    except FileNotFoundError:
        return catalogue
    except (OSError, ValueError) as error:
        return _with_problem(catalogue, f"{path}: not used: {error}")
    return _added(catalogue, rows, str(path), [])


def _added(catalogue: Entries, rows: object, source: str, problems: list[str]) -> Entries:
    added = _entries(rows, source, problems)
    return Entries(
        (*catalogue.entries, *added),
        (*catalogue.problems, *problems),
        _joined(catalogue.hints, hints_of(added)),
    )


def _of_cluster(directory: Path, named: str = "") -> tuple[list[Row], list[str]]:
    if not directory.is_dir():
        return [], [f"{named}{directory}: there is no such directory; name one with *.yml"]
    return read_directory(directory)


def _bounded(rows: Sequence[Row], problems: list[str]) -> Sequence[Row]:
    if len(rows) > _MOST:
        problems.append(
            f"{rows[_MOST].place}: more than {_MOST} entries; this and those after it are not used"
        )
    return rows[:_MOST]


def _meanings(entries: Sequence[Entry]) -> dict[int, tuple[Any, ...]]:
    """Return what each code of the catalogue tells a scheduler."""
    meanings: dict[int, tuple[Any, ...]] = {}
    for entry in entries:
        meanings.setdefault(entry.code, (entry.type, entry.behavior, entry.reaction))
    return meanings


def _completed(
    fields: Mapping[str, Any], meanings: Mapping[int, tuple[Any, ...]]
) -> dict[str, Any]:
    """Return the entry with what its code means, where it does not say that itself."""
    code = integer(fields.get("code"))
    known = dict(zip(MEANING, meanings.get(code, ()))) if code is not None else {}
    return {**known, **fields}


def _clash(
    place: str,
    fields: Mapping[str, Any],
    phrases: Mapping[str, str],
    meanings: Mapping[int, tuple[Any, ...]],
) -> list[str]:
    taken = phrases.get(fields["phrase"])
    if taken:
        return [f"{place}: the phrase is that of an entry of {taken}"]
    own = tuple(fields.get(key) for key in MEANING)
    known = meanings.get(fields["code"], own)
    if known == own:
        return []
    words = contradiction(place, fields["code"], own, known, "another entry")
    return [words.rpartition(";")[0]]


def _entries(rows: object, source: str, problems: list[str]) -> tuple[Entry, ...]:
    found, wrong = rows_of(rows, source)
    problems += wrong
    entries = []
    for row in found:
        code = integer(row.fields.get("code"))
        if code is None or not usable_code(code):
            problems.append(f"{row.place}: no code of a container; the entry is not used")
            continue
        patterns = patterns_of(rules_of(row.fields), row.place, problems, CATALOGUE_CONDITIONS)
        entries.append(entry_of(code, dict(row.fields), patterns))
    return tuple(entries)


def _joined(first: Hints | None, second: Hints | None) -> Hints | None:
    """Return the hints for both; None, which is slow but right, where one has none."""
    if first is None or second is None:
        return None
    letters = tuple(dict.fromkeys((*first.letters, *second.letters)))
    return Hints({**first.words, **second.words}, letters)


def _with_problem(catalogue: Entries, problem: str) -> Entries:
    return dataclasses.replace(catalogue, problems=(*catalogue.problems, problem))
