# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module of this file's name in the controller process where that is possible.

One file serves every module: the other names in this folder are links to it.
"""

from __future__ import annotations

from ansible_collections.openpai.runtime.plugins.plugin_utils.direct_action import (
    DirectAction,
    load_module,
)


class ActionModule(DirectAction):
    """The name under which ansible-core looks for an action."""

    module = load_module(__name__)
