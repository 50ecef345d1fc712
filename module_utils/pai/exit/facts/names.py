# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pai-runtime prepares before the command, and the facts are read from after it."""

from __future__ import annotations

#: In the work directory: the counters of the machine before the command.
START = "facts-start.json"
#: In the log directory, where the user has not chosen another file: PyTorch's error.
TORCH_ERROR = "torch-error.json"
#: The variable that names the latter.
TORCH_VARIABLE = "TORCHELASTIC_ERROR_FILE"
