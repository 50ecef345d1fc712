"""What a report shows of a log: the match, what stands around it, and no secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.excerpt import (
    around,
    matched,
    readable,
    tail,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    clean,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import Hit
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker

NOTHING = Masker([])
NUMBERED = [f"line {number}" for number in range(1, 31)]


def log(text: str) -> Log:
    return Log(text.encode())


def find(text: str, what: str) -> tuple[Log, Hit]:
    start = text.encode().index(what.encode())
    return log(text), Hit(start, start + len(what.encode()))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param("line 10\n", NUMBERED[7:22], id="two before, the match, what follows"),
        pytest.param("line 1\n", NUMBERED[:15], id="nothing before"),
        pytest.param("line 30", NUMBERED[15:], id="nothing follows: more before"),
        pytest.param("ne 10", NUMBERED[7:22], id="a part of a line"),
    ],
)
def test_lines_around_a_match(what: str, expected: list[str]) -> None:
    assert around(*find("\n".join(NUMBERED) + "\n", what), 15, NOTHING) == expected


def test_the_tail_ends_with_the_last_line_that_says_something() -> None:
    assert tail(log("\n".join(NUMBERED) + "\n\n \n"), 10, NOTHING) == NUMBERED[20:]


def test_an_empty_log_has_no_tail() -> None:
    assert tail(Log(), 10, NOTHING) == []


def test_progress_bars_and_colours_are_shown_as_a_terminal_would() -> None:
    text = "start\n10%\r20%\r\x1b[31mError: bad\x1b[0m\r\n30%\r40%\rdone\n"
    assert around(*find(text, "bad"), 15, NOTHING) == ["start", "Error: bad", "done"]
    assert tail(log(text), 2, NOTHING) == ["Error: bad", "done"]


def test_a_match_is_cut_to_what_a_message_may_hold() -> None:
    text = "x" * 5000
    assert len(matched(*find(text, text), NOTHING)) == 2048
    assert len("\n".join(around(*find(text, text), 15, NOTHING))) < 3600


@pytest.mark.parametrize("what", ["token hunter2-hunter2", "hunter2-h", "r2-hunter2", "token "])
def test_a_secret_is_masked_also_where_the_match_cuts_it(what: str) -> None:
    text = "before\nuse token hunter2-hunter2 now\nafter\n"
    masker = Masker(["hunter2-hunter2"])
    shown = "\n".join([matched(*find(text, what), masker), *around(*find(text, what), 15, masker)])
    assert "unter2" not in shown
    assert "******" in shown


def test_a_secret_at_the_edge_of_what_is_looked_at_is_masked() -> None:
    secret = "s" * 50 + "t" * 50
    for shift in range(0, 110, 10):
        text = f"{secret}{'x' * (4096 - shift)}oom{'y' * (4096 - shift)}{secret}"
        shown = "".join(around(*find(text, "oom"), 15, Masker([secret])))
        assert "s" not in shown
        assert "t" not in shown


@given(data=st.binary(max_size=300), start=st.integers(0, 300), length=st.integers(0, 300))
def test_any_log_is_shown_as_printable_lines(data: bytes, start: int, length: int) -> None:
    text = clean(data)
    start = min(start, len(text))
    lines = around(Log(text), Hit(start, min(len(text), start + length)), 15, NOTHING)
    assert len(lines) <= 15
    assert all(line == readable(line) for line in lines if line)
    assert not any("\n" in line or "\r" in line for line in lines)
