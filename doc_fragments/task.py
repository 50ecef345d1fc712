# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of several modules says alike."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of the modules that work on a task of a job."""

    DOCUMENTATION = r"""
options:
  work_dir:
    description: The runtime's work directory, an absolute path.
    type: path
    required: true
"""

    POSITION = r"""
options:
  position:
    description: The place of this use in the job's list of plugins, counted from 0.
    type: int
    required: true
"""

    LINUX = r"""
attributes:
  platform:
    description: Linux.
    support: full
    platforms: linux
"""
