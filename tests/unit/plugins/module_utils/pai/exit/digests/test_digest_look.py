"""What a log said before its end: in its own file, in finished ones, and in deleted ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.diagnosis import (
    Doctor,
    Given,
    Source,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.digests import (
    digest,
    digest_make,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.digests.digest_look import (
    look_back,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.explain.explanation import (
    Question,
    explain,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Entry, Pattern
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.ranking import Finding
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    part,
    read_log,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.line_scan import (
    LineScanner,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.page import LineHit
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
NAMES = [f"@4000000065a1b2c3000000{number:02x}.s" for number in range(4)]
FILLER = b"".join(b"INFO reader %06d waits for the others\n" % n for n in range(2000))
#: Of the end so much is read in these tests.
LIMIT = 1000
OOM = b"CUDA out of memory\n"
DIED = b'Traceback (most recent call last):\n  File "a.py", line 2, in f\n    f()\nValueError: 11\n'
RETRY = b"WARNING Connection refused, retrying\n"
DOCTOR = Doctor(
    [
        Entry(237, category, category, patterns=(pattern,), weight=weight)
        for category, weight, pattern in (
            ("gpu-oom", 90, Pattern(user_log="CUDA out of memory")),
            ("network", 50, Pattern(user_log="Connection refused")),
            ("python-error", 30, Pattern(exception="^ValueError: ")),
        )
    ]
)


class Logs:
    """A log with finished files; those that are gone have left a digest."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[str] = []

    def there(self, number: int, text: bytes) -> None:
        (self.directory / NAMES[number]).write_bytes(text)

    def gone(self, number: int, text: bytes, searched: int | None = None) -> None:
        end = len(text) if searched is None else searched
        made = digest_make.make(NAMES[number], text, DOCTOR.scanner, (0, end))
        digest.add(self.directory, digest_make.numbered(made, text))

    def read(self, current: bytes = FILLER, seconds: float = 60.0, own: float = 60.0) -> Log:
        (self.directory / "current").write_bytes(current)
        log = read_log(self.directory / "current", limit=LIMIT)
        return look_back(log, DOCTOR.scanner, self.problems, seconds, own)


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def diagnose(log: Log) -> Finding | None:
    return DOCTOR.diagnose([Source(log)], Given(1))


def test_the_error_in_a_deleted_file_is_found_with_its_file_and_line(logs: Logs) -> None:
    logs.gone(0, FILLER + OOM + FILLER)
    logs.there(1, FILLER)
    log = logs.read()
    found = diagnose(log)
    assert found is not None
    assert found.best.category == "gpu-oom"
    assert log.file(found.best.place) == logs.directory / NAMES[0]
    assert log.line(found.best.place) == 2001
    shown, place = part(log, found.best.place)
    assert shown.text[place:].startswith(OOM)
    assert (shown.rotated, shown.line(place)) == (NAMES[0], 2001)
    assert logs.problems == []


def test_a_file_that_nobody_searched_is_searched_at_the_end(logs: Logs) -> None:
    logs.there(0, FILLER + OOM + FILLER)
    logs.there(1, FILLER)
    log = logs.read()
    found = diagnose(log)
    assert found is not None
    assert (log.file(found.best.place), log.line(found.best.place)) == (
        logs.directory / NAMES[0],
        2001,
    )
    shown, place = part(log, found.best.place)
    assert shown.text[place:].startswith(OOM)
    assert len(shown.text) > 10_000
    assert shown.line(place) == 2001


