from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.job_view.exit_record import (
    ExitRecord,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier import Barrier
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_end import (
    push_end_mark,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_limits import (
    BarrierError,
    Limits,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import (
    PASSED,
    Marks,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_peers import (
    Peer,
    Peers,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.probe_login import Client
from tests.unit.sshd_servers import HOST, SSHD, SshdServers

pytestmark = pytest.mark.skipif(SSHD is None, reason="needs sshd (Debian: openssh-server)")

LONG = 120.0  # seconds, for what is expected to come
SHORT = 3.0  # for what never comes: the barrier gives up then


class Said(list):  # type: ignore[type-arg]
    """What a barrier says; a text in it may call a function, once."""

    def __init__(self) -> None:
        self.reactions: dict[str, Callable[[], None]] = {}

    def __call__(self, text: str) -> None:
        self.append(text)
        for part in [part for part in self.reactions if part in text]:
            self.reactions.pop(part)()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[SshdServers]:
    with SshdServers(tmp_path) as running:
        yield running


@pytest.fixture
def said() -> Said:
    return Said()


def barrier(
    servers: SshdServers, said: Said, total: float, attempt: str = "", **limit: float
) -> Barrier:
    client = Client.find(servers.client_configuration, os.environ)
    marks = Marks(servers.work_dir("own"), attempt)
    limits = Limits(total, connect=5, last_delay=0.5, **limit)  # type: ignore[arg-type]
    return Barrier("own", client, marks, limits, said)


def peers(servers: SshdServers, *aliases: str) -> list[Peer]:
    return [Peer(alias, HOST, servers.ports[alias]) for alias in aliases]


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(BarrierError) as caught:
        call()
    assert caught.value.exit_code == 249
    return str(caught.value)


def leave_mark(servers: SshdServers, at: str, mark: ExitRecord) -> None:
    folder = servers.work_dir(at) / "ssh" / "marks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / mark.alias).write_text(mark.encode() + "\n")


def test_it_returns_when_all_answer(servers: SshdServers, said: Said) -> None:
    names = [f"worker-{index}" for index in range(5)]
    servers.know(*names)
    servers.start(*names)
    barrier(servers, said, LONG).wait_for_all(peers(servers, *names))
    assert [text[:29] for text in said] == ["all 5 other tasks are ready a"]


def test_it_waits_for_a_peer_that_comes_late(servers: SshdServers, said: Said) -> None:
    servers.know("worker-0", "worker-1")
    servers.start("worker-0")
    said.reactions["1 of 2 ready; waiting for worker-1 (refused)"] = lambda: servers.start(
        "worker-1"
    )
    barrier(servers, said, LONG).wait_for_all(peers(servers, "worker-0", "worker-1"))
    assert said[-1].startswith("all 2 other tasks are ready after")


@pytest.mark.parametrize(
    ("host_key", "user", "cause"),
    [
        pytest.param("other_host", "user", "host key", id="another host key"),
        pytest.param("host", "stranger", "authentication", id="our key is not authorized"),
    ],
)
def test_a_login_that_fails_is_not_ready(
    servers: SshdServers, said: Said, host_key: str, user: str, cause: str
) -> None:
    servers.know("worker-0", "worker-1")
    servers.start("worker-0")
    servers.start("worker-1", host_key=host_key, user=user)
    waiting = barrier(servers, said, SHORT)
    message = failure(lambda: waiting.wait_for_all(peers(servers, "worker-0", "worker-1")))
    assert f"waited in vain for worker-1 ({cause}); look into" in message


def test_the_deadline_names_the_cause_of_each(servers: SshdServers, said: Said) -> None:
    servers.know("silent-0", "worker-1", "worker-2")
    servers.know("lost-0", host="no-such-name.invalid")
    with socket.socket() as silent:
        silent.bind((HOST, servers.ports["silent-0"]))
        silent.listen()
        limits = Limits(SHORT, connect=0.5)
        client = Client.find(servers.client_configuration, os.environ)
        marks = Marks(servers.work_dir("own"), "")
        waiting = Barrier("own", client, marks, limits, said)
        known = peers(servers, "silent-0", "worker-1", "worker-2")
        lost = Peer("lost-0", "no-such-name.invalid", 1)
        message = failure(lambda: waiting.wait_for_all([*known, lost]))
    assert message.startswith(
        "ssh barrier: not all tasks are ready after 0.05 minutes; waited in vain for "
    )
    for part in ("silent-0 (timeout)", "worker-1, worker-2 (refused)", "lost-0 (dns)"):
        assert part in message
    assert message.endswith("or give them more time with sshbarrierTimeout")


def test_a_peer_that_failed_before_ends_it_at_once(servers: SshdServers, said: Said) -> None:
    servers.know("worker-3")
    leave_mark(servers, "own", ExitRecord("worker-3", 1, ready=False))
    waiting = barrier(servers, said, LONG)
    message = failure(lambda: waiting.wait_for_all(peers(servers, "worker-3")))
    assert message.startswith(
        "ssh barrier: worker-3 has ended (exit code 1) before it was ready, so not all tasks can be"
    )


@pytest.mark.parametrize("code", [0, 1])
def test_a_peer_that_had_been_ready_counts(servers: SshdServers, said: Said, code: int) -> None:
    servers.know("worker-3")
    leave_mark(servers, "own", ExitRecord("worker-3", code, ready=True))
    barrier(servers, said, LONG).wait_for_all(peers(servers, "worker-3"))
    assert said[0] == f"worker-3 has ended (exit code {code}); it counts as ready"


def test_peers_pass_on_what_they_know(servers: SshdServers, said: Said) -> None:
    servers.know("worker-0", "worker-3")
    servers.start("worker-0")
    leave_mark(servers, "worker-0", ExitRecord("worker-3", 7, ready=False, attempt="uid"))
    waiting = barrier(servers, said, LONG, attempt="uid")
    message = failure(lambda: waiting.wait_for_all(peers(servers, "worker-0", "worker-3")))
    assert "worker-3 has ended (exit code 7)" in message


def test_the_mark_of_an_earlier_container_of_ours_is_nothing(
    servers: SshdServers, said: Said
) -> None:
    servers.know("worker-0")
    servers.start("worker-0")
    leave_mark(servers, "worker-0", ExitRecord("own", 7, ready=False, attempt="uid"))
    barrier(servers, said, LONG, attempt="uid").wait_for_all(peers(servers, "worker-0"))
    assert len(said) == 1


def test_the_mark_of_a_stranger_is_nothing(servers: SshdServers, said: Said) -> None:
    servers.know("worker-0", "worker-1")
    servers.start("worker-0", "worker-1")
    leave_mark(servers, "own", ExitRecord("stranger-0", 7, ready=False))
    barrier(servers, said, LONG).wait_for_all(peers(servers, "worker-0"))
    assert len(said) == 1


def test_a_task_that_cannot_be_reached_counts_where_it_says_that_it_failed(
    servers: SshdServers, said: Said
) -> None:
    servers.know("worker-0")
    leave_mark(servers, "own", ExitRecord("worker-9", 7, ready=False))
    own, first = Peer("own"), *peers(servers, "worker-0")
    known = Peers(own, first, (first,), (Peer("worker-9", missing="its host is not known"),), ())
    message = failure(lambda: barrier(servers, said, LONG).wait(known))
    assert "worker-9 has ended (exit code 7)" in message


def test_the_others_wait_for_the_first_tasks_release(servers: SshdServers, said: Said) -> None:
    servers.know("master-0")
    servers.start("master-0")
    marks = Marks(servers.work_dir("master-0"), "")
    said.reactions["waiting for master-0 (waits itself)"] = lambda: marks.write(
        marks.passed, PASSED
    )
    [first] = peers(servers, "master-0")
    assert barrier(servers, said, LONG).wait_for_release(first, 1) is True
    assert said[-1] == "master-0 says that all tasks are ready"


def test_a_first_task_that_does_not_answer_any_more_is_gone(
    servers: SshdServers, said: Said
) -> None:
    servers.know("master-0")
    servers.start("master-0")
    said.reactions["waits itself"] = lambda: servers.stop("master-0")
    [first] = peers(servers, "master-0")
    assert barrier(servers, said, LONG).wait_for_release(first, 1) is False
    assert said[-1] == "master-0 does not answer any more; asking every task here"


def test_without_a_first_task_the_others_ask_each_other(servers: SshdServers, said: Said) -> None:
    servers.know("master-0", "worker-1", "worker-2")
    servers.start("worker-1", "worker-2")
    own, first, *others = [Peer("own"), *peers(servers, "master-0", "worker-1", "worker-2")]
    # with the first task gone for good the barrier would not be passed: it starts late
    said.reactions["asking every task here"] = lambda: servers.start("master-0")
    known = Peers(own, first, (first, *others), (), ())
    barrier(servers, said, LONG, never_seen=1.0).wait(known)
    assert [text.partition(" after")[0] for text in said[-2:]] == [
        "master-0 does not answer any more; asking every task here",
        "all 3 other tasks are ready",
    ]


def test_a_first_task_that_never_comes_is_named_at_the_deadline(
    servers: SshdServers, said: Said
) -> None:
    servers.know("master-0", "worker-1")
    servers.start("worker-1")
    own, first, other = [Peer("own"), *peers(servers, "master-0", "worker-1")]
    waiting = barrier(servers, said, SHORT, never_seen=0.5)
    message = failure(lambda: waiting.wait(Peers(own, first, (first, other), (), ())))
    assert "waited in vain for master-0 (refused); look into" in message


def test_a_first_task_that_comes_late_is_waited_for(servers: SshdServers, said: Said) -> None:
    servers.know("master-0")
    [first] = peers(servers, "master-0")
    marks = Marks(servers.work_dir("master-0"), "")
    marks.write(marks.passed, PASSED)
    said.reactions["waiting for master-0 (refused)"] = lambda: servers.start("master-0")
    assert barrier(servers, said, LONG, never_seen=LONG).wait_for_release(first, 1) is True


def test_a_first_task_that_has_ended_is_gone(servers: SshdServers, said: Said) -> None:
    servers.know("master-0")
    leave_mark(servers, "own", ExitRecord("master-0", 0, ready=True))
    waiting = barrier(servers, said, LONG)
    [first] = peers(servers, "master-0")
    assert waiting.wait_for_release(first, 1) is False
    waiting.wait_for_all([first])  # as one that had been ready


def test_an_end_is_told_to_those_that_can_hear_it(servers: SshdServers) -> None:
    servers.know("worker-0", "worker-2")
    servers.start("worker-0")
    client = Client.find(servers.client_configuration, os.environ)
    mark = ExitRecord("worker-1", 1, ready=False, attempt="uid")
    marks = Marks(servers.work_dir("own"), "uid")
    told = peers(servers, "worker-0", "worker-2")
    assert push_end_mark(client, marks, mark, told) == ["worker-0"]
    assert Marks(servers.work_dir("worker-0"), "uid").received() == [mark]
    assert Marks(servers.work_dir("worker-0"), "other").received() == []
