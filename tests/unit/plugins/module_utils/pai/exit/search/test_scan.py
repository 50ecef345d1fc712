"""Many patterns at once find what each of them alone would find."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import clean
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import (
    Hit,
    Scanner,
)

FILLER = b"step 100 loss=0.123 lr=0.001\n" * 40000  # more than one chunk


def test_the_first_hit_counts() -> None:
    text = FILLER + b"x oom a\nx oom b\n"
    assert Scanner(["oom .", "none"]).search(text) == {
        "oom .": Hit(len(FILLER) + 2, len(FILLER) + 7)
    }


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("(?s)begin.*end", b"begin\n" + FILLER + b"end\n", id="a dot that spans lines"),
        pytest.param("begin\nstep", FILLER + b"begin\nstep\n", id="a line end"),
        pytest.param(r"begin\s+step", b"begin\n" + FILLER, id="white space"),
        pytest.param("begin[^x]+end", b"begin\n" + FILLER + b"end\n", id="all but"),
        pytest.param("(?m)^begin$", FILLER + b"begin\n" + FILLER, id="lines"),
        pytest.param("begin.*end", b"begin" + b"x" * (3 << 20) + b"end", id="an endless line"),
        pytest.param("begin.*end", b"begin" + b"\r1%" * (1 << 20) + b"end", id="a progress bar"),
        pytest.param("(?i)BEGIN", FILLER + b"begin\n", id="case"),
        pytest.param("größer", FILLER + "größer\n".encode(), id="letters beyond ASCII"),
    ],
)
def test_a_match_is_found_wherever_a_chunk_ends(pattern: str, text: bytes) -> None:
    match = re2.search(pattern.encode(), text)
    assert Scanner([pattern]).search(text) == {pattern: Hit(match.start(), match.end())}


@pytest.mark.parametrize("pattern", ["^step", "loss$", r"\Astep 1", r"x\z"])
def test_an_anchor_means_the_whole_text_and_not_a_chunk(pattern: str) -> None:
    text = b"begin\n" + FILLER
    assert Scanner([pattern]).search(text) == {}


def test_a_binary_byte_hides_nothing() -> None:
    text = clean(b"\xff\xfe\x00\n" + b"error: \xff caused by oom\n")
    assert set(Scanner(["error: .* caused by oom"]).search(text)) == {"error: .* caused by oom"}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing ): ("),
        ("(?=x)", "invalid perl operator: (?="),
        ("a{2000}", "invalid repetition size: {2000}"),
        ("\udcff", "it is not valid Unicode"),
    ],
)
def test_a_broken_pattern_is_named_and_the_others_work(pattern: str, reason: str) -> None:
    scanner = Scanner([pattern, "oom"])
    assert scanner.broken == {pattern: reason}
    assert set(scanner.search(b"oom")) == {"oom"}


def test_no_patterns_find_nothing() -> None:
    assert Scanner([]).search(b"text") == {}


words = st.sampled_from(["oom", "error", "Error:", "cuda", "12", "\n", " ", "x"])


@given(
    text=st.lists(words, max_size=40).map("".join),
    patterns=st.lists(st.lists(words | st.just(".*"), min_size=1, max_size=4).map("".join)),
)
def test_all_together_find_what_each_finds_alone(text: str, patterns: list[str]) -> None:
    hits = Scanner(patterns).search(text.encode())
    alone = {pattern: re2.search(pattern.encode(), text.encode()) for pattern in patterns}
    found = {pattern: Hit(*match.span()) for pattern, match in alone.items() if match}
    assert hits == found
