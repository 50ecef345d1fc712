# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two writers of a termination message agree on. Standard library only."""

from __future__ import annotations

#: Bytes of a whole message: Kubernetes cuts there.
LIMIT = 4096
#: PAI reads what stands between the first two of these.
START, END = "[PAI_RUNTIME_ERROR_START]", "[PAI_RUNTIME_ERROR_END]"
#: Lines of the user's and of the platform's log that a report shows.
USER_LINES, PLATFORM_LINES = 15, 10
