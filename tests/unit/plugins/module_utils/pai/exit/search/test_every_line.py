"""Whatever makes the search fast: its hits are those of every pattern on every line."""

from __future__ import annotations

import random

import pytest
import re2
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Hints
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.catalogue import (
    load_catalogue,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading import logs
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.lazy_patterns import (
    Gate,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    FIRST,
    LAST,
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.page import lines_of
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.sieve import Sieve
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
ENTRIES = load_catalogue(CATALOGUE)
RULES = [
    (each.role == "noise", rule.user_log) for each in ENTRIES.entries for rule in each.patterns
]
PATTERNS = list(dict.fromkeys(regex for noise, regex in RULES if regex and not noise))
NOISE = list(dict.fromkeys(regex for noise, regex in RULES if regex and noise))
EXAMPLES = sorted(
    {
        line
        for path in CATALOGUE.glob("*.yml")
        for row in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        for rule in (row.get("pattern") or {}).get("runtimeContainerPatterns", [])
        for key in ("match", "no_match")
        for line in rule.get(key, [])
    }
)
WORDS = sorted({word for line in EXAMPLES for word in line.split()})

HINTS = Hints({r"lost\s+node": ("lost",), r"(?i)bad[^x]*seat": ("seat",)}, ("lost", "seat"))

Hits = list[tuple[int, str, str, int, int]]


def compiled(patterns: list[str]) -> dict[str, re2._Regexp]:
    options = re2.Options()
    options.never_nl = True
    return {pattern: re2.compile(f"(?m:{pattern})", options) for pattern in patterns}


SEARCHED, SILENT = compiled(PATTERNS), compiled(NOISE)


def slow(text: bytes, patterns: dict[str, re2._Regexp] = SEARCHED) -> Hits:
    lines = [
        (place, line)
        for place, line in lines_of(text)
        if not any(each.search(line) for each in SILENT.values())
    ]
    found: Hits = []
    for name, pattern in patterns.items():
        matches = ((place, line, pattern.search(line)) for place, line in lines)
        hits = [(place, name, line, *match.span()) for place, line, match in matches if match]
        found += hits if len(hits) <= FIRST + LAST else [*hits[:FIRST], *hits[-LAST:]]
    return sorted(found)


def fast(scanner: LineScanner, text: bytes) -> Hits:
    return sorted(
        (hit.begin, hit.pattern, hit.text, hit.start, hit.end) for hit in scanner.search(text)
    )


def scanner() -> LineScanner:
    return LineScanner(PATTERNS, NOISE, ENTRIES.hints)


def shuffled(choose: random.Random, count: int, words: list[str]) -> list[str]:
    return [" ".join(choose.choices(words, k=choose.randrange(1, 14))) for _ in range(count)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_CHUNK", 4096)


@pytest.fixture(params=["letters only", "learns once", "learns all the time"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    first, later = {
        "letters only": (10**9, 10**9),
        "learns once": (1, 10**9),
        "learns all the time": (1, 1),
    }[request.param]
    monkeypatch.setattr(Gate, "ENOUGH", first)
    monkeypatch.setattr(Sieve, "ENOUGH", later)
    return str(request.param)


@pytest.fixture(scope="module")
def learned() -> LineScanner:
    """Return a scanner to which the words of the catalogue are usual."""
    made = scanner()
    made.search("\n".join(shuffled(random.Random(1), 20_000, WORDS)).encode())
    return made


@pytest.mark.usefixtures("small_chunks", "limits")
@pytest.mark.parametrize("seed", range(2))
def test_a_log_full_of_words_of_errors(seed: int) -> None:
    choose = random.Random(seed)
    words = choose.choices(WORDS, k=200)
    lines = shuffled(choose, 500, words) + choose.choices(EXAMPLES, k=60)
    lines += choose.choices(choose.choices(EXAMPLES, k=4), k=150)  # more hits than are kept
    choose.shuffle(lines)
    text = "\n".join(lines).encode()
    expected = slow(text)
    assert fast(scanner(), text) == expected
    assert len(expected) > 50


@pytest.mark.usefixtures("small_chunks", "limits")
def test_a_log_that_changes_its_nature() -> None:
    choose = random.Random(7)
    healthy = [f"INFO step {n} of 999 loss 0.{n} lr 0.1" for n in range(300)]
    storm = [f"error {n}: connection refused, retry {n}" for n in range(300)]
    parts = [healthy, shuffled(choose, 200, WORDS), storm, choose.choices(EXAMPLES, k=100), healthy]
    text = "\n".join(line for part in parts for line in part).encode()
    assert fast(scanner(), text) == slow(text)


LINES = st.one_of(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join),
    st.tuples(st.sampled_from(EXAMPLES), st.sampled_from(EXAMPLES)).map(" ".join),
    st.sampled_from(["", " ", "step 1 loss 2", "[rank3]: ", "\x1b[31mError\x1b[0m", "Error:\tx"]),
)


@settings(max_examples=30, deadline=None)
@given(
    lines=st.lists(LINES, max_size=40),
    end=st.sampled_from(["\n", "\r", "\r\n", "\x1b[0m\n"]),
    encoding=st.sampled_from(["utf-8", "latin-1"]),
)
def test_any_lines(learned: LineScanner, lines: list[str], end: str, encoding: str) -> None:
    text = end.join(lines).encode(encoding, "replace")
    expected = slow(text)
    assert fast(learned, text) == expected
    assert fast(scanner(), text) == expected


@pytest.mark.parametrize("part", range(4))
def test_every_example_is_found_where_its_words_are_usual(learned: LineScanner, part: int) -> None:
    text = "\nerror: failed\n".join(EXAMPLES[part::12]).encode()
    assert fast(learned, text) == slow(text)


@pytest.mark.parametrize("hints", [HINTS, None], ids=["with hints", "without"])
def test_a_match_never_crosses_the_end_of_a_line(hints: Hints | None) -> None:
    text = b"lost\nnode\nlost  node\nBad\nseat\nbad seat"
    hits = [(hit.begin, hit.text) for hit in LineScanner(HINTS.words, (), hints).search(text)]
    assert hits == [(10, "lost  node"), (30, "bad seat")]
