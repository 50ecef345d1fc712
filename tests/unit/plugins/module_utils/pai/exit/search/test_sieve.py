"""In a log full of words of errors what is unusual is searched, and nothing is lost by it."""

from __future__ import annotations

import pytest
import re2

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Hints
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search import (
    pattern_filter,
    sieve,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.lazy_patterns import (
    LazyPatterns,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    FIRST,
    LAST,
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.outermost import (
    alternatives,
    runs,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.sieve import (
    LearningSieve,
    Sieve,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.usual import (
    Sample,
    Usual,
)

PATTERNS = {
    "disk is full": ("disk is full",),
    "retry failed|exit code (?:137|139)$": ("retry failed", "exit code "),
    "lost node": ("lost node",),
}
LETTERS = ("disk", "fail", "exit", "lost", "erro")
HINTS = Hints(PATTERNS, LETTERS)
LINES = 150_000  # some ten chunks
USUAL = b"error: connection to node 7 failed, no seat\n" * 400


def dense(special: dict[int, str]) -> bytes:
    """Return lines that the letters let pass; each has a time and some counter."""
    kinds = ("error {0} of worker {1}", "no failure, exit code {1}", "errors so far: {0}")
    lines = (
        f"2026-11-24 08:{n // 60 % 60:02d}:{n % 60:02d} " + kinds[n % 3].format(n, n % 8)
        for n in range(LINES)
    )
    return "\n".join(special.get(n, line) for n, line in enumerate(lines)).encode()


def hits(text: bytes, hints: Hints | None = HINTS) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for hit in LineScanner(PATTERNS, (), hints).search(text):
        found.setdefault(hit.pattern, []).append(hit.text)
    return found


@pytest.mark.parametrize("hints", [HINTS, None], ids=["with hints", "without"])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("error: the disk is full", id="new words"),
        pytest.param("2026-11-24 08:00:00 no failure, exit code 137", id="only a number is new"),
    ],
)
def test_the_only_cause_in_the_middle_is_found(line: str, hints: Hints | None) -> None:
    (found,) = hits(dense({LINES // 2: line}), hints).values()
    assert found == [line]


def test_the_first_and_the_last_hits_are_those_of_the_log() -> None:
    every = {number: f"error {number}: lost node" for number in range(7, LINES, 11)}
    rare = {number: f"error {number}: disk is full" for number in range(40_000, LINES, 9_000)}
    found = hits(dense({**every, **rare}))
    told = [every[number] for number in sorted(every) if number not in rare]
    assert found["lost node"] == [*told[:FIRST], *told[-LAST:]]
    assert found["disk is full"] == [rare[number] for number in sorted(rare)]


def test_each_hit_of_a_pattern_without_words_counts_once() -> None:
    hints = Hints({"lost": ("",)}, LETTERS)
    lines = [f"error {n}: lost" if n % 3 else "" for n in range(60)]
    found = LineScanner(["lost"], (), hints).search("\n".join(lines).encode())
    told = [line for line in lines if line]
    assert [hit.text for hit in found] == [*told[:FIRST], *told[-LAST:]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("error 401|failed", ["error 401", "failed"], id="two"),
        pytest.param(r"(?:a|b)c|d", ["(?:a|b)c", "d"], id="inner ones stay"),
        pytest.param(r"a\|1|b[|2]|c", [r"a\|1", "b[|2]", "c"], id="bars that part nothing"),
        pytest.param("a|(?i)b|c4", ["a", "(?i)b", "(?i)c4"], id="flags hold for what follows"),
    ],
)
def test_outermost_alternatives(pattern: str, expected: list[str]) -> None:
    assert alternatives(pattern) == expected


@pytest.mark.parametrize(
    ("alternative", "expected"),
    [
        pytest.param("lost node", ["(?m)lost node"], id="all of it"),
        pytest.param("lost.*node [a-z]+$", ["(?m)lost", "(?m)node [a-z]+$"], id="two parts"),
        pytest.param(r"^(?:x.{1,9}\|)?Killed\d*?$", ["(?m)^", r"(?m)Killed\d*?$"], id="a group"),
        pytest.param("a(?i)b[^x]{2,}c", ["(?m)a(?i)b", "(?m)(?i)c"], id="flags in the middle"),
        pytest.param(r"\S+ lost", ["(?m) lost"], id="a gap before"),
        pytest.param(".*", [], id="nothing"),
    ],
)
def test_parts_between_gaps(alternative: str, expected: list[str]) -> None:
    assert runs(alternative) == expected


@pytest.mark.parametrize(
    ("pattern", "words", "match"),
    [
        pytest.param("disk is full", ["disk is full"], "disk is full", id="a new word"),
        pytest.param("Node lost", ["node lost"], "NODE LOST", id="letters of any case"),
        pytest.param("(?:error|bad).*full", ["error", "bad"], "error: full", id="a rarer word"),
        pytest.param("seat|lost.*node", ["node", "seat"], None, id="a usual alternative"),
        pytest.param("lost.*node|full", ["node", "full"], "lost a node", id="each its own"),
        pytest.param(r"node [89]\b", ["node "], "node 9", id="a rare number"),
        pytest.param("failed$", ["failed"], "it failed", id="a rare place"),
        pytest.param("no seat", ["no seat"], None, id="usual words"),
        pytest.param(".*", [""], None, id="no words"),
        pytest.param(r"\Qa|b\E", [""], None, id="what nothing here understands"),
    ],
)
def test_rare_parts_of_what_a_match_needs(
    pattern: str, words: list[str], match: str | None
) -> None:
    usual = Usual([Sample(USUAL, 400)], LETTERS)
    parts = usual.rare_parts(pattern, words)
    if match is None:
        assert parts is None
        return
    assert parts
    assert any(re2.search(part, match) for part in parts)
    assert not any(re2.search(part, USUAL.decode()) for part in parts)


def test_a_part_that_lines_of_the_sample_stand_for_many_may_be_on_some() -> None:
    few = Sample(b"the disk is full\n" * 3, 10_000)
    assert Usual([few], ()).rare_parts("disk is full", ["disk is full"])
    assert Usual([Sample(few.text, 3)], ()).rare_parts("disk is full", ["disk is full"]) is None


def test_where_tells_the_lines_of_each_pattern() -> None:
    made = Sieve(
        ["lost", "full", "seat"],
        {"lost": ["lost"], "full": ["full"], "seat": ["seat"]},
        Usual([Sample(USUAL, 400)], ()),
    )
    text = b"lost\nno seat\nfull and lost"
    lines = made.lines(text)
    assert lines == [(0, 4), (13, 26)]
    assert made.where(text, lines) == {"lost": lines, "full": [(13, 26)]}
    assert made.anywhere == ["seat"]


def test_more_than_an_automaton_takes_is_searched_anywhere() -> None:
    patterns = [rf"\pL{{900}}{number}" for number in range(3)]
    made = Sieve(patterns, dict.fromkeys(patterns, ("",)), Usual([Sample(USUAL, 400)], ()))
    assert (made.anywhere, made.lines(b"1")) == (patterns, [])


def test_it_learns_when_too_much_passed() -> None:
    pattern = r"error \d+ of node"
    hints = Hints({pattern: ("error ",)}, LETTERS)
    made = LearningSieve(LazyPatterns({pattern: pattern}, hints.words), hints)
    text = b"error 5 of seat"
    assert made.where(text) == {pattern: [(0, len(text))]}
    assert made.where(b"error 5 of seat\n" * 1000) == {}
    assert made.where(text) == {}
    assert made.where(b"error 5 of node") == {pattern: [(0, 15)]}


def test_where_everything_is_unusual_every_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "_MOST", 10)
    hints = Hints({"lost": ("lost",)}, LETTERS)
    made = LearningSieve(LazyPatterns({"lost": "lost"}, hints.words), hints)
    made.where(b"error\n" * 1000)
    assert made.where(b"lost\n" * 50) == {"lost": [(5 * n, 5 * n + 4) for n in range(50)]}


@pytest.mark.parametrize("ways", [r"\Qa|b\E", "a[|]b", r"(?s)a\|b", r"\x{61}[[:punct:]]b"])
def test_whatever_way_text_is_written_it_is_found(ways: str) -> None:
    scanner = LineScanner([ways], (), Hints({ways: ("",)}, LETTERS))
    for text in (b"x\na|b", USUAL + b"a|b\n" + USUAL, b"a|b"):
        assert [hit.text for hit in scanner.search(text)] == ["a|b"]


def test_of_a_line_with_many_matches_the_first_is_found() -> None:
    text = b"ab ab ab\n\nx\nab ab"
    assert list(pattern_filter.finds(pattern_filter.compiled("ab"), text)) == [(0, 2), (12, 14)]
    assert list(pattern_filter.finds(pattern_filter.compiled("(?m)b?$"), text)) == [
        (7, 8),
        (9, 9),
        (11, 11),
        (16, 17),
    ]
