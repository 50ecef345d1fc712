# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that mount, by the name that a recipe calls them."""

from __future__ import annotations

from collections.abc import Mapping

from .bind import Bind
from .existing import Existing
from .mount_helper import MountHelper
from .rclone import Rclone
from .sshfs import Sshfs
from .tool import MountError, Tool
from .tunnel import Tunnel

TOOLS: Mapping[str, Tool] = {
    "mount_helper": MountHelper(),
    "tunnel": Tunnel(),
    "rclone": Rclone(),
    "sshfs": Sshfs(),
    "bind": Bind(),
    "existing": Existing(),
}

__all__ = ["TOOLS", "MountError", "Tool"]
