# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions that the package raises on purpose."""

from __future__ import annotations


class RuntimeConfigError(Exception):
    """An input that cannot be used, told in one line: file, place in it, value and remedy."""


class MachineError(RuntimeConfigError):
    """What the job asks for is right, but the image or the machine lacks or refuses it."""
