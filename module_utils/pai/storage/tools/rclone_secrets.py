# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rclone's environment, with passwords in the form that rclone wants."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping

from ..model import Recipe
from ..types.buckets import SERVER
from . import programs
from .tool import MountError

_PASSWORD = f"{SERVER}PASS"
# What the services' own libraries read where a server says envAuth. Not AWS_CA_BUNDLE: rclone dies.
_LOGIN_OF_ENVIRONMENT = ("AWS_", "GOOGLE_")
_NEVER = ("AWS_CA_BUNDLE",)


def environment(program: str, recipe: Recipe, deadline: float) -> dict[str, str]:
    """Return rclone's variables; no file of the user's configuration is read.

    Raises:
        MountError: rclone does not take the password.
    """
    found = {"RCLONE_CONFIG": os.devnull, **_inherited(recipe), **recipe.environment}
    if _PASSWORD in found:
        found[_PASSWORD] = _obscured(program, found[_PASSWORD], deadline)
    return found


def _inherited(recipe: Recipe) -> Mapping[str, str]:
    if recipe.environment.get(f"{SERVER}ENV_AUTH") != "true":
        return {}
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_LOGIN_OF_ENVIRONMENT) and name not in _NEVER
    }


def _obscured(program: str, password: str, deadline: float) -> str:
    """Return the password as ``rclone obscure`` writes it: still a secret."""
    try:
        ended = subprocess.run(
            [program, "obscure", "-"],
            input=password,
            env=programs.environment_for({"RCLONE_CONFIG": os.devnull}),
            capture_output=True,
            text=True,
            timeout=max(1.0, deadline - time.monotonic()),
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise MountError("rclone was not ready in time and was killed") from None
    except (subprocess.SubprocessError, OSError):
        # "from None": the cause may show the output.
        raise MountError("rclone does not take the password (rclone obscure failed)") from None
    return ended.stdout.strip()
