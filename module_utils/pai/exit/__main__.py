# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting point of ``pai-runtime explain``: finds the package beside itself and runs it."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Python runs isolated (-I), so the folder of the script is not on the path.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from pai.exit.explain_cli import main

    raise SystemExit(main(sys.argv[1:]))
