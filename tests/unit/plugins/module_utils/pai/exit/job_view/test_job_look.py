"""The wait for the others' records: from real servers and directories, and not too long."""

from __future__ import annotations

import dataclasses
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.job_look import (
    Quest,
    Waiting,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.job_records import (
    SharedRecords,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import Marks
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_peers import (
    Peer,
    Peers,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.mesh import Mesh
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.probe_login import Client
from tests.unit.sshd_servers import HOST, SSHD, SshdServers

needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs sshd (Debian: openssh-server)")
LONG, SHORT = 60.0, 0.5
NAMES = frozenset(("own", "worker-0", "worker-1", "worker-2"))
OWN = ExitRecord("own", 1, ready=True, attempt="uid", role="cascade")
ROOT = ExitRecord(
    "worker-2", 1, True, "uid", role="root", phrase="It", failed_at="2026-11-24T08:00:01.000Z"
)
UNKNOWN = dataclasses.replace(ROOT, alias="worker-1", role="unknown")
SINCE = "2026-11-24T08:00:00.000Z"


def wait(seconds: float, **quest: Any) -> tuple[list[ExitRecord], float, list[str]]:
    """Return the records, how long that took, and what went wrong."""
    given = {"own": OWN, "known": NAMES, "since": SINCE, "mesh": None, "shared": None, **quest}
    began = time.monotonic()
    waiting = Waiting(Quest(**given), seconds)
    return waiting.records(), time.monotonic() - began, waiting.problems


@pytest.fixture
def shared(tmp_path: Path) -> SharedRecords:
    return SharedRecords(tmp_path, "train", "uid")


def test_a_cause_ends_the_wait_at_once(shared: SharedRecords) -> None:
    shared.write(ROOT, LONG)
    records, took, problems = wait(LONG, shared=shared)
    assert (records, problems) == ([ROOT], [])
    assert took < LONG / 2


def test_a_cause_that_comes_later_ends_it(shared: SharedRecords) -> None:
    shared.write(UNKNOWN, LONG)
    later = threading.Timer(0.5, shared.write, (ROOT, LONG))
    later.start()
    records, took, _problems = wait(LONG, shared=shared)
    later.join()
    assert sorted(record.alias for record in records) == ["worker-1", "worker-2"]
    assert took < LONG / 2


def test_when_all_have_ended_nobody_is_waited_for(shared: SharedRecords) -> None:
    for name in ("worker-0", "worker-1", "worker-2"):
        shared.write(dataclasses.replace(UNKNOWN, alias=name), LONG)
    records, took, _problems = wait(LONG, shared=shared)
    assert len(records) == 3
    assert took < LONG / 2


def test_without_a_cause_it_is_over_with_the_time(shared: SharedRecords) -> None:
    shared.write(UNKNOWN, LONG)
    records, took, _problems = wait(SHORT, shared=shared)
    assert records == [UNKNOWN]
    assert took >= SHORT


def test_who_is_stopped_looks_once(shared: SharedRecords) -> None:
    shared.write(UNKNOWN, LONG)
    records, took, _problems = wait(LONG, shared=shared, once=True)
    assert records == [UNKNOWN]
    assert took < LONG / 2


def test_what_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    missing = SharedRecords(tmp_path / "none", "train", "uid")
    _records, _took, problems = wait(2 * SHORT, shared=missing)
    assert problems == [f"exit records not read from {tmp_path}/none: No such file or directory"]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(dataclasses.replace(ROOT, alias="stranger-0"), id="no task of the job"),
        pytest.param(
            dataclasses.replace(ROOT, attempt="", failed_at="2026-11-24T07:59:59.999Z"),
            id="of an earlier run",
        ),
        pytest.param(dataclasses.replace(ROOT, attempt="", failed_at=""), id="of no known time"),
    ],
)
def test_what_is_none_of_this_run_is_not_taken(tmp_path: Path, record: ExitRecord) -> None:
    place = SharedRecords(tmp_path, "train", record.attempt)
    place.write(record, LONG)
    assert wait(LONG, shared=place, once=True)[0] == []


@pytest.mark.parametrize(
    ("job", "counts"),
    [
        pytest.param("alice~train", True, id="ours"),
        pytest.param("alice", True, id="halved"),
        pytest.param("", True, id="cut away"),
        pytest.param("alice~trai", False, id="whose name begins alike"),
        pytest.param("bob~train", False, id="another one"),
    ],
)
def test_a_record_of_another_job_does_not_count(
    shared: SharedRecords, job: str, counts: bool
) -> None:
    record = dataclasses.replace(ROOT, job=job)
    shared.write(record, LONG)
    own = dataclasses.replace(OWN, job="alice~train")
    assert wait(LONG, own=own, shared=shared, once=True)[0] == ([record] if counts else [])


def test_without_a_known_start_only_a_record_of_the_attempt_counts(tmp_path: Path) -> None:
    for attempt in ("uid", ""):
        place = SharedRecords(tmp_path, "train", attempt)
        place.write(dataclasses.replace(ROOT, attempt=attempt), LONG)
        records = wait(LONG, shared=place, once=True, since="")[0]
        assert [record.attempt for record in records] == ([attempt] if attempt else [])


def test_without_a_temporary_file_the_wait_goes_on(
    shared: SharedRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(shared.directory / "none"))
    records, _took, problems = wait(SHORT, shared=shared)
    told = f"exit records not read from {shared.directory}: No such file or directory"
    assert (records, problems) == ([], [told])


def test_without_a_process_the_directory_is_read_all_the_same(shared: SharedRecords) -> None:
    shared.write(UNKNOWN, LONG)
    own, peer = Peer("own"), Peer("worker-0", HOST, 1)
    peers = Peers(own, peer, (peer,), (), (), near=(peer,), ask=(peer,))
    missing = Client(str(shared.directory / "none"), shared.directory / "config")
    lost = Mesh(missing, Marks(shared.directory, "uid"), peers)
    who = dataclasses.replace(OWN, role="unknown")
    records, _took, problems = wait(SHORT, own=who, shared=shared, mesh=lost)
    assert records == [UNKNOWN]
    assert problems == ["other tasks not reached over ssh: No such file or directory"]


def test_without_a_file_descriptor_nobody_is_waited_for() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        records, _took, problems = wait(LONG)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (records, problems) == ([], ["other tasks not waited for: Too many open files"])


def test_without_attempts_a_record_of_this_run_counts(tmp_path: Path) -> None:
    place = SharedRecords(tmp_path, "train", "")
    record = dataclasses.replace(ROOT, attempt="")
    place.write(record, LONG)
    assert wait(LONG, shared=place, once=True)[0] == [record]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[SshdServers]:
    with SshdServers(tmp_path) as running:
        running.know("worker-0", "worker-1", "worker-2")
        yield running


def mesh(servers: SshdServers) -> Mesh:
    client = Client.find(servers.client_configuration, os.environ)
    own, *others = [Peer("own"), *(Peer(name, HOST, port) for name, port in servers.ports.items())]
    known = tuple(others)
    peers = Peers(own, others[0], known, (), (), near=known, ask=known)
    return Mesh(client, Marks(servers.work_dir("own"), "uid"), peers)


@needs_sshd
def test_what_was_pushed_here_needs_no_question(servers: SshdServers) -> None:
    Marks(servers.work_dir("own"), "uid").keep(ROOT)
    records, took, _problems = wait(LONG, mesh=mesh(servers))
    assert records == [ROOT]
    assert took < LONG / 2


@needs_sshd
def test_a_task_that_knows_of_it_is_asked(servers: SshdServers) -> None:
    servers.start("worker-0")  # the others are gone
    marks = Marks(servers.work_dir("worker-0"), "uid")
    marks.keep(UNKNOWN)
    later = threading.Timer(1.0, marks.keep, (ROOT,))
    later.start()
    records, took, _problems = wait(LONG, mesh=mesh(servers))
    later.join()
    assert ROOT in records
    assert took < LONG / 2


@needs_sshd
def test_who_is_stopped_asks_once(servers: SshdServers) -> None:
    servers.start("worker-0")
    Marks(servers.work_dir("worker-0"), "uid").keep(UNKNOWN)
    records, took, _problems = wait(LONG, mesh=mesh(servers), once=True)
    assert records == [UNKNOWN]
    assert took < LONG / 2


@needs_sshd
def test_records_of_another_attempt_are_not_taken(servers: SshdServers) -> None:
    servers.start("worker-0")
    old = dataclasses.replace(ROOT, attempt="earlier")
    Marks(servers.work_dir("worker-0"), "earlier").keep(old)
    assert wait(LONG, mesh=mesh(servers), once=True)[0] == []


@needs_sshd
@pytest.mark.parametrize("role", ["unknown", "root"])
def test_who_may_be_the_first_tells_the_others_meanwhile(servers: SshdServers, role: str) -> None:
    servers.start("worker-0")
    own = dataclasses.replace(OWN, role=role)
    at_peer = Marks(servers.work_dir("worker-0"), "uid")
    wait(5.0, mesh=mesh(servers), own=own)
    assert at_peer.received() == [own]


@needs_sshd
def test_nobody_who_answers_nothing_is_waited_for_longer(servers: SshdServers) -> None:
    _records, took, _problems = wait(SHORT, mesh=mesh(servers))
    assert SHORT <= took < LONG / 2


@needs_sshd
def test_a_cause_is_pushed_once(servers: SshdServers) -> None:
    servers.start("worker-0")
    ours = mesh(servers)
    root = dataclasses.replace(ROOT, alias="own")
    assert ours.push(root, LONG) == ["worker-0"]
    assert Marks(servers.work_dir("worker-0"), "uid").received() == [root]
    assert ours.push(root, LONG) == []


@needs_sshd
def test_a_cause_that_nobody_heard_is_not_told(servers: SshdServers) -> None:
    ours = mesh(servers)
    root = dataclasses.replace(ROOT, alias="own")
    assert ours.push(root, LONG) == []
    assert not ours.marks.told.exists()
    servers.start("worker-0")
    assert ours.push(root, LONG) == ["worker-0"]


def test_in_a_large_job_not_all_ask_at_once(tmp_path: Path) -> None:
    peer = Peer("own")
    others = (peer,) * 999
    large = Mesh(Client("ssh", tmp_path), Marks(tmp_path, ""), Peers(peer, peer, others, (), ()))
    assert large.interval > 15.0
