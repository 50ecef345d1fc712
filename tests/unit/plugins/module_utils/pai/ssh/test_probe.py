from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.probe import (
    BannerAttempt,
    Outcome,
    classify,
    is_address,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.probe_login import (
    LoginAttempt,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.probe_pool import Pool

SECONDS = 60.0


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param(
            "ssh: Could not resolve hostname a: Name or service not known", "dns", id="no such name"
        ),
        pytest.param("ssh: connect to host a port 1: Connection refused", "refused", id="no sshd"),
        pytest.param(
            "ssh: connect to host a port 1: Connection timed out", "timeout", id="no answer"
        ),
        pytest.param(
            "Connection timed out during banner exchange",
            "timeout",
            id="a server that says nothing",
        ),
        pytest.param(
            "ssh: connect to host a port 1: No route to host", "unreachable", id="no route"
        ),
        pytest.param(
            "Load key: bad permissions\nroot@a: Permission denied (publickey).",
            "authentication",
            id="a key that is not authorized",
        ),
        pytest.param(
            "No ED25519 host key is known for a\nHost key verification failed.",
            "host key",
            id="an unknown host key",
        ),
        pytest.param(
            "Certificate invalid: name is not a listed principal\nHost key verification failed.",
            "host key",
            id="a certificate of another task",
        ),
        pytest.param(
            "first\nConnection closed by 10.0.0.1 port 1\n\n",
            "unknown: Connection closed by 10.0.0.1 port 1",
            id="anything else is shown",
        ),
        pytest.param("", "unknown: ssh said nothing", id="no words at all"),
    ],
)
def test_the_words_of_ssh_tell_the_cause(text: str, cause: str) -> None:
    assert str(classify(text)) == cause


@pytest.mark.parametrize(
    ("host", "expected"),
    [("10.0.0.1", True), ("fd00::1", True), ("node-1", False), ("localhost", False), ("", False)],
)
def test_a_name_is_no_address(host: str, expected: bool) -> None:
    assert is_address(host) is expected


class Listener:
    """Answers the one connection that it gets with given bytes, then closes it if it shall."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.bind((host, 0))
        self.port: int = self.socket.getsockname()[1]
        self.connections: list[socket.socket] = []

    def answer(self, content: bytes, close: bool = False) -> None:
        connection, _address = self.socket.accept()
        connection.sendall(content)
        if close:
            connection.close()
        else:
            self.connections.append(connection)

    def close(self) -> None:
        for one in (*self.connections, self.socket):
            one.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


def outcome_of(pool: Pool) -> Outcome:
    while len(pool):
        for _name, outcome in pool.wait(SECONDS):
            return outcome
    raise AssertionError("nothing is under way")


@pytest.mark.parametrize(
    ("content", "close", "expected"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", False, "ready", id="a banner"),
        pytest.param(b"Hello\r\nSSH-2.0-x\r\n", False, "ready", id="other lines before the banner"),
        pytest.param(
            b"",
            True,
            "unknown: closed the connection before it said its version",
            id="a closed connection",
        ),
        pytest.param(
            b"x" * 10_000, False, "unknown: what answers is no ssh server", id="another server"
        ),
    ],
)
def test_a_banner_is_recognized(
    listener: Listener, content: bytes, close: bool, expected: str
) -> None:
    listener.socket.listen()
    with Pool() as pool:
        pool.add("a", BannerAttempt("127.0.0.1", listener.port, SECONDS))
        listener.answer(content, close)
        assert str(outcome_of(pool)) == expected


def test_a_port_without_a_listener_refuses(listener: Listener) -> None:
    with Pool() as pool:
        pool.add("a", BannerAttempt("127.0.0.1", listener.port, SECONDS))
        assert outcome_of(pool) == Outcome("refused")


def test_a_server_that_says_nothing_times_out(listener: Listener) -> None:
    listener.socket.listen()
    with Pool() as pool:
        pool.add("a", BannerAttempt("127.0.0.1", listener.port, 0.1))
        assert outcome_of(pool) == Outcome("timeout")


def python(code: str, seconds: float = SECONDS) -> LoginAttempt:
    return LoginAttempt([sys.executable, "-c", code], seconds)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("print('hello')", Outcome("ready", output="hello\n"), id="success"),
        pytest.param(
            "exit(3)",
            Outcome("unknown", "the login's command ended with exit code 3"),
            id="a failure of the command",
        ),
        pytest.param(
            "import sys; sys.exit(print('x: Permission denied (publickey).') or 255)",
            Outcome("authentication"),
            id="a failure of the client",
        ),
    ],
)
def test_a_login_ends_as_its_client_does(code: str, expected: Outcome) -> None:
    with Pool() as pool:
        pool.add("a", python(code))
        assert outcome_of(pool) == expected


def test_a_login_that_hangs_is_ended() -> None:
    attempt = python("import time; time.sleep(600)", seconds=0.1)
    with Pool() as pool:
        pool.add("a", attempt)
        assert outcome_of(pool) == Outcome("timeout")
    assert attempt._process.returncode == -9


def test_what_still_runs_ends_with_the_pool() -> None:
    attempt = python("import time; time.sleep(600)")
    with Pool() as pool:
        pool.add("a", attempt)
    assert attempt._process.returncode == -9
