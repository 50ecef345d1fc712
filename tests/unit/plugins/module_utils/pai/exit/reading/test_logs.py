"""The end of a log: how much is read, from where, and how it is made valid text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    chunks,
    clean,
    read_log,
)

OLDER, NEWER = "@4000000065a1b2c30000000a.s", "@4000000065a1b2c30000000b.s"


def test_a_short_log_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "current"
    path.write_bytes(b"one\ntwo\nthree")
    log = read_log(path)
    assert log == Log(b"one\ntwo\nthree", path, older=0, skipped=0)
    assert [log.line(position) for position in (0, 4, 8)] == [1, 2, 3]


@pytest.mark.parametrize("limit", [55, 60], ids=["at the end of a line", "within a line"])
def test_of_a_long_log_whole_lines_of_the_end_are_read(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "current"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(1, 1001)))
    log = read_log(path, limit=limit)
    assert log.text.startswith(b"line 995\n")
    assert log.text.endswith(b"line 1000\n")
    assert log.line(0) == 995
    assert log.line(log.text.index(b"line 1000")) == 1000


def test_a_log_just_rotated_goes_on_in_the_newest_file(tmp_path: Path) -> None:
    (tmp_path / OLDER).write_bytes(b"too old\n")
    (tmp_path / NEWER).write_bytes(b"a\nb\nc\n")
    (tmp_path / "lock").write_bytes(b"")
    (tmp_path / "current").write_bytes(b"d\ne\n")
    log = read_log(tmp_path / "current")
    assert log.text == b"a\nb\nc\nd\ne\n"
    assert [log.line(log.text.index(line)) for line in (b"c", b"d", b"e")] == [None, 1, 2]


def test_of_the_rotated_file_only_what_is_missing_is_read(tmp_path: Path) -> None:
    (tmp_path / NEWER).write_bytes(b"first\nsecond\n")
    (tmp_path / "current").write_bytes(b"third\n")
    assert read_log(tmp_path / "current", limit=14).text == b"second\nthird\n"


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none" / "current").text == b""


def test_a_log_that_is_a_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        read_log(tmp_path)


@given(text=st.binary(max_size=200))
def test_cleaned_text_is_valid_and_keeps_its_lines(text: bytes) -> None:
    cleaned = clean(text)
    cleaned.decode()
    assert cleaned.count(b"\n") == text.count(b"\n")
    assert clean(cleaned) == cleaned


@given(text=st.text(max_size=100))
def test_valid_text_stays_as_it_is(text: str) -> None:
    assert clean(text.encode()) == text.encode()


def test_chunks_end_with_lines() -> None:
    text = b"x" * 1023 + b"\n"
    pieces = list(chunks(text * 3000))
    assert len(pieces) == 3
    assert pieces[0] == (0, 1024 * 1024)
    assert pieces[-1][1] == len(text) * 3000


def test_a_line_a_little_longer_than_a_chunk_is_one_chunk() -> None:
    text = b"x" * ((1 << 20) + 60_000) + b"\ny"
    assert list(chunks(text)) == [(0, len(text) - 1), (len(text) - 1, len(text))]


@pytest.mark.parametrize(
    ("line", "ends"),
    [(b"x" * 99, b"x"), (b"\r 12% done" * 9, b"\r")],
    ids=["without any end", "of a progress bar"],
)
def test_an_endless_line_is_several_chunks(line: bytes, ends: bytes) -> None:
    text = line * 40_000
    found = list(chunks(text))
    assert [begin for begin, _end in found[1:]] == [end for _begin, end in found[:-1]]
    assert found[-1][1] == len(text)
    assert all(end - begin < 1_200_000 for begin, end in found)
    assert all(text[end - 1 : end] == ends for _begin, end in found[:-1])


def test_an_endless_line_is_one_chunk_for_whom_it_must_be() -> None:
    text = b"x" * (3 << 20)
    assert list(chunks(text, endless=len(text))) == [(0, len(text))]


@pytest.mark.parametrize("letter", ["é", "€", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_an_endless_line_is_not_cut_within_a_character(letter: str, shift: int) -> None:
    text = ("x" * shift + letter * 1_000_000).encode()
    assert len(list(chunks(text))) > 1
    assert clean(text) == text
