# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check entries of a failure catalogue before they are trusted: every rule that one must keep."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import RuntimeConfigError
from ..model import (
    BEHAVIORS,
    CATEGORIES,
    REACTIONS,
    RESERVED_CODES,
    ROLES,
    TYPES,
    integer,
    usable_code,
)
from ..patterns.exit_spec import read_yaml
from . import lint_patterns
from .lint_shadows import shadowed

Rows = Sequence["Row"]

_FIELDS = frozenset(
    (
        *("code", "phrase", "category", "issuer", "causer", "type", "stage", "behavior"),
        *("reaction", "fault", "transient", "reason", "solution", "pattern", "role", "weight"),
    )
)
_OPTIONAL = frozenset(("fault", "transient", "pattern", "role", "weight"))
#: What three fields of an entry tell a scheduler.
MEANING = ("type", "behavior", "reaction")
_CHOICES: dict[str, tuple[str, ...]] = {
    "category": CATEGORIES,
    "type": TYPES,
    "behavior": BEHAVIORS,
    "reaction": REACTIONS,
    "role": ROLES,
    "fault": ("user", "platform", "unknown"),
}
_NAME = re.compile(r"[A-Za-z][\w.-]{0,79}", re.ASCII)
#: A termination message has room for these, in bytes and in lines.
_REASON, _SOLUTION, _STEPS = 200, 500, 4


@dataclasses.dataclass(frozen=True)
class Row:
    """An entry as it was written, and where: what a complaint about it begins with."""

    place: str
    fields: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Rules:
    """What an entry must have; ``examples``: lines that its patterns must and must not match."""

    required: frozenset[str]
    examples: bool


#: For the catalogue itself, and for what users write for their own jobs.
CATALOGUE = Rules(_FIELDS - _OPTIONAL, examples=True)
USERS = Rules(frozenset(("code", "phrase", "reason", "pattern")), examples=False)


def check_directory(directory: Path) -> tuple[list[Row], list[str]]:
    """Return the entries of a catalogue's directory and every problem of them."""
    rows, problems = read_directory(directory)
    for row in rows:
        problems += check_entry(row, CATALOGUE)
    if not problems:  # of broken entries too much would be said
        problems += [*check_together(rows), *shadowed([(row.place, row.fields) for row in rows])]
    return rows, problems


def read_directory(directory: Path) -> tuple[list[Row], list[str]]:
    """Return the entries of all ``*.yml`` files in the order of their names, and problems."""
    files = sorted(directory.glob("*.yml"))
    if not files:
        return [], [f"{directory}: there is no catalogue file (*.yml); name a directory with some"]
    rows: list[Row] = []
    problems: list[str] = []
    for path in files:
        try:
            found = read_yaml(path)
        except RuntimeConfigError as error:
            problems.append(str(error))
            continue
        own, wrong = rows_of(found, str(path))
        rows += own
        problems += wrong
    return rows, problems


def rows_of(value: object, source: str) -> tuple[list[Row], list[str]]:
    """Return the entries of a list, and what in it is none."""
    if not isinstance(value, list):
        return [], [f"{source}: not a list of entries; start every entry with '- code: …'"]
    rows: list[Row] = []
    problems: list[str] = []
    for number, fields in enumerate(value, start=1):
        if not isinstance(fields, dict):
            problems.append(f"{source}: entry {number}: {str(fields)[:80]!r} is not a mapping")
            continue
        phrase = fields.get("phrase")
        known = isinstance(phrase, str) and _NAME.fullmatch(phrase)
        name = phrase if known else f"entry {number}"
        rows.append(Row(f"{source}: {name}", fields))
    return rows, problems


def check_entry(row: Row, rules: Rules) -> list[str]:
    """Return what is wrong with one entry, each in one line."""
    fields = row.fields
    found = [f"unknown field {key!r}" for key in map(str, fields) if key not in _FIELDS]
    missing = sorted(key for key in rules.required if fields.get(key) in (None, "", [], {}))
    found += [f"{key} is missing" for key in missing]
    found += [*_values(fields), *_words(fields, rules)]
    found += lint_patterns.check(fields, rules.examples)
    return [f"{row.place}: {problem}" for problem in found]


def _values(fields: Mapping[str, Any]) -> Iterator[str]:
    code, weight = fields.get("code"), fields.get("weight", 50)
    number = integer(code)
    if number is not None and number in RESERVED_CODES:
        yield f"code {code} is reserved for FrameworkController; use another one, such as 237"
    elif code is not None and (number is None or not usable_code(number)):
        yield f"code {code!r} is not one that a container can end with (1 to 255)"
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= 100:
        yield f"weight {weight!r} is not a number from 1 to 100"
    for key, choices in _CHOICES.items():
        value = fields.get(key)
        if value is not None and value not in choices:
            yield f"{key} {value!r} is not one of {', '.join(choices)}"
    if fields.get("transient") not in (True, False, None, "unknown"):
        yield f"transient {fields['transient']!r} is not one of true, false, null"


def _words(fields: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    reason, solution = fields.get("reason", ""), fields.get("solution", [])
    phrase = fields.get("phrase")
    if phrase is not None and not (isinstance(phrase, str) and _NAME.fullmatch(phrase)):
        yield f"phrase {str(phrase)[:80]!r} is not one word of letters and digits"
    if not _line(reason) or len(reason.encode("utf-8", "replace")) > _REASON:
        yield f"reason is not one line of at most {_REASON} bytes"
    elif rules.examples and not reason.endswith((".", ").")):
        yield "reason is not a sentence with a full stop"
    if not isinstance(solution, list) or not all(map(_line, solution)):
        yield "solution is not a list of steps, each one line"
        return
    size = len("\n".join(solution).encode("utf-8", "replace"))
    if len(solution) > _STEPS or size > _SOLUTION:
        yield f"solution has more than {_STEPS} steps or {_SOLUTION} bytes"
    if rules.examples and not all(line.endswith(".") for line in solution):
        yield "a step of the solution is not a sentence with a full stop"


def _line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def check_together(rows: Rows) -> list[str]:
    """Return which entries contradict an earlier one."""
    phrases: dict[str, str] = {}
    meanings: dict[int, tuple[tuple[Any, ...], str]] = {}
    problems = []
    for row in rows:
        phrase, code = row.fields["phrase"], row.fields["code"]
        if phrases.setdefault(phrase, row.place) != row.place or _repeated(rows, row):
            problems.append(f"{row.place}: the phrase is not unique; choose another one")
        meaning = tuple(row.fields.get(key) for key in MEANING)
        first, where = meanings.setdefault(code, (meaning, row.place))
        if meaning != first:
            problems.append(contradiction(row.place, code, meaning, first, where))
    return problems


def _repeated(rows: Rows, row: Row) -> bool:
    """Whether an earlier entry of the same file has the same phrase."""
    first = next(each for each in rows if each.place == row.place)
    return first is not row


def contradiction(
    place: str, code: int, meaning: Sequence[Any], known: Sequence[Any], where: str
) -> str:
    """Say that a code would mean two things to a scheduler, which sees only the number."""
    own, other = (", ".join(map(str, each)) for each in (meaning, known))
    return f"{place}: code {code} means {own} here and {other} in {where}; use another code"
