# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All mounts of one run, side by side: one that fails leaves the others."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import RuntimeConfigError
from ..masking import Masker
from .apply import Mounter
from .model import Request
from .outcome import FAILED, Outcome
from .parallel import inner_after_outer, outer_after_inner, run_ordered
from .removal import Remover
from .state import Record


@dataclasses.dataclass(frozen=True)
class Bounds:
    """How many mounts are worked on at once, and the seconds that each, or all, may take."""

    workers: int
    seconds: float


def mount_all(
    requests: Sequence[Request], mounter: Mounter, bounds: Bounds, masker: Masker
) -> list[Outcome]:
    """Mount what is requested; a mount point below another one comes after it.

    Raises:
        RuntimeConfigError: two requests have one mount point; nothing has been mounted.
    """
    places = [request.mount_point for request in requests]
    for index, place in enumerate(places):
        if place in places[:index]:
            raise RuntimeConfigError(
                f"{place}: both {requests[places.index(place)].name!r} and"
                f" {requests[index].name!r} are to be mounted there; choose two mount points"
            )

    def work(request: Request, needed: list[Outcome]) -> Outcome:
        failed = [f"{one.name} at {one.mount_point}" for one in needed if one.state == FAILED]
        outcome = Outcome(request.name, str(request.mount_point), "", "", FAILED)
        if failed:
            return dataclasses.replace(outcome, msg=f"it lies below {failed[0]}, which failed")
        deadline = time.monotonic() + bounds.seconds
        return _guarded(lambda: mounter.present(request, deadline), outcome, masker)

    return run_ordered(requests, inner_after_outer(places), work, bounds.workers)


def unmount_all(
    records: Sequence[Record], remover: Remover, bounds: Bounds, masker: Masker
) -> list[Outcome]:
    """End mounts in reverse order; all of them together have the time that is given."""
    deadline = time.monotonic() + bounds.seconds
    newest_first = sorted(records, key=lambda record: -record.order)

    def work(record: Record, _needed: list[Outcome]) -> Outcome:
        kind = (*record.filesystems, record.tool)[0]
        outcome = Outcome(record.name, record.mount_point, record.source, kind, FAILED)
        return _guarded(lambda: remover.absent(record, deadline), outcome, masker)

    needs = outer_after_inner([Path(record.mount_point) for record in newest_first])
    return run_ordered(newest_first, needs, work, bounds.workers)


def failures(outcomes: Sequence[Outcome]) -> str:
    """Return one line that names all that failed; empty where nothing did."""
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    return "; ".join(f"storage {one.name!r} at {one.mount_point}: {one.msg}" for one in failed)


def _guarded(work: Callable[[], Outcome], outcome: Outcome, masker: Masker) -> Outcome:
    started = time.monotonic()
    try:
        done = work()
    except (RuntimeConfigError, OSError) as error:
        seconds = round(time.monotonic() - started, 3)
        done = dataclasses.replace(outcome, msg=str(error), seconds=seconds)
    warnings = tuple(masker.text(warning) for warning in done.warnings)
    return dataclasses.replace(done, msg=masker.text(done.msg), warnings=warnings)
