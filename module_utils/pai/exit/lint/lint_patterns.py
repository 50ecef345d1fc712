# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the patterns of a failure catalogue's entry, with the lines that they are written for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..patterns.exit_spec import CATALOGUE_CONDITIONS, EXAMPLES, patterns_of
from ..search.pattern_filter import PatternFilter

try:
    import jmespath
except ImportError:  # then an expression cannot be checked here; it does not hold either
    jmespath = None

#: Conditions that are expressions on a line of a log, or on an exception.
LINES = ("userLogRegex", "platformLogRegex", "exception")
RULES = "runtimeContainerPatterns"
#: Characters of an expression; a longer one is a list that wants to be several patterns.
_LONGEST = 1000
#: Characters of an expression or a line that a complaint quotes.
_SHOWN = 100
#: Lines of healthy logs: an expression that matches one of them matches almost anything.
HEALTHY = (
    "step 100 loss=0.123 lr=0.001 error_rate=0.2",
    "2026-11-24 08:00:00 INFO Saving checkpoint to /out/model.pt",
    "W tensorflow/dso_loader.cc:60] Could not load dynamic library 'libnvinfer.so.7'; dlerror: "
    "libnvinfer.so.7: cannot open shared object file: No such file or directory",
    "Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.16GiB with freed_by_count=0. "
    "The caller indicates that this is not a failure",
    "UserWarning: Corrupt EXIF data. Expecting to read 4 bytes but only got 0.",
    "OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 4294967296, reducing to 2147483648",
    "unknown option values are ignored; 0 errors, 0 warnings",
    "ImportError is handled, using the slow tokenizer",
    "test_segmentation_fault PASSED",
    "core dumped files are removed after a day",
    "NCCL INFO Connected all rings",
)


def rules_of(fields: Mapping[str, Any]) -> object:
    """Return the patterns of an entry as they were written."""
    pattern = fields.get("pattern")
    return pattern.get(RULES) if isinstance(pattern, dict) else pattern


def check(fields: Mapping[str, Any], examples: bool) -> list[str]:
    """Return what is wrong with an entry's patterns; ``examples``: each must have some."""
    rules = rules_of(fields)
    if fields.get("pattern") and not rules:
        return [f"pattern has no list {RULES}; write one"]
    problems: list[str] = []
    patterns_of(rules, "", problems, CATALOGUE_CONDITIONS)
    if problems:  # ", pattern 1: …; the pattern is skipped"
        return [words.lstrip(":, ").rpartition(";")[0] for words in problems]
    healthy = fields.get("role") != "noise"
    for number, rule in enumerate(rules if isinstance(rules, list) else [], start=1):
        found = [*_rule(rule or {}, examples, healthy)]
        problems += [f"pattern {number}: {problem}" for problem in found]
    return problems


def _rule(rule: Mapping[str, Any], examples: bool, healthy: bool) -> Iterator[str]:
    if not set(rule) - EXAMPLES:
        yield "it has no condition; write one of userLogRegex, exception, exitCode, facts"
    for key in sorted(EXAMPLES & set(rule)):
        if not isinstance(rule[key], list) or not all(isinstance(x, str) for x in rule[key]):
            yield f"{key} is not a list of lines"
            return
    for key in LINES:
        if rule.get(key):
            yield from _expression(key, rule, examples, healthy)
    if rule.get("facts"):
        yield from _facts(rule["facts"])


def _expression(key: str, rule: Mapping[str, Any], examples: bool, healthy: bool) -> Iterator[str]:
    regex = rule[key]
    told = f"{key} {_shown(regex)}"
    if len(regex) > _LONGEST:
        yield f"{told} is longer than {_LONGEST} characters; write several patterns"
        return
    made = PatternFilter()
    reason = made.add(regex, regex if key == "exception" else f"(?m:{regex})")
    if reason:
        yield f"{told} is not a valid RE2 expression: {reason}"
        return
    made.compile()
    if _matches(made, regex, ""):
        yield f"{told} matches everything; write words of the message"
        return
    if key != "exception" and made.candidates(b""):
        yield f"{told} has no words that must occur; write words of the message"
    wrong = next((line for line in HEALTHY if _matches(made, regex, line)), None)
    if wrong and healthy and key != "exception":
        yield f"{told} matches a line of a healthy log: {wrong!r}"
    for name in ("match", "no_match") if examples else ():
        if not rule.get(name):
            yield f"{told} has no {name} lines; write at least one"
    for words in _examples(made, regex, rule):
        yield f"{told} {words}"


def _examples(made: PatternFilter, regex: str, rule: Mapping[str, Any]) -> Iterator[str]:
    for line in rule.get("match") or ():
        if "\n" in line:
            yield f"has an example of more than one line: {_shown(line)}"
        elif not _matches(made, regex, line):
            yield f"does not match its own {_shown(line)}"
    for line in rule.get("no_match") or ():
        if _matches(made, regex, line):
            yield f"matches its no_match {_shown(line)}"


def _matches(made: PatternFilter, regex: str, line: str) -> bool:
    return made.first(regex, line.encode("utf-8", "replace")) is not None


def _shown(text: str) -> str:
    return repr(text if len(text) < _SHOWN else f"{text[: _SHOWN - 3]}...")


def _facts(expression: str) -> Iterator[str]:
    if jmespath is None:
        return
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        reason = " ".join(str(error).split())
        yield f"facts {expression!r} is not a valid JMESPath expression: {reason}"
