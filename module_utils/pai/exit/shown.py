# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of the end of a task: its logs, and where in them the verdict's match stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..masking import Masker
from . import context, excerpt
from .outcome import Outcome
from .reading.logs import Log
from .search.scan import Hit
from .verdict import Match


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a report tells besides the verdict."""

    outcome: Outcome
    job: dict[str, object]
    user_log: Log
    platform_log: Log
    seen: Callable[[], dict[str, Any]] = dict  # what was found on the machine


@dataclasses.dataclass(frozen=True)
class Shown:
    """Where the verdict's match stands in each log, or None."""

    user: Hit | None = None
    platform: Hit | None = None
    gpu: str | None = None


def shown_of(facts: Facts, match: Match) -> Shown:
    """Return where the match of a verdict stands in the logs that are shown."""
    pattern, evidence = match.pattern, match.evidence
    user = evidence.user_hits.get(pattern.user_log or "")
    platform = evidence.platform_hits.get(pattern.platform_log or "")
    if evidence.whole_lines:
        user = context.to_line_end(evidence.user_log, user)
        platform = context.to_line_end(evidence.platform_log, platform)
    if evidence.user_log is not facts.user_log:
        user, platform = None, platform or user
    return Shown(user, platform, evidence.gpu() if pattern.gpu_double_ecc else None)


def masked(text: str | None, masker: Masker | None) -> str | None:
    """Return the text masked; without a masker it is not shown: it may quote a secret."""
    return None if text is None or masker is None else excerpt.readable(masker.text(text))
