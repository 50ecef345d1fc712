# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting point of those parts of pai-runtime that run no command; each is a module of its own."""

from __future__ import annotations

import importlib
import os
import sys

PARTS = {
    "explain": "explain.explain_cli",
    "check-catalogue": "lint.lint_cli",
    "pod-failure-policy": "lint.policy_cli",
    "digest": "digests.digest_cli",  # of pai-runtime's own, while the command runs
}

if __name__ == "__main__":
    # Python runs isolated (-I), so the folder of the script is not on the path.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    part = importlib.import_module(f"pai.exit.{PARTS[sys.argv[1]]}")
    raise SystemExit(part.main(sys.argv[2:]))
