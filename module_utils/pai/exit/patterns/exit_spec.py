# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an exit spec, in the form of the cluster or of the runtime, into entries.

An entry or pattern that cannot be used is left out and told by name; the others still work.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import RuntimeConfigError
from ...yaml12 import explain
from ..model import (
    FAULTS,
    RESERVED_CODES,
    TRANSIENCE,
    Entries,
    Entry,
    Pattern,
    integer,
    usable_code,
)

try:
    import yaml
except ImportError:  # reported when it is needed
    yaml = None  # type: ignore[assignment]  # as in yaml12.py: ansible-test imports without it

#: The cluster's number for every code that its spec lacks; a process that wants it ends with 255.
_ABNORMAL = 256
_TEXTS = ("userLogRegex", "platformLogRegex", "exception", "facts")
_CONDITIONS = {"exitCode", "userLogRegex", "platformLogRegex", "gpuInfo"}
#: Conditions that only the catalogue knows.
CATALOGUE_CONDITIONS = frozenset(("exception", "facts"))
#: The catalogue's patterns also hold lines that they must and must not match; lint runs them.
EXAMPLES = frozenset(("match", "no_match"))


def read_yaml(path: Path) -> object:
    """Return what the YAML file holds.

    Raises:
        RuntimeConfigError: the file is missing, unreadable or not YAML.
    """
    if yaml is None:
        raise RuntimeConfigError(f"{path}: cannot be read without PyYAML; install it")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), Loader=loader)
    except OSError as error:
        raise RuntimeConfigError(f"{path}: {error.strerror}; name an existing file") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuntimeConfigError(f"{path}: {explain(error)}; correct the YAML there") from error


def load_spec(path: Path) -> Entries:
    """Read an exit spec file; the first code in file order wins, so order is kept.

    Raises:
        RuntimeConfigError: nothing of the file can be used.
    """
    document = read_yaml(path)
    rows = document.get("spec") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise RuntimeConfigError(
            f"{path}: expected a list of containerExitCode and patterns, or a mapping with the "
            "list 'spec'; give an exit spec file"
        )
    problems: list[str] = []
    entries = [_entry(row, f"{path}: entry {i}", problems) for i, row in enumerate(rows, start=1)]
    return Entries(tuple(entry for entry in entries if entry is not None), tuple(problems))


def _entry(row: object, place: str, problems: list[str]) -> Entry | None:
    if not isinstance(row, dict):
        problems.append(f"{place}: {row!r} is not a mapping; the entry is skipped")
        return None
    if "containerExitCode" in row:
        number, rules, name = row["containerExitCode"], row.get("patterns"), place
    else:
        number, rules = row.get("code"), _runtime_patterns(row.get("pattern"))
        name = f"{place} ({row.get('phrase')})"
        if _documentation(number, rules):
            return None
        number = 255 if number == _ABNORMAL else number
    code = integer(number)
    if code is None or not usable_code(code):
        why = "reserved for FrameworkController" if code in RESERVED_CODES else "not in 1..255"
        problems.append(
            f"{name}: a container cannot end with {number!r}, it is {why}; the entry is skipped"
        )
        return None
    return entry_of(code, row, patterns_of(rules, f"{name}, code {code}", problems))


def _runtime_patterns(pattern: object) -> object:
    return pattern.get("runtimeContainerPatterns") if isinstance(pattern, dict) else pattern


def _documentation(number: object, rules: object) -> bool:
    """Whether a cluster's entry only names a number that the cluster itself gives."""
    code = integer(number)
    return code is not None and (code <= 0 or (code == _ABNORMAL and not rules))


def entry_of(code: int, row: dict[str, object], patterns: tuple[Pattern, ...]) -> Entry:
    """Return the entry of a row with the cluster's fields, whatever of them it has."""
    solution = row.get("solution")
    kind, behavior = (str(row.get(key) or "") for key in ("type", "behavior"))
    transient = row.get("transient", TRANSIENCE.get(behavior))
    return Entry(
        code=code,
        phrase=str(row.get("phrase") or ""),
        category=str(row["category"]) if row.get("category") else None,
        type=kind or Entry.type,
        behavior=behavior or Entry.behavior,
        reaction=str(row.get("reaction") or Entry.reaction),
        reason=str(row.get("reason") or ""),
        solution=tuple(map(str, solution)) if isinstance(solution, list) else (),
        patterns=patterns,
        fault=str(row.get("fault") or FAULTS.get(kind, "unknown")),
        transient=transient if isinstance(transient, bool) else None,
        role=str(row.get("role") or Entry.role),
        weight=integer(row.get("weight")) or Entry.weight,
    )


def patterns_of(
    rows: object, name: str, problems: list[str], more: frozenset[str] = frozenset()
) -> tuple[Pattern, ...]:
    """Return the patterns that can be used; the others are added to ``problems``.

    ``more`` are conditions that are known besides those of an exit spec.
    """
    if rows is None:
        return ()
    if not isinstance(rows, list):
        problems.append(f"{name}: patterns must be a list; they are skipped")
        return ()
    patterns = (
        _pattern(row, f"{name}, pattern {i}", problems, more) for i, row in enumerate(rows, start=1)
    )
    return tuple(pattern for pattern in patterns if not pattern.empty)


def _pattern(row: object, name: str, problems: list[str], more: frozenset[str]) -> Pattern:
    if row is None or row == {}:
        return Pattern()
    problem = _problem(row, more)
    if problem or not isinstance(row, dict):
        problems.append(f"{name}: {problem}; the pattern is skipped")
        return Pattern()
    return Pattern(
        exit_code=row.get("exitCode"),
        user_log=row.get("userLogRegex") or None,
        platform_log=row.get("platformLogRegex") or None,
        gpu_double_ecc=row.get("gpuInfo") is not None,
        exception=row.get("exception") or None,
        facts=row.get("facts") or None,
    )


def _problem(row: object, more: frozenset[str]) -> str | None:
    """Return why a pattern cannot be used: a condition not understood must not simply hold."""
    if not isinstance(row, dict):
        return f"{row!r} is not a mapping"
    unknown = sorted(str(key) for key in set(row) - _CONDITIONS - EXAMPLES - more)
    if unknown:
        return f"unknown condition {unknown[0]!r}"
    code = row.get("exitCode")
    if code is not None and integer(code) is None:
        return f"exitCode {code!r} is not a number"
    for key in _TEXTS:
        if not isinstance(row.get(key), (str, type(None))):
            return f"{key} {row[key]!r} is not a text"
    if row.get("gpuInfo") not in (None, {"nvidiaDoubleEccError": True}):
        return f"gpuInfo {row['gpuInfo']!r} is not {{'nvidiaDoubleEccError': True}}"
    return None