def test_of_a_file_that_was_searched_in_part_the_rest_is(logs: Logs) -> None:
    text = FILLER + OOM + FILLER
    logs.there(0, text)
    logs.gone(0, text, searched=len(FILLER) // 2)
    found = diagnose(logs.read())
    assert found is not None
    assert found.best.category == "gpu-oom"
    assert logs.problems == []


def test_where_time_is_over_it_is_said_what_was_not_searched(logs: Logs) -> None:
    logs.there(0, FILLER * 40)
    log = logs.read(seconds=-1.0)
    assert log.pieces == ()
    size = len(FILLER) * 40 / 10**6
    assert logs.problems == [
        f"log {logs.directory / NAMES[0]}: {size:.1f} MB of it were not searched:"
        " there was no more time"
    ]


def test_where_time_is_over_it_is_said_what_of_the_file_itself_was_not_searched(
    logs: Logs,
) -> None:
    logs.there(0, FILLER + OOM + FILLER)
    log = logs.read(current=OOM + FILLER * 40, own=-1.0)
    assert {piece.path.name for piece in log.pieces} == {NAMES[0]}
    assert logs.problems == [
        f"log {logs.directory / 'current'}: {log.skipped / 10**6:.1f} MB of it were not searched:"
        " there was no more time"
    ]


class Slow(LineScanner):
    """Lets time run out once it has searched."""

    def __init__(self) -> None:
        super().__init__(["CUDA out of memory"])

    def search(self, text: Any, start: int = 0, end: int | None = None) -> list[LineHit]:
        found = super().search(text, start, end)
        time.sleep(0.5)
        return found


def test_of_the_file_itself_the_newest_part_comes_first(logs: Logs) -> None:
    path = logs.directory / "current"
    path.write_bytes(b"first " + OOM + FILLER * 100 + b"last " + OOM + FILLER)
    log = look_back(read_log(path, limit=LIMIT), Slow(), logs.problems, own_seconds=0.4)
    assert [b"last " + OOM in piece.text for piece in log.pieces] == [True]
    assert len(logs.problems) == 1


class Meanwhile(LineScanner):
    """Searches while a child keeps the digest of the same file; counts what is searched."""

    def __init__(self, logs: Logs, text: bytes) -> None:
        super().__init__(["CUDA out of memory"])
        self._keep: Callable[[], None] | None = lambda: logs.gone(0, text)
        self.searched = 0

    def search(self, text: Any, start: int = 0, end: int | None = None) -> list[LineHit]:
        if end and start == 0 and self._keep:
            self._keep()
            self._keep = None
        self.searched += (end or len(text)) - start
        return super().search(text, start, end)


def test_a_child_that_is_done_before_us_is_waited_for_no_longer(logs: Logs) -> None:
    text = FILLER * 250 + OOM
    logs.there(0, text)
    (logs.directory / "current").write_bytes(b"x\n" * LIMIT)
    scanner = Meanwhile(logs, text)
    log = read_log(logs.directory / "current", limit=LIMIT)
    log = look_back(log, scanner, logs.problems)
    assert scanner.searched < len(text)
    assert any(OOM in piece.text for piece in log.pieces)
    assert logs.problems == []


def test_a_file_that_became_shorter_is_no_endless_work(logs: Logs) -> None:
    logs.gone(0, FILLER * 2, searched=len(FILLER))
    logs.there(0, FILLER)
    logs.read()
    assert len(logs.problems) == 1


def test_the_newest_file_comes_first(logs: Logs) -> None:
    for number in range(3):
        logs.there(number, FILLER)
    logs.read(seconds=-1.0)
    assert [problem.split(":")[0] for problem in logs.problems] == [
        f"log {logs.directory / name}" for name in NAMES[2::-1]
    ]


def test_of_a_deleted_file_it_is_said_what_was_not_searched(logs: Logs) -> None:
    logs.gone(0, FILLER * 40, searched=len(FILLER) * 20)
    logs.read()
    size = len(FILLER) * 20 / 10**6
    assert logs.problems == [
        f"log {logs.directory / NAMES[0]}: {size:.1f} MB of it were not searched: it is deleted"
    ]


def test_a_damaged_digest_is_a_problem_and_the_rest_is_used(logs: Logs) -> None:
    (logs.directory / digest.NAME).write_text("{")
    logs.there(0, FILLER + OOM + FILLER)
    found = diagnose(logs.read())
    assert found is not None
    assert found.best.category == "gpu-oom"
    path = logs.directory / digest.NAME
    assert logs.problems == [f"{path}: damaged; what it kept is not known"]


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_a_problem(logs: Logs) -> None:
    logs.there(0, FILLER)
    (logs.directory / NAMES[0]).chmod(0)
    logs.read()
    assert f"log {logs.directory / NAMES[0]}: Permission denied" in logs.problems


def test_what_was_read_with_the_end_is_not_told_twice(logs: Logs) -> None:
    text = FILLER + OOM + b"short\n"
    logs.there(0, text)
    logs.gone(0, text)
    log = logs.read(current=b"the end\n")
    assert OOM in log.text
    found = diagnose(log)
    assert found is not None
    assert (found.best.place >= 0, found.support) == (True, ())
    assert all(piece.place + len(piece.text) <= 0 for piece in log.pieces)


def test_pieces_stand_in_the_order_of_the_log(logs: Logs) -> None:
    for number in range(3):
        logs.gone(number, FILLER + b"\xff\xff\n" * 5 + OOM + FILLER)
    logs.there(3, FILLER + OOM + FILLER)
    log = logs.read(current=FILLER + OOM + FILLER)
    names = [piece.path.name for piece in log.pieces]
    assert names == [*NAMES, "current"]
    ends = [piece.place + len(piece.text) for piece in log.pieces]
    begins = [piece.place for piece in log.pieces]
    assert all(end <= begin for end, begin in zip(ends, [*begins[1:], 0], strict=True))


def test_other_files_beside_a_log_of_another_name_are_not_its_own(logs: Logs) -> None:
    logs.gone(0, OOM)
    logs.there(1, OOM)
    path = logs.directory / "train.log"
    path.write_bytes(FILLER)
    log = look_back(read_log(path, limit=LIMIT), DOCTOR.scanner, logs.problems)
    assert log.pieces == ()


def test_what_the_program_went_on_after_is_no_reason(logs: Logs) -> None:
    steps = b"".join(b"epoch 1 step %d loss 0.5\n" % n for n in range(5000))
    logs.gone(0, FILLER + OOM + FILLER)
    logs.gone(1, steps)
    assert diagnose(logs.read()) is None


def test_steps_before_the_error_do_not_excuse_it(logs: Logs) -> None:
    steps = b"".join(b"epoch 1 step %d loss 0.5\n" % n for n in range(5000))
    logs.gone(0, steps)
    logs.gone(1, FILLER + OOM + FILLER)
    found = diagnose(logs.read())
    assert found is not None
    assert found.best.category == "gpu-oom"


def test_a_process_that_died_is_the_reason_before_what_others_wrote_for_ever(logs: Logs) -> None:
    logs.gone(0, FILLER + b"[rank3]: " + DIED.replace(b"\n", b"\n[rank3]: ")[:-9] + RETRY * 500)
    for number in (1, 2):
        logs.gone(number, RETRY * 5000)
    found = diagnose(logs.read(current=RETRY * 5000))
    assert found is not None
    assert (found.best.category, found.best.rank) == ("python-error", "3")


def test_a_precise_error_at_the_end_comes_before_an_old_exception(logs: Logs) -> None:
    logs.gone(0, FILLER + DIED + FILLER)
    found = diagnose(logs.read(current=FILLER + OOM))
    assert found is not None
    assert found.best.category == "gpu-oom"


def test_where_nothing_else_says_why_a_process_died_though_others_went_on(logs: Logs) -> None:
    steps = b"".join(b"epoch 1 step %d loss 0.5\n" % n for n in range(5000))
    logs.gone(0, FILLER + DIED + FILLER)
    logs.gone(1, steps)
    found = diagnose(logs.read())
    assert found is not None
    assert found.best.category == "python-error"
    assert found.confidence <= 0.3


def test_explain_reads_the_digests_of_a_log_directory(tmp_path: Path) -> None:
    (tmp_path / "user-all").mkdir()
    logs = Logs(tmp_path / "user-all")
    logs.gone(0, FILLER + b"RuntimeError: " + OOM + FILLER)
    logs.there(1, FILLER * 200)
    (logs.directory / "current").write_bytes(FILLER * 200)
    answer = explain(Question((tmp_path,), CATALOGUE, 1))
    assert answer.document["category"] == "gpu-oom"
    evidence = answer.document["evidence"][0]
    assert (evidence["file"], evidence["line"]) == (str(logs.directory / NAMES[0]), 2001)
    assert answer.problems == ()
    shown = answer.excerpts[0]
    assert shown.name == str(logs.directory / NAMES[0])
    assert [line.number for line in shown.lines if line.marked] == [2001]
