"""What is kept of a log file that is deleted: which lines, how many, and where they stood."""

from __future__ import annotations

import json
import stat
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.digests.digest import (
    IN_ALL,
    NAME,
    Digest,
    Extract,
    add,
    bounded,
    read,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.digests.digest_make import (
    OF_ONE,
    make,
    make_from_end,
    numbered,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    LineScanner,
)

FILLER = b"".join(b"2026-11-24 08:00:00 INFO reader %06d waits\n" % n for n in range(4000))
ERROR = b"CUDA out of memory\n"
SCANNER = LineScanner(["CUDA out of memory", "No space left on device"])


def traceback(frames: int, raised: bytes = b"ValueError: label 11") -> bytes:
    lines = b"".join(b'  File "a.py", line %d, in f\n    f()\n' % n for n in range(frames))
    return b"Traceback (most recent call last):\n" + lines + raised + b"\n"


def digest_of(text: bytes) -> Digest:
    return numbered(make("@1.s", text, SCANNER, (0, len(text))), text)


def kept(digest: Digest) -> bytes:
    return b"".join(each.text for each in digest.extracts)


def test_a_healthy_file_leaves_nothing() -> None:
    assert digest_of(FILLER) == Digest("@1.s", len(FILLER), len(FILLER))


def test_lines_around_a_hit_are_kept_with_their_place_and_number() -> None:
    found = digest_of(FILLER + ERROR + FILLER)
    assert len(found.extracts) == 1
    lines = found.extracts[0].text.split(b"\n")
    assert lines.index(ERROR.strip()) == 6
    assert len(lines) == 6 + 1 + 10 + 1
    assert found.extracts[0].place == FILLER.index(lines[0])
    assert found.extracts[0].number == 4000 - 6 + 1


@pytest.mark.parametrize("frames", [1, 50], ids=["short", "of a hundred lines"])
def test_a_traceback_is_kept_whole(frames: int) -> None:
    whole = traceback(frames)
    found = digest_of(FILLER + whole + FILLER)
    assert whole in kept(found)
    assert len(kept(found)) < len(whole) + 2000


def test_a_hit_within_a_traceback_brings_all_of_it() -> None:
    many = [traceback(3, b"ValueError: %d" % n) + b"INFO goes on\n" * 50 for n in range(60)]
    oom = traceback(40, b"torch.cuda.OutOfMemoryError: CUDA out of memory")
    found = digest_of(b"".join(many[:30]) + oom + b"".join(many[30:]))
    assert oom in kept(found)


def test_the_first_and_the_last_hits_of_a_flood_are_kept() -> None:
    text = b"".join(b"%d: CUDA out of memory%s\n" % (n, b"." * 400) for n in range(100_000))
    found = digest_of(text + b"No space left on device\n" + text)
    assert len(kept(found)) <= OF_ONE
    assert kept(found).startswith(b"0: CUDA")
    assert kept(found).endswith(b"99999: CUDA out of memory" + b"." * 400 + b"\n")
    assert b"No space left on device" in kept(found)


def test_text_that_is_not_valid_is_kept_readable() -> None:
    found = digest_of(b"\xff\xfe\n" + ERROR)
    assert "\ufffd" in kept(found).decode()


def test_a_line_without_end_does_not_take_all_the_room() -> None:
    assert len(kept(digest_of(b"x" * 10**6 + b"CUDA out of memory " + b"y" * 10**6))) <= 1 << 17


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["without", "before"])
def test_a_file_without_line_ends_is_never_copied_whole(end: bytes) -> None:
    text = ERROR + b"x" * (32 << 20) + end
    tracemalloc.start()
    found = digest_of(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.searched == len(text)
    assert ERROR in kept(found)
    assert peak < 12 << 20


def test_work_that_goes_on_is_noted_where_it_stands() -> None:
    steps = b"".join(b"epoch 1 step %d loss 0.5\n" % n for n in range(20_000))
    found = digest_of(steps)
    assert found.steps
    for place, line in found.steps:
        assert steps[place:].startswith(line.encode() + b"\n")
    assert found.steps[-1][1] == "epoch 1 step 19999 loss 0.5"


def test_who_is_told_to_stop_keeps_what_was_searched() -> None:
    text = ERROR + FILLER * 150
    answers = iter([False, True])
    found = make("@1.s", text, SCANNER, (0, len(text)), lambda: next(answers))
    assert 0 < found.searched < 3 << 20
    assert ERROR in kept(found)
    nothing = make("@1.s", text, SCANNER, (0, len(text)), lambda: True)
    assert (nothing.searched, nothing.extracts) == (0, ())


def test_from_the_end_the_same_is_found() -> None:
    text = (traceback(3) + FILLER * 20 + ERROR) * 3
    found, start = make_from_end("@1.s", text, SCANNER, (0, len(text)))
    assert start == 0
    assert found == make("@1.s", text, SCANNER, (0, len(text)))


def test_who_begins_at_the_end_and_is_told_to_stop_has_the_newest() -> None:
    text = ERROR + FILLER * 150 + ERROR
    answers = iter([False, True])
    found, start = make_from_end("@1.s", text, SCANNER, (0, len(text)), lambda: next(answers))
    assert 0 < start < len(text) - (1 << 18)
    assert [len(text) - len(ERROR) >= each.place >= start for each in found.extracts] == [True]
    assert kept(found).endswith(ERROR)
    nothing = make_from_end("@1.s", text, SCANNER, (0, len(text)), lambda: True)
    assert (nothing[1], nothing[0].extracts) == (len(text), ())


def test_what_was_kept_is_read_again_and_is_its_owners_alone(tmp_path: Path) -> None:
    first, second = digest_of(FILLER + ERROR), Digest("@2.s", 7, 7, (), ((3, "step 3"),))
    add(tmp_path, first)
    add(tmp_path, second)
    assert read(tmp_path) == (first, second)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_log_without_digests_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) == read(tmp_path / "none") == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"files": [{"name": "@1.s"}]}',
        '{"files": [{"lines": 1}]}',
        '{"files": [{"lines": [[0, 1, 5]]}]}',
        '{"files": [{"lines": [[1e999, 1, "x"]]}]}',
        '{"files": ' + "[" * 200_000,
    ],
    ids=["empty", "of another form", "cut", "wrong", "no text", "too large", "too deep"],
)
def test_a_damaged_file_is_told_and_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(RuntimeConfigError, match=r"earlier\.json: damaged; what it kept is not"):
        read(tmp_path)
    add(tmp_path, Digest("@1.s", 1, 1))
    assert [each.name for each in read(tmp_path)] == ["@1.s"]


