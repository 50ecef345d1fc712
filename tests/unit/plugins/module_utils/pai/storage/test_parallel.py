"""The order in which things run side by side."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.parallel import (
    inner_after_outer,
    outer_after_inner,
    run_ordered,
)

PLACES = [Path("/a/b"), Path("/a"), Path("/ab"), Path("/a/b/c")]


def run(needs: dict[int, set[int]], workers: int) -> tuple[list[int], int]:
    """Return in which order four things ended, and how many ran at once at most."""
    order: list[int] = []
    running = [0, 0]
    guard = threading.Lock()

    def work(item: int, needed: list[int]) -> int:
        assert set(needed) == needs[item]
        with guard:
            running[0] += 1
            running[1] = max(running)
        time.sleep(0.02)
        with guard:
            running[0] -= 1
            order.append(item)
        return item

    assert run_ordered(range(4), needs, work, workers) == [0, 1, 2, 3]
    return order, running[1]


def test_an_inner_mount_point_waits_for_the_outer_ones() -> None:
    needs = inner_after_outer(PLACES)
    assert needs == {0: {1}, 1: set(), 2: set(), 3: {0, 1}}
    order, most = run(needs, 4)
    assert order.index(1) < order.index(0) < order.index(3)
    assert most == 2


def test_at_the_end_it_is_the_other_way_round() -> None:
    needs = outer_after_inner(PLACES)
    assert needs == {0: {3}, 1: {0, 3}, 2: set(), 3: set()}
    order, _ = run(needs, 4)
    assert order.index(3) < order.index(0) < order.index(1)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_bounded_number_runs_at_once(workers: int) -> None:
    free: dict[int, set[int]] = {index: set() for index in range(4)}
    order, most = run(free, workers)
    assert most == workers
    assert workers > 1 or order == [0, 1, 2, 3]


def test_an_error_is_raised_once_what_had_started_has_ended() -> None:
    ended = []

    def work(item: int, _needed: list[None]) -> None:
        if item == 0:
            raise ValueError("item 0")
        time.sleep(0.05)
        ended.append(item)

    free: dict[int, set[int]] = {index: set() for index in range(4)}
    with pytest.raises(ValueError, match="item 0"):
        run_ordered(range(4), free, work, 2)
    assert ended == [1]


def test_nothing_to_do() -> None:
    assert run_ordered([], {}, lambda _item, _needed: None, 4) == []
