# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel mount whose server is reached through an SSH tunnel (azurefile's proxy)."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe
from . import daemon, needs, programs, ssh_login
from .mount_helper import MountHelper
from .tool import Facts, MountError

_SMB = 445
_LOOPBACK = "127.0.0.1"
_SECONDS_TO_END = 2.0


class Tunnel:
    """``ssh -L`` and then the mount helper, which is told the tunnel's address and port."""

    def __init__(self) -> None:
        self._helper = MountHelper()

    def missing(self, recipe: Recipe, environment: Mapping[str, str]) -> str | None:
        """Return one line: what is missing here for ``recipe`` and how to get it."""
        ssh = needs.program(["ssh"], "openssh-client", "openssh-clients", environment)
        return ssh or self._helper.missing(recipe, environment)

    def mount(
        self, recipe: Recipe, private: Path, mount_point: Path, read_only: bool, deadline: float
    ) -> dict[str, Any]:
        """Open the tunnel and mount through it; without the mount the tunnel is closed again."""
        port = free_port()
        words = command(recipe, private, port)
        process = daemon.start(
            "ssh", [programs.needed("ssh"), *words], private, ssh_login.environment(private)
        )
        facts = {**daemon.facts_of(process.pid), "port": port}
        try:
            daemon.wait_until(
                lambda: _listens(port), process, private, deadline, recipe.secrets, "ssh"
            )
            self._helper.mount(through(recipe, port), private, mount_point, read_only, deadline)
        except MountError as error:
            programs.end(process)
            raise self._with_words(error, recipe, private) from error
        except BaseException:  # our own end: the tunnel must not stay without us
            programs.end(process)
            raise
        return facts

    def _with_words(self, error: MountError, recipe: Recipe, private: Path) -> MountError:
        """Add what ssh said: the proxy's server refuses only when somebody connects."""
        said = self.last_words(recipe, private)
        told = f"{error} (the tunnel's ssh: {said})" if said and said not in str(error) else error
        return MountError(str(told), path_missing=error.path_missing)

    def last_words(self, recipe: Recipe, private: Path) -> str | None:
        """Return what ssh last complained about."""
        return programs.quote_file(private / daemon.LOG, recipe.secrets) or None

    def flush(self, facts: Facts, private: Path, mount_point: Path, deadline: float) -> str | None:
        """Have the kernel send what it keeps."""
        return self._helper.flush(facts, private, mount_point, deadline)

    def unmount(
        self, facts: Facts, private: Path, mount_point: Path, deadline: float
    ) -> str | None:
        """Unmount, and close the tunnel when nothing goes through it any more."""
        problem = self._helper.unmount(facts, private, mount_point, deadline)
        if problem:
            return problem
        until = min(deadline, time.monotonic() + _SECONDS_TO_END)
        known = daemon.recalled(facts, private)
        return None if daemon.end(known, until) else f"ssh (process {known['pid']}) does not end"


def command(recipe: Recipe, private: Path, port: int) -> list[str]:
    """Return the arguments of ssh; the configuration file says where the proxy is.

    >>> recipe = Recipe("tunnel", "//store/share", ("cifs",), ())
    >>> command(recipe, Path("/p"), 2000)[-2:]
    ['127.0.0.1:2000:store:445', 'storage']
    """
    store = recipe.source.split("/")[2]
    shown = f"[{store}]" if ":" in store else store
    forward = f"{_LOOPBACK}:{port}:{shown}:{_SMB}"
    return [
        *ssh_login.words(private),
        "-NT",
        "-o",
        "ExitOnForwardFailure=yes",
        "-L",
        forward,
        ssh_login.ALIAS,
    ]


def through(recipe: Recipe, port: int) -> Recipe:
    """Return the recipe with address and port of the tunnel; the server's name stays."""
    return dataclasses.replace(recipe, options=(*recipe.options, f"ip={_LOOPBACK}", f"port={port}"))


def free_port() -> int:
    """Return a port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        number: int = probe.getsockname()[1]
        return number


def _listens(port: int) -> bool:
    # ssh listens only after it has logged in.
    with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, port), timeout=1):
        return True
    return False