def row(number: int, size: int) -> dict[str, Any]:
    lines = [[0, 1, "x" * size]] if size else []
    return {"name": f"@{number:06}.s", "size": 1, "searched": 1, "lines": lines, "steps": []}


def names(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["name"][1:-2]) for row in rows]


def test_of_many_files_the_first_and_the_newest_are_known() -> None:
    rows: list[dict[str, Any]] = []
    for number in range(100):
        rows = bounded([*rows, row(number, 100_000)])
    assert names(rows) == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert len(json.dumps(rows)) <= IN_ALL


def test_files_in_which_nothing_was_found_do_not_displace_others() -> None:
    rows = [row(0, 10)]
    for number in range(1, 20_000):
        rows = bounded([*rows, row(number, 0)])
    assert names(rows)[0] == 0
    assert len(rows) == 17


def test_lines_that_grow_as_json_are_fewer(tmp_path: Path) -> None:
    noise = Extract(9000, b"\x01" * 100_000, 2)
    add(tmp_path, Digest("@1.s", 10**6, 10**6, (Extract(0, b"first\n", 1), noise, noise, noise)))
    assert read(tmp_path)[0].extracts == (Extract(0, b"first\n", 1),)


def test_an_extract_knows_its_place(tmp_path: Path) -> None:
    kept_extract = Extract(5, "näive\n".encode(), 3)
    add(tmp_path, Digest("@1.s", 100, 50, (kept_extract,)))
    assert read(tmp_path)[0].extracts == (kept_extract,)
