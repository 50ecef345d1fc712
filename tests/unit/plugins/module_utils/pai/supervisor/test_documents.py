"""What is written for machines and people: rotation names, fallback message, summary."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.outcome import read_outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import Log
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.report import report
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.shown import Facts
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.verdict import (
    SUCCEEDED_AFTER_STOP,
    Verdict,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.fallback import (
    make_document,
    make_message,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.limits import LogLimits
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.outcome import Outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.rotation import (
    RotatingFile,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.settings import (
    Options,
    resolve,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.summary import (
    summarize,
)

TAGS = ("[PAI_RUNTIME_ERROR_START]\n", "[PAI_RUNTIME_ERROR_END]\n")


def places(folder):
    directories = {"PAI_RUNTIME_WORK_DIR": str(folder), "PAI_RUNTIME_LOG_DIR": str(folder)}
    return resolve(Options("run"), directories, Path("/"), Path("/"))


def document(user="", platform="", failed="it failed"):
    outcome = Outcome(1, None, False, "command", None, None, "then", "now", {})
    made = make_document(places("/nonexistent"), outcome, failed, lambda text: text)
    return {**made, "errorLogs": {"user": user, "platform": platform}}


TEXT = st.text(st.characters(codec="utf-8"), max_size=3000) | st.sampled_from(
    ["[PAI_RUNTIME_ERROR_END]\n" * 300, "\x00\x1b[31m\x85\u2028\ufeff" * 400, "\U0001f600" * 3000]
)


@settings(deadline=None, max_examples=200)
@given(user=TEXT, platform=TEXT, failed=TEXT)
def test_fallback_message_is_always_small_valid_and_framed_once(user, platform, failed):
    message = make_message(document(user, platform, failed))
    assert len(message) <= 4096
    text = message.decode()
    assert text.startswith(TAGS[0])
    assert text.endswith(TAGS[1])
    assert [text.count(tag.strip()) for tag in TAGS] == [1, 1]
    inside = yaml.safe_load(text[len(TAGS[0]) : -len(TAGS[1])])
    assert inside["exitCode"] == 1
    assert isinstance(inside["errorLogs"]["user"], str)


def test_fallback_has_the_keys_of_the_analysis_in_their_order():
    facts = Facts(read_outcome(Path("/nonexistent"), []), {}, Log(), Log())
    analysed = report(facts, Verdict(1, SUCCEEDED_AFTER_STOP), None, [])
    outcome = Outcome(1, None, False, "command", None, None, "then", "now", {})
    made = make_document(places("/nonexistent"), outcome, "it failed", str)
    assert list(made) == list(analysed)


def test_platform_log_is_cut_before_the_user_log():
    message = make_message(document(user="u" * 2500, platform="p" * 9000)).decode()
    inside = yaml.safe_load(message[len(TAGS[0]) : -len(TAGS[1])])["errorLogs"]
    assert inside["user"] == "u" * 2500
    assert 0 < len(inside["platform"]) < 9000


@settings(deadline=None, max_examples=100)
@given(
    pieces=st.lists(st.binary(max_size=60), max_size=40),
    limit=st.integers(1, 50),
    kept=st.integers(0, 3),
)
def test_rotation_keeps_the_end_of_what_was_written(tmp_path_factory, pieces, limit, kept):
    folder = tmp_path_factory.mktemp("log")
    log = RotatingFile(folder, LogLimits(limit, kept), pytest.fail)
    for piece in pieces:
        log.write(piece)
    log.close()
    old = sorted(folder.glob("@*"))
    files = [path.read_bytes() for path in [*old, folder / "current"]]
    assert b"".join(pieces).endswith(b"".join(files))
    assert len(old) <= kept
    assert all(0 < len(content) <= limit for content in files[:-1])
    if sum(map(len, pieces)) <= limit:
        assert files == [b"".join(pieces)]


def test_disk_that_refuses_is_told_once_with_what_is_missing(tmp_path):
    reports = []
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "current").symlink_to("/dev/full")
    log = RotatingFile(tmp_path / "log", LogLimits(), reports.append)
    log.write(b"12345")
    log.write(b"67890")
    log.close()
    assert reports == [f"{tmp_path}/log/current: cannot write: No space left on device"]


class Refusing(RotatingFile):
    """A log whose disk has no room for a new file while ``full``."""

    full = False

    def _open(self):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._open()


def contents(folder):
    return [path.read_bytes() for path in [*sorted(folder.glob("@*")), folder / "current"]]


def test_rotation_goes_on_after_a_clean_up_that_failed(tmp_path):
    stuck = tmp_path / "@0.s"
    stuck.mkdir()  # cannot be unlinked
    reports = []
    log = RotatingFile(tmp_path, LogLimits(4, 1), reports.append)
    for n in range(4):
        log.write(b"row%d" % n)
    log.close()
    assert reports == [f"{stuck}: cannot be removed: Is a directory"] * 3
    stuck.rmdir()
    assert contents(tmp_path) == [b"row2", b"row3"]


def test_rotation_does_not_care_who_moved_the_full_file(tmp_path):
    log = RotatingFile(tmp_path, LogLimits(4, 2), pytest.fail)
    log.write(b"row0")
    (tmp_path / "current").rename(tmp_path / "shipped")
    log.write(b"row1")
    log.write(b"row2")
    log.close()
    assert contents(tmp_path) == [b"row1", b"row2"]


def test_rotation_that_is_refused_loses_nothing_and_is_tried_at_the_next_write(tmp_path):
    reports = []
    log = Refusing(tmp_path, LogLimits(4, 2), reports.append)
    log.write(b"row0")
    log.full = True
    log.write(b"row1")
    log.write(b"row2")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"row0row1row2"]
    log.full = False
    log.write(b"row3")
    log.close()
    assert contents(tmp_path) == [b"row0row1row2", b"row3"]
    assert reports == [f"{tmp_path}/current: cannot start a new file: No space left on device"]


FAILED = {
    "job": "alice~mnist",
    "taskRole": "worker",
    "taskIndex": 1,
    "exitCode": 226,
    "originalUserExitCode": 1,
    "phrase": "ContainerCudaOOMKilled",
    "fault": "user",
    "transient": False,
    "reason": "The GPU ran out of memory.",
    "solution": ["Use a smaller batch.", "Ask for a larger GPU."],
    "matchedUserLogString": "CUDA out of memory",
    "phases": {"start": 0.612, "start/plugin cmd": 0.3, "command": 12.1, "exit": 0.7},
}


def test_summary_of_a_failure():
    assert summarize(FAILED, places("/logs"), colour=False) == (
        "\nalice~mnist, task worker-1 failed\n"
        "  exit code  226 ContainerCudaOOMKilled (the command's own: 1)\n"
        "  reason     The GPU ran out of memory.\n"
        "  matched    CUDA out of memory\n"
        "  fault      user; a retry will not help\n"
        "  to do      1. Use a smaller batch.\n"
        "             2. Ask for a larger GPU.\n"
        "  phases     start 0.61 s (plugin cmd 0.30); command 12.10 s; exit 0.70 s\n"
        "  logs       /logs\n"
    )


def test_summary_of_a_failure_that_followed_from_another_tasks():
    first = {
        "task": "worker-0",
        "exitCode": 7,
        "phrase": "PythonValueWrong",
        "role": "root",
        "evidence": "ValueError: bad batch",
    }
    told = summarize({**FAILED, "firstFailure": first}, places("/logs"), colour=False)
    assert told.splitlines()[3:5] == [
        "  because    worker-0 failed first, with exit code 7 (PythonValueWrong): "
        "ValueError: bad batch",
        "  reason     The GPU ran out of memory.",
    ]


def test_summary_of_a_success_is_short():
    assert summarize({"exitCode": 0, "phases": {"command": 1}}, places("/logs"), colour=False) == (
        "\nThe command succeeded\n  exit code  0\n  phases     command 1.00 s\n  logs       /logs\n"
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"matchedPlatformLogString": "Connection refused"}, "Connection refused"),
        ({"trigger": "exit code 137; killed for memory: 1", "stage": "command"}, "killed for"),
        ({"trigger": "exit code 1; start failed", "stage": "start"}, None),
        ({"trigger": "exit code 143; told to stop", "stage": "command", "stopped": True}, None),
        ({"trigger": "exit code 7", "stage": "command"}, None),
    ],
    ids=["platform's log", "the machine", "a start", "a stop", "nothing"],
)
def test_summary_tells_what_the_verdict_rests_on(more, told):
    text = summarize({**FAILED, "matchedUserLogString": None, **more}, places("/l"), colour=False)
    rows = [row for row in text.splitlines() if row.startswith("  matched ")]
    assert [told in row for row in rows] == ([True] if told else [])


def test_summary_names_the_line_of_the_users_code():
    text = summarize({**FAILED, "where": "/w/train.py:22"}, places("/l"), colour=False)
    assert "  your code " in text
    assert "/w/train.py:22\n" in text


def test_summary_names_the_page_of_a_failure_where_there_is_one(tmp_path):
    page = tmp_path / "failure.html"
    told = ["as a page", str(page)]
    assert "as a page" not in summarize(FAILED, places(tmp_path), colour=False)
    page.touch()
    assert " ".join(told) in " ".join(summarize(FAILED, places(tmp_path), colour=False).split())
    assert "as a page" not in summarize({"exitCode": 0}, places(tmp_path), colour=False)


def test_summary_is_coloured_only_where_asked():
    assert "\033[" in summarize(FAILED, places("/logs"), colour=True)
