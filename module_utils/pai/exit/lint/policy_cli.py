# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``pai-runtime pod-failure-policy``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ..patterns.catalogue import load_catalogue
from .lint_cli import CATALOGUE, Parser
from .policy import pod_failure_policy

try:
    import yaml
except ImportError:  # then no catalogue can be read either, and that is told
    yaml = None  # type: ignore[assignment]  # as in exit_spec.py

_FAILED = 1
#: What Kubernetes allows as a container's name (RFC 1123 label).
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEAD = """\
# What the exit codes of the failure catalogue mean to a Kubernetes Job; made by
# `pai-runtime pod-failure-policy`. It needs restartPolicy: Never and, for the codes, the
# variable PAI_EXIT_CODE_MODE=catalogue in the container.
"""


def main(argv: Sequence[str]) -> int:
    """Print the policy and return 0, or 1 where the catalogue cannot be used."""
    parser = Parser(
        prog="pai-runtime pod-failure-policy",
        description="Print the podFailurePolicy of a Kubernetes Job: which exit codes to retry.",
        allow_abbrev=False,
    )
    parser.add_argument("--container", metavar="NAME", help="only the codes of this container")
    parser.add_argument(
        "--catalogue", metavar="DIR", default=str(CATALOGUE), help="another failure catalogue"
    )
    given = parser.parse_args(argv)
    if given.container is not None and not _NAME.fullmatch(given.container):
        parser.error(
            f"--container {given.container!r} is not a container's name: up to 63 of a-z, 0-9, -"
        )
    catalogue = load_catalogue(Path(given.catalogue))
    for problem in catalogue.problems:
        sys.stderr.write(f"pai-runtime: {problem}\n")
    if not catalogue.entries or yaml is None:
        return _FAILED
    policy = {"podFailurePolicy": pod_failure_policy(catalogue.entries, given.container)}
    shown = yaml.safe_dump(policy, sort_keys=False, default_flow_style=None, width=100)
    sys.stdout.write(_HEAD + shown)
    return 0
