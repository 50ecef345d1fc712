# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys that may log in: checked one by one, and written as sshd reads them."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Iterable, Iterator

from ..shell_text import quote
from .user_secrets import NamedKey

#: Per type of key: how many fields come after the type's name. DSA keys are refused everywhere.
_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
#: With an option that it does not know sshd refuses the key, and says so in its own log only.
_FLAGS = {
    *("cert-authority", "restrict", "verify-required"),
    *("agent-forwarding", "port-forwarding", "pty", "user-rc", "X11-forwarding", "touch-required"),
}
_VALUES = {
    *("command", "environment", "expiry-time", "from", "permitlisten", "permitopen"),
    *("principals", "tunnel"),
}
_FLAGS_BY_LOWER = {flag.lower() for flag in _FLAGS} | {f"no-{flag.lower()}" for flag in _FLAGS}
_OPTION = re.compile(r'(?P<name>[a-zA-Z0-9-]+)(?:=(?P<value>"(?:\\"|[^"])*"))?(?:,|$)')
_OPTIONS = re.compile(r'((?:"(?:\\"|[^"])*"|[^"\s])+)\s+(.*)')
_SHORTEST_RSA_BITS = 1024  # OpenSSH's own limit


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """One line of an authorized_keys file in its parts; ``options`` are (name, quoted value)."""

    options: tuple[tuple[str, str | None], ...]
    kind: str
    blob: str
    comment: str

    def line(self, session: str) -> str:
        """Return the line with which every login of this key runs the script ``session``.

        A command that the key is restricted to becomes the script's argument, so that it still is
        the only one and has the job's environment, too.
        """
        command, others = session, []
        for name, value in self.options:
            if name.lower() == "command" and value is not None:
                command = f"{session} {quote(_unquoted(value))}"
            else:
                others.append(name if value is None else f"{name}={value}")
        options = ",".join([*others, f"command={_quoted(command)}"])
        return " ".join(filter(None, (options, self.kind, self.blob, self.comment)))


class UnusableKeyError(Exception):
    """Why a line is no public key."""


def parse(line: str) -> PublicKey:
    """Return the key in one line: options, type, base64, comment.

    Raises:
        UnusableKeyError: it is none that OpenSSH accepts.
    """
    if "PRIVATE KEY" in line:
        raise UnusableKeyError("a private key, which belongs on nobody's list; give the .pub file")
    options: tuple[tuple[str, str | None], ...] = ()
    rest = line.strip()
    if rest.split(None, 1)[0] not in _FIELDS and (match := _OPTIONS.fullmatch(rest)):
        first, rest = match.groups()
        if rest.split(None, 1)[:1] and rest.split(None, 1)[0] in _FIELDS:
            options = tuple(_options(first))
        else:
            rest = line.strip()
    kind, _space, rest = rest.partition(" ")
    if kind not in _FIELDS:
        raise UnusableKeyError("does not begin with a type of key, such as ssh-ed25519 or ssh-rsa")
    words = rest.strip().split(None, 1)
    blob = words[0] if words else ""
    _check(kind, blob)
    return PublicKey(options, kind, blob, words[1].strip() if words[1:] else "")


def _options(text: str) -> Iterator[tuple[str, str | None]]:
    position = 0
    while position < len(text):
        match = _OPTION.match(text, position)
        if match is None:
            raise UnusableKeyError("its options are not 'name' or 'name=\"value\"' with commas")
        name, value = match["name"], match["value"]
        known = _FLAGS_BY_LOWER if value is None else _VALUES
        if name.lower() not in known:
            raise UnusableKeyError(f"sshd knows no option {name!r} of this form")
        yield name, value
        position = match.end()


def _check(kind: str, blob: str) -> None:
    try:
        fields = list(_fields(base64.b64decode(blob, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise UnusableKeyError("its base64 text is damaged or cut short") from error
    if not fields or fields[0] != kind.encode():
        raise UnusableKeyError(f"its base64 text is no key of type {kind}")
    if len(fields) != _FIELDS[kind] + 1 or (kind == "ssh-ed25519" and len(fields[1]) != 32):
        raise UnusableKeyError("its base64 text is damaged or cut short")
    if kind == "ssh-rsa" and int.from_bytes(fields[2], "big").bit_length() < _SHORTEST_RSA_BITS:
        raise UnusableKeyError(f"shorter than {_SHORTEST_RSA_BITS} bits, which OpenSSH refuses")


def _fields(data: bytes) -> Iterator[bytes]:
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            raise ValueError("cut short")
        yield data[4 : 4 + length]
        data = data[4 + length :]


def read_keys(given: Iterable[NamedKey]) -> tuple[list[PublicKey], list[str]]:
    """Return the keys of all texts, one per line, and what is wrong with the others."""
    keys: list[PublicKey] = []
    problems: list[str] = []
    for named in given:
        lines = [line.strip() for line in named.text.splitlines()]
        usable = [line for line in lines if line and not line.startswith("#")]
        for number, line in enumerate(usable, 1):
            place = named.name if len(usable) == 1 else f"{named.name}, key {number}"
            try:
                keys.append(parse(line))
            except UnusableKeyError as error:
                problems.append(f"{place}: left out: {error}")
    return list(dict.fromkeys(keys)), problems


def _quoted(text: str) -> str:
    # \" is the only escape that OpenSSH knows
    return '"' + text.replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"')
