# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several mounts side by side: a bounded number, and each after those that it needs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, Union

Item = TypeVar("Item")
Result = TypeVar("Result")
Done = tuple[int, Union[Result, BaseException]]


def inner_after_outer(mount_points: Sequence[Path]) -> dict[int, set[int]]:
    """Return for the index of each mount point those of the mount points above it.

    >>> inner_after_outer([Path("/a/b"), Path("/a"), Path("/c")])
    {0: {1}, 1: set(), 2: set()}
    """
    return {
        inner: {outer for outer, one in enumerate(mount_points) if one in path.parents}
        for inner, path in enumerate(mount_points)
    }


def outer_after_inner(mount_points: Sequence[Path]) -> dict[int, set[int]]:
    """Return for the index of each mount point those of the mount points below it."""
    return {
        outer: {inner for inner, path in enumerate(mount_points) if one in path.parents}
        for outer, one in enumerate(mount_points)
    }


def run_ordered(
    items: Sequence[Item],
    needs: Mapping[int, set[int]],
    work: Callable[[Item, list[Result]], Result],
    workers: int,
) -> list[Result]:
    """Return the results of ``work(item, results of what it needs)``, in the order of ``items``.

    At most ``workers`` run at once. Items that are ready start in their order.

    Raises:
        Exception: the first that ``work`` raised, once all that had started has ended.
    """
    results: dict[int, Result] = {}
    waiting, running = list(range(len(items))), set[int]()
    ended: queue.SimpleQueue[Done[Result]] = queue.SimpleQueue()

    def run(index: int, needed: list[Result]) -> None:
        try:
            ended.put((index, work(items[index], needed)))
        except BaseException as error:  # noqa: BLE001 - raised again below
            ended.put((index, error))

    failure: BaseException | None = None
    while running or (waiting and failure is None):
        ready = [index for index in waiting if needs[index] <= results.keys()]
        for index in ready[: workers - len(running)] if failure is None else []:
            waiting.remove(index)
            running.add(index)
            needed = [results[other] for other in sorted(needs[index])]
            # a daemon: what hangs in spite of its limits must not keep the module from ending
            threading.Thread(target=run, args=(index, needed), daemon=True).start()
        index, result = ended.get()
        running.discard(index)
        if isinstance(result, BaseException):
            failure = failure or result
        else:
            results[index] = result
    if failure is not None:
        raise failure
    return [results[index] for index in range(len(items))]
