# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find patterns of a catalogue that can never give the reason: another one always comes before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import WEIGHT
from ..search.pattern_filter import PatternFilter
from .lint_patterns import LINES, rules_of

#: Which expressions see the line that another one is written for: an exception stands in the log.
_SEEN_BY = {
    "userLogRegex": ("userLogRegex",),
    "platformLogRegex": ("platformLogRegex",),
    "exception": ("exception", "userLogRegex"),
}


@dataclasses.dataclass(frozen=True)
class _Rule:
    """One expression of an entry; ``alone``: it needs nothing else to hold."""

    order: int
    place: str
    category: str
    role: str
    weight: int
    key: str
    regex: str
    lines: Sequence[str]
    alone: bool


def shadowed(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return for each pattern that never counts which entry always comes before it.

    ``entries`` are places and fields, in the catalogue's order.
    """
    rules = [rule for order, entry in enumerate(entries) for rule in _rules(order, *entry)]
    filters = {key: _filter(rule for rule in rules if rule.key == key) for key in LINES}
    owners: dict[tuple[str, str], list[_Rule]] = {}
    for rule in rules:
        if rule.alone:
            owners.setdefault((rule.key, rule.regex), []).append(rule)
    problems = []
    for rule in rules:
        other = _before(rule, filters, owners)
        if other:
            problems.append(
                f"{rule.place}: {rule.key} {rule.regex!r} never counts: all its match lines are "
                f"taken by {other.place} ({other.category}, weight {other.weight}); give it more "
                "weight or a line that only it matches"
            )
    return problems


def _rules(order: int, place: str, fields: Mapping[str, Any]) -> Iterator[_Rule]:
    written = rules_of(fields)
    for rule in written if isinstance(written, list) else ():
        conditions = [key for key in rule if key not in ("match", "no_match")]
        for key in LINES:
            if rule.get(key):
                yield _Rule(
                    order,
                    place,
                    str(fields.get("category")),
                    str(fields.get("role", "root")),
                    int(fields.get("weight", WEIGHT)),
                    key,
                    rule[key],
                    rule.get("match") or (),
                    conditions == [key],
                )


def _filter(rules: Iterable[_Rule]) -> PatternFilter:
    made = PatternFilter()
    for regex in dict.fromkeys(rule.regex for rule in rules if rule.alone):
        made.add(regex, regex)
    made.compile()
    return made


def _before(
    rule: _Rule,
    filters: Mapping[str, PatternFilter],
    owners: Mapping[tuple[str, str], Sequence[_Rule]],
) -> _Rule | None:
    """Return an entry one of whose patterns takes every line that the rule is written for."""
    taken: dict[int, _Rule] = {}
    for number, line in enumerate(rule.lines):
        text = line.encode("utf-8", "replace")
        takers = {
            other.order: other
            for key in _SEEN_BY[rule.key]
            for regex in filters[key].matching(text)
            for other in owners[key, regex]
            if _comes_before(other, rule)
        }
        taken = {order: other for order, other in takers.items() if number == 0 or order in taken}
    return next(iter(taken.values()), None)


def _comes_before(other: _Rule, rule: _Rule) -> bool:
    if other.order == rule.order or rule.role == "noise":
        return False
    if other.role == "noise":  # a line of noise counts for no other line's pattern
        return other.key == rule.key
    same = other.category == rule.category or other.role != rule.role
    return not same and other.order < rule.order and other.weight >= rule.weight
