# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second kind of attempt: one real login through the OpenSSH client, the host key verified."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

from ..errors import RuntimeConfigError
from ..processes import find_program
from .probe import READY, UNKNOWN, Outcome, classify

#: Bytes of a login's output that are kept; a talkative profile must not fill the memory.
_MOST_OUTPUT = 2**20
#: The cheapest one of every OpenSSH first: it saves client and server 4 ms of 33.
_KEX = "ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp384"
#: Seconds for a client that has closed its output to end.
_SECONDS_TO_END = 2.0


@dataclasses.dataclass(frozen=True)
class Client:
    """The OpenSSH client with the job's own configuration."""

    program: str
    configuration: Path

    @classmethod
    def find(cls, configuration: Path, environment: Mapping[str, str]) -> Client:
        """Return the client that the PATH leads to.

        Raises:
            RuntimeConfigError: there is none.
        """
        program = find_program("ssh", environment, None)
        if program is None:
            raise RuntimeConfigError(
                "ssh is not on the PATH of the image; install the OpenSSH client in it"
                " (package openssh-client, or openssh-clients)"
            )
        return cls(program, configuration)

    def login(self, alias: str, command: str, *, connect: float, total: float) -> LoginAttempt:
        """Begin a login that runs ``command``; both times in seconds."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(max(1, round(connect))),
            "KexAlgorithms": _KEX,
            "ControlPath": "none",  # a shared connection would prove nothing
            "LogLevel": "INFO",  # below that it does not say that a server closed the connection
        }
        settings = [word for item in options.items() for word in ("-o", "=".join(item))]
        return LoginAttempt(
            [self.program, "-F", str(self.configuration), "-aTx", *settings, "--", alias, command],
            total,
        )


class LoginAttempt:
    """A running client; its output and its errors come through one pipe."""

    def __init__(self, words: list[str], seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._output = b""
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        os.set_blocking(self.fileno(), False)

    @property
    def events(self) -> int:
        """It is only read from."""
        return selectors.EVENT_READ

    def fileno(self) -> int:
        """Return the reading end of the client's output."""
        return cast(IO[bytes], self._process.stdout).fileno()

    def advance(self) -> Outcome | None:
        """Read what is there; at its end, see how the client ended."""
        try:
            received = os.read(self.fileno(), 65536)
        except BlockingIOError:
            return None
        self._output = (self._output + received)[:_MOST_OUTPUT]
        return None if received else self._ended()

    def _ended(self) -> Outcome:
        output = self._output.decode("utf-8", "replace")
        try:
            code = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return Outcome(UNKNOWN, "ssh did not end")
        if code == 0:
            return Outcome(READY, output=output)
        if code == 255:  # the client's own failures
            return classify(output)
        return Outcome(UNKNOWN, f"the login's command ended with exit code {code}")

    def close(self) -> None:
        """Kill the client if it still runs, and wait for it."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
