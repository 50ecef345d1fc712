# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin git is asked for: address, pin and place, read from its parameters."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import RuntimeConfigError
from .git_options import read_options, values_of
from .plugin_entry import PluginEntry, texts

# GitHub and GitLab take any name beside a personal token, GitLab's OAuth tokens want this one.
DEFAULT_USERNAME = "oauth2"
DEFAULT_TRIES = 10
DEFAULT_MAX_DELAY = 300  # seconds
PINS = ("branch", "tag", "commit")
# Options with which a pin cannot be checked out.
_AGAINST = {
    "branch": (),
    "tag": ("--no-checkout", "--no-tags"),
    "commit": ("--no-checkout",),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a repository is, and, apart from it, who may read it (http and https only)."""

    url: str
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)

    @property
    def has_credential(self) -> bool:
        """Return whether a name or a password is to be given to the server."""
        return bool(self.username or self.password)

    @property
    def server(self) -> str:
        """Return scheme, host and port: the only server that may see the credential."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclasses.dataclass(frozen=True)
class GitRequest:
    """One wish for a clone.

    ``pin`` is ``branch``, ``tag``, ``commit`` or ``""`` (what the server has as HEAD), ``revision``
    the name or the commit that belongs to it. ``max_delay`` is the longest wait between two tries,
    in seconds.
    """

    address: Address
    clone_dir: Path
    options: tuple[str, ...]
    pin: str
    revision: str
    depth: int | None
    tries: int
    max_delay: int

    @property
    def origin(self) -> str:
        """Return the name of the remote; a user's configuration may have another default."""
        return (values_of(self.options, "--origin") or ["origin"])[-1]

    @property
    def submodules(self) -> bool:
        """Return whether submodules are wanted too."""
        return any(re.match("--recurs(e-submodules|ive)(=|$)", word) for word in self.options)


def read_request(entry: PluginEntry, work_dir: Path, job_dir: Path) -> GitRequest:
    """Return the wish that the parameters of a plugin git express.

    ``job_dir`` is where a relative ``clone_dir`` starts.

    Raises:
        RuntimeConfigError: a parameter, named in the message, cannot be used.
    """
    given = entry.parameters
    try:
        options = read_options(texts(given.get("options"), "options"))
        pin, revision = _pin(given, options)
        return GitRequest(
            address=read_address(given.get("repo_uri"), given.get("token"), given.get("username")),
            clone_dir=_clone_dir(given.get("clone_dir"), work_dir, job_dir),
            options=options,
            pin=pin,
            revision=revision,
            depth=_depth(given, options),
            tries=_number(given, "tries", 1, DEFAULT_TRIES),
            max_delay=_number(given, "max_delay", 0, DEFAULT_MAX_DELAY),
        )
    except RuntimeConfigError as error:
        raise RuntimeConfigError(f"{entry.label}: {error}") from error


def read_address(uri: Any, token: str | None, username: str | None) -> Address:
    """Split what may be shown of an address from what may not.

    >>> read_address("https://me:secret@host/x.git", None, None).url
    'https://host/x.git'
    """
    uri = str(uri or "").strip()
    if not uri or uri.startswith("-") or _CONTROL.search(uri):
        raise RuntimeConfigError("repo_uri: give the address of a git repository, in one line")
    if re.match(r"[A-Za-z0-9][A-Za-z0-9+.-]*::", uri):
        raise RuntimeConfigError(
            "repo_uri: 'helper::address' would start a program; give an https, ssh or file address"
        )
    token = (token or "").strip()
    if _CONTROL.search(token + (username or "")):
        raise RuntimeConfigError(
            "token: it or its username has a control character in it; give one line of text each"
        )
    if not re.match("https?://", uri, re.IGNORECASE):
        return _address_without_password(uri, token)
    scheme, _mark, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, _at, host = authority.rpartition("@")
    name, _colon, password = (unquote(part) for part in userinfo.partition(":"))
    if _CONTROL.search(name + password):
        raise RuntimeConfigError(
            "repo_uri: its user name or password has a control character in it; take it out"
        )
    url = f"{scheme.lower()}://{host}{slash}{path}"
    if token and not username:
        username = name or DEFAULT_USERNAME
    return Address(url, username or name, token or password)


def _address_without_password(uri: str, token: str) -> Address:
    if token:
        raise RuntimeConfigError(
            "token: only an http or https repo_uri uses one; ssh uses the keys of the image"
        )
    if re.match(r"[a-z+]+://[^/@]*:[^/@]*@", uri, re.IGNORECASE):
        raise RuntimeConfigError(
            "repo_uri: only an http or https address may hold a password; take it out"
        )
    return Address(uri)


def _pin(given: Mapping[str, Any], options: tuple[str, ...]) -> tuple[str, str]:
    pins = [name for name in PINS if given.get(name)]
    if len(pins) > 1:
        raise RuntimeConfigError(f"{' and '.join(pins)}: give only one of them")
    if not pins:
        return "", ""
    pin, revision = pins[0], str(given[pins[0]]).strip()
    if values_of(options, "--branch"):
        raise RuntimeConfigError(f"{pin}: options has --branch too; give only one of them")
    for option in _AGAINST[pin]:
        if option in options:
            raise RuntimeConfigError(f"{pin}: options has {option}; leave one of them out")
    if pin == "commit" and not re.fullmatch("[0-9a-fA-F]{4,64}", revision):
        raise RuntimeConfigError(
            f"commit: {revision!r} is not 4 to 64 hexadecimal digits; write it as git log shows it"
        )
    if revision.startswith("-") or _CONTROL.search(revision):
        raise RuntimeConfigError(
            f"{pin}: {revision!r} cannot be the name of a {pin}; write one that the repository has"
        )
    return pin, revision.lower() if pin == "commit" else revision


def _depth(given: Mapping[str, Any], options: tuple[str, ...]) -> int | None:
    in_options = values_of(options, "--depth")
    if given.get("depth") is None:
        return _at_least(1, "options: --depth", in_options[-1]) if in_options else None
    if in_options:
        raise RuntimeConfigError("depth: options has --depth too; give only one of them")
    return _at_least(1, "depth", given["depth"])


def _number(given: Mapping[str, Any], name: str, least: int, default: int) -> int:
    return default if given.get(name) is None else _at_least(least, name, given[name])


def _at_least(least: int, name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least:
        raise RuntimeConfigError(
            f"{name}: {value!r} is not a whole number from {least} on; write one, or leave it out"
        )
    return number


def _clone_dir(given: Any, work_dir: Path, job_dir: Path) -> Path:
    if given:
        return job_dir / str(given)
    # In a container beside runtime.d, as PAI has it; who tries a job locally looks for it here.
    return (work_dir.parent if work_dir.name == "runtime.d" else job_dir) / "code"
