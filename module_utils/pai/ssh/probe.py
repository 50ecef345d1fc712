# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt to reach a peer's sshd: what came of it, and the first, cheap kind: its banner."""

from __future__ import annotations

import dataclasses
import errno
import re
import selectors
import socket
import time
from typing import Protocol

READY = "ready"
UNKNOWN = "unknown"
#: What the client says, from the most certain cause to the least (OpenSSH does not translate it).
_SAYINGS = (
    ("host key", r"host key verification failed|remote host identification has changed"),
    ("host key", r"no \S+ host key is known|certificate invalid|no matching host key type"),
    ("authentication", r"permission denied|too many authentication failures"),
    ("dns", r"could not resolve hostname|name or service not known"),
    ("refused", r"connection refused"),
    ("timeout", r"timed out|timeout"),
    ("unreachable", r"no route to host|network is (?:unreachable|down)|host is down"),
)
_ERRORS = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
}
#: A server may say other lines before its version (RFC 4253, 4.2), but not for ever.
_MOST_BEFORE_BANNER = 8192
_BANNER = re.compile(rb"^SSH-(?:2\.0|1\.99)-", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an attempt ended: ``ready`` or the cause of the failure.

    ``detail`` is shown where the cause is unknown; ``output`` is what a login printed.
    """

    cause: str
    detail: str = ""
    output: str = ""

    @property
    def ready(self) -> bool:
        """Whether the peer answered as it should."""
        return self.cause == READY

    def __str__(self) -> str:
        """Return the cause as messages show it."""
        return f"{self.cause}: {self.detail}" if self.detail else self.cause


class Attempt(Protocol):
    """Something under way that a selector can watch; ``deadline`` is a time.monotonic() value."""

    deadline: float

    @property
    def events(self) -> int:
        """What to watch for: selectors.EVENT_READ or EVENT_WRITE."""

    def fileno(self) -> int:
        """Return what to watch."""

    def advance(self) -> Outcome | None:
        """Do what can be done without waiting; None while it is under way."""

    def close(self) -> None:
        """Let go of it, ended or not."""


def classify(text: str) -> Outcome:
    """Return the cause that the words of a failed ``ssh`` tell, with its last line if none does.

    >>> str(classify("ssh: connect to host 10.0.0.1 port 22: Connection refused"))
    'refused'
    """
    lowered = text.lower()
    for cause, pattern in _SAYINGS:
        if re.search(pattern, lowered):
            return Outcome(cause)
    lines = text.split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "ssh said nothing")
    return Outcome(UNKNOWN, last[:200])


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address, and not a name that a resolver must be asked for."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


class BannerAttempt:
    """A plain TCP connection that waits for the server's version line."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._received = b""
        self._connected = False
        family, kind, protocol, _name, target = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._error = self._socket.connect_ex(target)

    @property
    def events(self) -> int:
        """Writable means connected (or not); from then on it is read."""
        return selectors.EVENT_READ if self._connected else selectors.EVENT_WRITE

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def advance(self) -> Outcome | None:
        """Connect, then read until the version line stands there."""
        if self._error not in (0, errno.EINPROGRESS):  # refused at once, as on the loopback
            return _failed(self._error)
        if not self._connected:
            self._error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._connected = not self._error
            return None if self._connected else _failed(self._error)
        try:
            received = self._socket.recv(4096)
        except BlockingIOError:
            return None
        except OSError as error:
            return _failed(error.errno or 0)
        self._received += received
        if _BANNER.search(self._received):
            return Outcome(READY)
        if not received:
            return Outcome(UNKNOWN, "closed the connection before it said its version")
        if len(self._received) > _MOST_BEFORE_BANNER:
            return Outcome(UNKNOWN, "what answers is no ssh server")
        return None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _failed(number: int) -> Outcome:
    cause = _ERRORS.get(number)
    if cause:
        return Outcome(cause)
    return Outcome(UNKNOWN, errno.errorcode.get(number, f"error {number}"))
