# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenSSH client, which takes a password only from a program: here, one that reads a file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ..types.ssh import ALIAS, CONFIG, PASSWORD

__all__ = ["ALIAS", "environment", "words"]
_ASKPASS = "askpass"


def words(private: Path) -> list[str]:
    """Return the arguments that make ssh (or sshfs) read our configuration and no other."""
    return ["-F", str(private / CONFIG)]


def environment(private: Path) -> dict[str, str]:
    """Return the environment in which ssh finds the password, and write the program it asks.

    The program holds no secret: it shows the password's file, which only we may read.
    """
    password = private / PASSWORD
    if not password.exists():
        return {}
    program = private / _ASKPASS
    descriptor = os.open(program, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"#!/bin/sh\nexec cat {shlex.quote(str(password))}\n")
    # OpenSSH before 8.4 does not know REQUIRE; it asks where there is DISPLAY and no terminal.
    return {"SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
