"""Lines are found as a terminal shows them, from the beginning and from the end of a log."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    FIRST,
    LAST,
    LineScanner,
)

FILLER = b"step 100 loss=0.123 lr=0.001\n" * 80000  # more than two chunks


def found(text: bytes, *patterns: str, noise: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    return [(hit.begin, hit.text) for hit in LineScanner(patterns, noise).search(text)]


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        pytest.param(b"a\nx oom y\nb", "oom", [(2, "x oom y")], id="the whole line is told"),
        pytest.param(b"a\noom\nb oom", "^oom$", [(2, "oom")], id="anchors mean the line"),
        pytest.param(b" 1%|\r 2%|\room\r\n", "^oom$", [(10, "oom")], id="a progress bar ends"),
        pytest.param(
            b"ok\n\x1b[31mRed: oom\x1b[0m\nx", "^Red: oom$", [(3, "Red: oom")], id="colours"
        ),
        pytest.param(
            b"a\n\xff\xfe oom \xff\nb", "oom", [(2, "\ufffd\ufffd oom \ufffd")], id="bytes"
        ),
        pytest.param(b"\xff\n\x1b[1mb oom\n", "oom", [(2, "b oom")], id="the place after bytes"),
        pytest.param("größer oom\n".encode(), "größer", [(0, "größer oom")], id="letters"),
        pytest.param(b"oom oom\n", "oom", [(0, "oom oom")], id="one hit for a line"),
        pytest.param(b"", "oom", [], id="an empty log"),
    ],
)
def test_a_line_is_what_a_terminal_shows(
    text: bytes, pattern: str, expected: list[tuple[int, str]]
) -> None:
    assert found(text, pattern) == expected


def test_the_first_and_the_last_hits_of_a_long_log_are_kept() -> None:
    lines = [b"oom %d\n" % number for number in range(100_000)]
    places = [text for _, text in found(b"".join(lines), "oom")]
    assert places[:FIRST] == [f"oom {number}" for number in range(FIRST)]
    assert places[-LAST:] == [f"oom {number}" for number in range(100_000 - LAST, 100_000)]
    assert len(places) <= 2 * (FIRST + LAST)


def test_hits_stand_where_they_are_in_a_log_of_several_chunks() -> None:
    text = FILLER + b"x oom a\n" + FILLER + b"y oom b\n"
    expected = [(len(FILLER), "x oom a"), (2 * len(FILLER) + 8, "y oom b")]
    assert found(text, "oom .$", "none") == expected


def test_a_line_of_noise_counts_for_no_pattern_and_hides_no_later_line() -> None:
    text = b"dlerror: libx.so: cannot open\n" * 500 + b"libx.so: cannot open\n"
    assert found(text, "cannot open", noise=("^dlerror: ",)) == [(15000, "libx.so: cannot open")]


def test_characters_of_the_match_are_told() -> None:
    (hit,) = LineScanner(["o+m"]).search("ü ooom x\n".encode())
    assert hit.text[hit.start : hit.end] == "ooom"


def test_a_part_of_a_file_is_searched_without_reading_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"oom 1\noom 2\noom 3\n")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        hits = LineScanner(["oom"]).search(text, 6, 12)
    assert [(hit.begin, hit.text) for hit in hits] == [(6, "oom 2")]


@pytest.mark.parametrize("role", ["pattern", "noise"])
def test_a_broken_pattern_is_named_and_the_others_work(role: str) -> None:
    broken = {"(": "missing ): ("}
    given = {"pattern": (["(", "oom"], []), "noise": (["oom"], ["("])}[role]
    scanner = LineScanner(*given)
    assert scanner.broken == broken
    assert len(scanner.search(b"oom")) == 1
