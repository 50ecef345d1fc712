"""What repeats in a log is not searched again, and nothing is lost by it."""

from __future__ import annotations

import random

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.line_scan import (
    FIRST,
    LAST,
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Hints
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.repeats import (
    Numbers,
    Repeats,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.triggers import numbered

PATTERNS = {
    "disk is full": ("disk is full",),
    "retry failed|exit code (?:137|139)$": ("retry failed", "exit code "),
    "lost node": ("lost node",),
}
HINTS = Hints({**PATTERNS, "noise: ": ("noise: ",)}, ("disk", "fail", "exit", "lost", "erro"))
LINES = 150_000  # some ten chunks


def dense(*special: tuple[int, str]) -> tuple[str, ...]:
    """Return lines that the letters let pass; each has a time and some counter."""
    kinds = ("error {0} of worker {1}", "no failure, exit code {1}", "errors so far: {0}")
    lines = [
        f"2026-11-24 08:{n // 60 % 60:02d}:{n % 60:02d} " + kinds[n % 3].format(n, n % 8)
        for n in range(LINES)
    ]
    for number, line in special:
        lines[number] = line
    return tuple(lines)


def hits(lines: tuple[str, ...], hints: Hints | None = HINTS) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for hit in LineScanner(PATTERNS, ("noise: ",), hints).search("\n".join(lines).encode()):
        found.setdefault(hit.pattern, []).append(hit.text)
    return found


@pytest.mark.parametrize("hints", [HINTS, None], ids=["with hints", "without"])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("error: the disk is full", id="a new form"),
        pytest.param("2026-11-24 08:00:00 no failure, exit code 137", id="only its number is new"),
    ],
)
def test_the_only_cause_in_the_middle_is_found(line: str, hints: Hints | None) -> None:
    (found,) = hits(dense((LINES // 2, line)), hints).values()
    assert found == [line]


def test_the_first_and_the_last_hits_are_those_of_the_log() -> None:
    every = {number: f"error {number}: lost node" for number in range(7, LINES, 11)}
    rare = {number: f"error {number}: disk is full" for number in range(40_000, LINES, 9_000)}
    found = hits(dense(*every.items(), *rare.items()))
    told = [every[number] for number in sorted(every) if number not in rare]
    assert found["lost node"][:FIRST] == told[:FIRST]
    assert found["lost node"][-LAST:] == told[-LAST:]
    assert found["disk is full"] == [rare[number] for number in sorted(rare)]


def test_hits_are_those_of_a_search_that_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(3)
    words = [*PATTERNS, "retry failed", "exit code 137", "exit code 1", "error", "noise: failed"]
    pool = [" ".join(choose.choices(words, k=2)) for _ in range(40)]
    weights = [choose.random() ** 8 + 1e-5 for _ in pool]
    lines = tuple(
        f"{choose.randrange(9999)} {line}" for line in choose.choices(pool, weights, k=LINES)
    )
    remembered = hits(lines)
    monkeypatch.setattr(Repeats, "news", lambda _repeats, _text: None)
    forgetful = hits(lines)
    assert remembered.keys() == forgetful.keys()
    for name, texts in forgetful.items():
        assert remembered[name][:FIRST] == texts[:FIRST]
        assert remembered[name][-LAST:] == texts[-LAST:]


def test_only_new_lines_are_told() -> None:
    repeats = Repeats()
    assert repeats.news(b"a 1\nb 1\nc 1\nd 1") is None
    news = repeats.news(b"a 1\nb 2\nnew\nd 1")
    assert news is not None
    assert (news.lines, news.digits, news.names) == ([(8, 11)], [(4, 7)], set())


def test_a_form_with_hits_is_told_until_there_are_enough() -> None:
    repeats = Repeats()
    repeats.news(b"a 1\nb 1\nc 1")
    repeats.learn("p", "b 1", False)
    news = repeats.news(b"a 2\nb 2\nc 2")
    assert news is not None
    assert (news.lines, news.names) == ([(4, 7)], set())
    repeats.full.add("p")
    news = repeats.news(b"a 3\nb 3\nc 3")
    assert news is not None
    assert (news.lines, news.names) == ([], {"p"})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("error 401|failed", ["error 401"], id="one of two"),
        pytest.param(r"\d{3} (?:a|b1)|[0-9]+", [r"\d{3} (?:a|b1)"], id="any digits are none"),
        pytest.param(r"a\|1|b[|2]|c", [r"a\|1", "b[|2]"], id="bars that part nothing"),
        pytest.param("a|(?i)b|c4", ["(?i)c4"], id="flags hold for what follows"),
    ],
)
def test_parts_that_ask_for_numbers(pattern: str, expected: list[str]) -> None:
    assert numbered(pattern) == expected


def test_lines_with_wanted_numbers_are_few_or_none() -> None:
    numbers = Numbers(["code 137", "lost"])
    text, places = b"code 137\nlost\ncode 1\ncode 137", [(0, 8), (9, 13), (14, 20), (21, 29)]
    assert numbers.lines(text, places, (), 2) == [(0, 8), (21, 29)]
    assert numbers.lines(text, places, (), 1) is None
    assert numbers.lines(text, places, ("code 137",), 2) == []
