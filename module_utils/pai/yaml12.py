# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read YAML as the job submission pages do: YAML 1.2 core schema, keys as text, no duplicates."""

from __future__ import annotations

import re
from typing import Any

from .errors import RuntimeConfigError

try:
    import yaml
except ImportError:  # reported by load(), where it is needed
    yaml = None  # type: ignore[assignment]  # the import check of ansible-test has no PyYAML

#: More values than any real document has; aliases that multiply reach it, and are refused.
MAXIMUM_VALUES = 1_000_000
#: How deep lists and mappings may be nested.
DEEPEST = 100
#: JavaScript prints integral numbers below this limit without an exponent.
_LARGEST_PLAIN_NUMBER = 1e21

_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_INTEGER = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


def load(text: str | bytes, source: str) -> Any:
    """Return the one document in ``text``; ``source`` names it in errors.

    Integral floats become ``int``, as in JavaScript, which has one type for numbers.

    Raises:
        RuntimeConfigError: not YAML, a duplicate key, or aliases that multiply without end.
    """
    if yaml is None:
        raise RuntimeConfigError(f"{source}: cannot be read without PyYAML; install it")
    try:
        _refuse_deep(text, source)
        value = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as error:
        raise RuntimeConfigError(f"{source}: {explain(error)}; correct the YAML there") from error
    _refuse_endless(value, source)
    return value


def explain(error: Exception) -> str:
    """Return what a YAML parser's error says, in one line: line, column and problem."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    problem = " ".join(str(problem).split())
    if mark is None:
        return f"not valid YAML: {problem or type(error).__name__}"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _refuse_deep(text: str | bytes, source: str) -> None:
    """Look at the nesting first: the C parser has no other limit than its stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise RuntimeConfigError(
                f"{source}: more than {DEEPEST} lists and mappings inside each other; "
                "write it flatter"
            )


def _refuse_endless(value: Any, source: str) -> None:
    """Count values as a dump would write them: aliases again at every use."""
    pending, count = [value], 0
    while pending:
        current = pending.pop()
        count += 1
        if count > MAXIMUM_VALUES:
            raise RuntimeConfigError(
                f"{source}: more than {MAXIMUM_VALUES} values once its aliases are followed; "
                "write it with fewer aliases (*name)"
            )
        if isinstance(current, dict):
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)


_CACHE: dict[str, Any] = {}


def _loader() -> Any:
    if "loader" not in _CACHE:
        _CACHE["loader"] = _make_loader()
    return _CACHE["loader"]


def _make_loader() -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    core = ("null", "bool", "str", "seq")
    constructors = {
        tag: base.yaml_constructors[tag]
        for tag in (None, *(f"tag:yaml.org,2002:{name}" for name in core))
    }
    own = {"yaml_implicit_resolvers": {}, "yaml_constructors": constructors}
    loader: Any = type("CoreSchemaLoader", (base,), own)
    for tag, pattern, first in (
        ("bool", _BOOLEAN, "tTfF"),
        ("null", _NULL, ["~", "n", "N", ""]),
        ("int", _INTEGER, "-+0123456789"),
        ("float", _FLOAT, "-+.0123456789"),
        ("merge", re.compile(r"^<<$"), "<"),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, list(first))
    loader.add_constructor("tag:yaml.org,2002:int", _integer)
    loader.add_constructor("tag:yaml.org,2002:float", _float)
    loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    return loader


def _integer(loader: Any, node: Any) -> int | float:
    text = loader.construct_scalar(node)
    if len(text) > 400:  # beyond every float, and Python limits the digits it converts
        return float("-inf" if text.startswith("-") else "inf")
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _float(loader: Any, node: Any) -> int | float:
    number = float(
        loader.construct_scalar(node).lower().replace(".inf", "inf").replace(".nan", "nan")
    )
    if abs(number) < _LARGEST_PLAIN_NUMBER and number == int(number):
        return int(number)
    return number


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    """Return a mapping whose keys are the text that stands there, as in JavaScript."""
    seen = set()
    for key, _value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be plain text, not a list or mapping", key.start_mark
            )
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} stands here a second time", key.start_mark
            )
        seen.add(key.value)
    loader.flatten_mapping(node)
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}
