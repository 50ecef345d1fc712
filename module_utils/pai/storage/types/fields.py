# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a storage server: what a type knows, and how a value of it is read."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import RuntimeConfigError
from ..model import Request

#: Keys that a server of any type may carry beside its fields: PAI's secrets do.
CARRIED = ("spn", "name", "type", "extension")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


def text(value: Any) -> str:
    """Read one line of text; a number is one, too: YAML makes numbers of passwords."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("a text")
    if _CONTROL.search(str(value)):
        raise ValueError("a text without line breaks and control characters")
    return str(value)


@dataclasses.dataclass(frozen=True)
class Field:
    """One field: ``what`` it is, for messages, and ``read``, which makes a value of it or raises
    ValueError with what is expected.
    """

    what: str
    required: bool = False
    secret: bool = False
    default: Any = ""
    read: Callable[[Any], Any] = text


def refuse(request: Request, problem: str, remedy: str) -> RuntimeConfigError:
    """Return the error that says which storage has the problem, where, and what to do."""
    return RuntimeConfigError(
        f"{request.place}: storage {request.name!r} (type {request.type}): {problem}; {remedy}"
    )


def values(request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return every field with its value or its default.

    Raises:
        RuntimeConfigError: a field is unknown, missing, or has a value that it cannot have. The
            value of a secret field is not shown.
    """
    for name in request.server:
        if name not in fields and name not in CARRIED:
            known = ", ".join(fields) or "no field"
            raise refuse(
                request, f"field {name!r} is unknown", f"a {request.type} server has {known}"
            )
    return {name: _value(request, name, field) for name, field in fields.items()}


def _value(request: Request, name: str, field: Field) -> Any:
    given = request.server.get(name)
    if given is None or given in ("", [], {}):
        if field.required:
            raise refuse(request, f"field {name!r} is missing", f"give it: {field.what}")
        return field.default
    try:
        return field.read(given)
    except ValueError as error:
        shown = "its value" if field.secret else f"the value {given!r}"
        # "from None": the cause would quote the value, which may be a secret.
        raise refuse(
            request, f"field {name!r}: {shown} is not {error}", f"give {field.what}"
        ) from None


def word(value: Any) -> str:
    """Read a name that ends up between others: no blanks, quotes, commas, no leading dash."""
    read = text(value)
    if re.search(r"[\s\"'`,]", read) or read.startswith("-"):
        raise ValueError("a name without blanks, quotes, commas and a leading dash")
    return read


def host(value: Any) -> str:
    """Read a host name or an address; an IPv6 address comes back without brackets."""
    read = word(value).strip("[]")
    if not re.fullmatch(r"[\w.-]+|[0-9A-Fa-f:.]+(%\w+)?", read):
        raise ValueError("the name or address of a host")
    return read


def directory(value: Any) -> str:
    """Read a path; it comes back without double and trailing slashes."""
    read = text(value)
    parts = [part for part in read.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError("a path without '..'")
    return ("/" if read.startswith("/") else "") + "/".join(parts)


def block(value: Any) -> str:
    """Read a text of several lines, such as a private key; it comes back with Unix line ends."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a text")
    return "\n".join(line.rstrip() for line in value.strip().splitlines()) + "\n"


def port(value: Any) -> int:
    """Read the number of a TCP port."""
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,5}", str(value)):
        raise ValueError("a port between 1 and 65535")
    if not 1 <= int(value) <= 65535:
        raise ValueError("a port between 1 and 65535")
    return int(value)


def flag(value: Any) -> bool:
    """Read yes or no."""
    read = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
    if read is None:
        raise ValueError("true or false")
    return read


def json_object(value: Any) -> str:
    """Read a JSON object, given as such or as text; it comes back as one line of text."""
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        read = None
    if not isinstance(read, Mapping):
        raise ValueError("a JSON object")
    return json.dumps(read)


def url(value: Any) -> str:
    """Read the address of a service: http(s)://HOST[:PORT][/PATH], without login."""
    read = word(value).rstrip("/")
    if not re.fullmatch(r"https?://[^/@?#]+(/[^@?#]*)?", read):
        raise ValueError("an address such as https://HOST:PORT without name and password in it")
    return read


def join(*parts: str) -> str:
    """Join paths; an empty one adds nothing, and only the first may begin with a slash.

    >>> join("/exports", "users/a"), join("/", "a"), join("", "a"), join("/", "")
    ('/exports/users/a', '/a', 'a', '/')
    """
    first, rest = parts[0], [part.strip("/") for part in parts[1:]]
    root = "/" if first.startswith("/") else ""
    return root + "/".join(part for part in (first.strip("/"), *rest) if part)


def texts_of(read: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    """Return the non-empty texts among the named values."""
    return tuple(str(read[name]) for name in names if read[name])
