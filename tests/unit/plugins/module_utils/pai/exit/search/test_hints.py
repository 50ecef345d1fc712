"""Searching with hints finds what searching for every pattern finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import re2
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.catalogue import (
    load_catalogue,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.triggers import (
    letters,
    required,
)
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
RULES = [
    rule
    for path in sorted(CATALOGUE.glob("*.yml"))
    for row in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    for rule in (row.get("pattern") or {}).get("runtimeContainerPatterns", [])
]
LINES = sorted(
    {line for rule in RULES for key in ("match", "no_match") for line in rule.get(key, [])}
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("CUDA out of memory", {"cuda out of memory"}, id="a text"),
        pytest.param("(?i)OOM: .*killed", {"killed"}, id="the longer of two"),
        pytest.param("oom-kill|evicted", {"oom-kill", "evicted"}, id="either"),
        pytest.param("[Cc]annot open", {"cannot open"}, id="upper and lower case"),
        pytest.param("code (?:401|403)", {"code 401", "code 403"}, id="put together"),
        pytest.param("(?:abcd)?efgh", {"abcdefgh", "efgh"}, id="or not"),
        pytest.param("(?m)^Killed$", {"killed"}, id="anchors"),
        pytest.param("(?:fail)+ed", {"fail"}, id="repeated"),
        pytest.param(r"\d+ \w+", None, id="no words"),
        pytest.param("abcd|.*", None, id="one way without words"),
        pytest.param(r"a\x{2018}bcd|\x{65}fgh", {"bcd", "efgh"}, id="characters by number"),
        pytest.param("bad[[:alpha:]]eat", None, id="classes that Python does not have"),
        pytest.param("(", None, id="not valid"),
        pytest.param("step", None, id="healthy logs have it"),
    ],
)
def test_words_that_a_match_must_have(pattern: str, expected: set[str] | None) -> None:
    assert required(pattern) == expected


def test_letters_are_few_and_every_word_has_some() -> None:
    words = {"permission denied", "access denied", "denied!", "abc", "step 3450 loss"}
    found = letters(words)
    assert all(any(each in word for each in found) for word in words)
    assert len(found) == 3
    assert "abc" in found


@pytest.fixture(scope="module")
def scanners() -> tuple[LineScanner, LineScanner]:
    loaded = load_catalogue(CATALOGUE)
    assert loaded.hints
    rules = [(e.role == "noise", p.user_log) for e in loaded.entries for p in e.patterns]
    patterns = [regex for noise, regex in rules if regex and not noise]
    silent = [regex for noise, regex in rules if regex and noise]
    return LineScanner(patterns, silent, loaded.hints), LineScanner(patterns, silent)


def test_every_example_of_the_catalogue_is_found(scanners: tuple[LineScanner, LineScanner]) -> None:
    hinted, full = scanners
    text = "\n".join(LINES).encode()
    assert hinted.search(text) == full.search(text)
    assert len(hinted.search(text)) > 500


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.sampled_from([*LINES, "step 1 loss 2", ""]), max_size=12),
    end=st.sampled_from(["\n", "\r", "\r\n", "\x1b[0m\n", " \xff\n"]),
)
def test_hints_change_nothing(
    scanners: tuple[LineScanner, LineScanner], lines: list[str], end: str
) -> None:
    text = end.join(lines).encode("latin-1", "replace")
    hinted, full = scanners
    assert hinted.search(text) == full.search(text)


def test_almost_every_pattern_of_the_catalogue_needs_words() -> None:
    logs = [rule[key] for rule in RULES for key in ("userLogRegex",) if rule.get(key)]
    without = [regex for regex in logs if required(regex) is None]
    assert len(without) <= 5
    for rule in RULES:
        for key in ("userLogRegex", "platformLogRegex", "exception"):
            words = required(rule[key]) if rule.get(key) else None
            for line in rule.get("match", []) if words else ():
                matches = re2.search(f"(?m:{rule[key]})", line)
                assert not matches or any(word in line.lower() for word in words)


def write(directory: Path, phrase: str) -> None:
    pattern = [{"userLogRegex": "no free seat", "match": ["no free seat"], "no_match": ["x"]}]
    row = {"code": 237, "phrase": phrase, "pattern": {"runtimeContainerPatterns": pattern}}
    (directory / "a.yml").write_text(yaml.safe_dump([row]))


def test_what_was_read_is_kept_until_it_changes(tmp_path: Path) -> None:
    write(tmp_path, "One")
    first = load_catalogue(tmp_path)
    (kept,) = (tmp_path / "__pycache__").iterdir()
    assert load_catalogue(tmp_path).entries == first.entries
    changed = kept.read_text().replace("One", "Kept")
    kept.write_text(changed)
    assert load_catalogue(tmp_path).entries[0].phrase == "Kept"
    write(tmp_path, "Two")
    assert load_catalogue(tmp_path).entries[0].phrase == "Two"
    (other,) = (tmp_path / "__pycache__").iterdir()
    assert other != kept


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"entries": [{}], "hints": null}', "\udcff"])
def test_a_damaged_copy_counts_as_none(tmp_path: Path, content: str) -> None:
    write(tmp_path, "One")
    first = load_catalogue(tmp_path)
    (kept,) = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert load_catalogue(tmp_path).entries == first.entries
    assert json.loads(kept.read_text())["entries"]


def test_a_catalogue_with_problems_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("[{code: 237, phrase: A}, 5]")
    assert len(load_catalogue(tmp_path).problems) == 1
    assert not (tmp_path / "__pycache__").exists()
