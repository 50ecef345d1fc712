"""Lines of a log around a match: numbered as an editor does, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import context
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.context import Excerpt
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    read_log,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import Hit
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker

NOTHING = Masker([])


def around(log: Log, words: bytes, masker: Masker = NOTHING, **sizes: int) -> Excerpt:
    start = log.text.index(words)
    return context.around("log", log, Hit(start, start + len(words)), masker, **sizes)


def shown(excerpt: Excerpt) -> list[tuple[int | None, str]]:
    return [(line.number, line.text + line.matched + line.rest) for line in excerpt.lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "current"


def test_the_match_is_marked_and_the_lines_have_their_numbers(path: Path) -> None:
    path.write_text("one\ntwo\nan Error: bad\tthing\nfour\nfive\n")
    excerpt = around(read_log(path), b"Error: bad", before=1, after=2)
    assert shown(excerpt) == [(2, "two"), (3, "an Error: bad\tthing"), (4, "four")]
    (line,) = (line for line in excerpt.lines if line.marked)
    assert (line.text, line.matched, line.rest) == ("an ", "Error: bad", "\tthing")


def test_lines_before_what_was_read_are_counted(path: Path) -> None:
    path.write_text("".join(f"line {n}\n" for n in range(1, 1001)))
    log = read_log(path, limit=100)
    assert log.skipped
    assert shown(around(log, b"line 999", before=1, after=9)) == [
        (998, "line 998"),
        (999, "line 999"),
        (1000, "line 1000"),
    ]
    assert shown(context.tail("log", log, NOTHING, 1)) == [(1000, "line 1000")]


def test_lines_of_an_older_file_have_no_number(path: Path) -> None:
    path.with_name("@4000000000000000000000ff.s").write_text("old 1\nold 2\n")
    path.write_text("new 1\nnew 2\n")
    assert shown(context.tail("log", read_log(path), NOTHING)) == [
        (None, "old 1"),
        (None, "old 2"),
        (1, "new 1"),
        (2, "new 2"),
    ]


def test_a_secret_of_several_lines_hides_none_of_the_lines(path: Path) -> None:
    path.write_text("a\nkey: first-line-of-it\nsecond-line-of-it\nthird-line-of-it.\nError\n")
    masker = Masker(["first-line-of-it\nsecond-line-of-it\nthird-line-of-it"])
    assert shown(around(read_log(path), b"Error", masker)) == [
        (1, "a"),
        (2, "key: ******"),
        (3, "******"),
        (4, "******."),
        (5, "Error"),
    ]


def test_a_secret_across_the_edge_of_a_match_is_masked() -> None:
    excerpt = around(Log(b"use hunter2-hunter2 now\n"), b"hunter2-h", Masker(["hunter2-hunter2"]))
    (line,) = excerpt.lines
    assert (line.text, line.matched, line.rest) == ("use ", "******", "****** now")


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    log = Log(b" 0%\r50%\r100%\r\nstart\rError: x\rend\n")
    assert shown(around(log, b"Error: x")) == [(None, "100%"), (None, "Error: x")]


def test_of_a_long_line_the_match_and_what_is_around_it_are_shown() -> None:
    log = Log(("ä" * 5000 + "Error: x" + "ö" * 5000 + "\n" + "ü" * 5000).encode())
    hit, plain = around(log, b"Error: x").lines
    assert hit.matched == "Error: x"
    assert (hit.text, hit.rest[0], hit.rest[-1]) == ("…" + "ä" * 75, "ö", "…")
    assert plain.text == "ü" * 300 + "…"
    assert "\ufffd" not in hit.rest


def test_a_match_over_several_lines_marks_each() -> None:
    excerpt = around(Log(b"a\nError\nmore\nb\n"), b"Error\nmore")
    assert [line.marked for line in excerpt.lines] == [False, True, True, False]


def test_what_the_runtime_noted_about_a_repetition_is_left_out() -> None:
    log = Log(b"a\n[openpai-runtime] by hand: x\nError\n[openpai-runtime] by hand: y\nb\n\n\n")
    assert [text for _, text in shown(around(log, b"Error"))] == ["a", "Error", "b"]
    assert [text for _, text in shown(context.tail("log", log, NOTHING, 2))] == ["Error", "b"]


def test_colours_and_control_characters_are_gone() -> None:
    assert shown(context.tail("log", Log(b"\x1b[31mred\x1b[0m \x07\x00"), NOTHING)) == [
        (None, "red \ufffd\ufffd")
    ]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"\r\n", b"\r"])
def test_an_empty_log_has_no_lines(text: bytes) -> None:
    assert context.tail("log", Log(text), NOTHING).lines == ()


@pytest.mark.parametrize(
    ("user", "platform", "command", "names"),
    [
        pytest.param(Hit(0, 1), None, True, ["user log"], id="a match of the user's"),
        pytest.param(None, None, True, ["user log"], id="no match"),
        pytest.param(None, Hit(0, 1), True, ["platform log", "user log"], id="of the platform's"),
        pytest.param(None, None, False, ["platform log", "user log"], id="the start failed"),
        pytest.param(Hit(0, 1), Hit(0, 1), True, ["user log", "platform log"], id="both"),
    ],
)
def test_the_log_that_matters_stands_first(
    user: Hit | None, platform: Hit | None, command: bool, names: list[str]
) -> None:
    logs = Log(b"u\n"), Log(b"p\n")
    found = context.of_logs(logs[0], user, logs[1], platform, NOTHING, command)
    assert [excerpt.name for excerpt in found] == names
