"""The cluster's API is a real HTTPS server here, with a certificate of an authority of the test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.kubernetes_secrets import (  # noqa: E501
    Api,
    has_token,
    read,
)
from tests.unit.jobs import refusal
from tests.unit.kubernetes_api import PATH, TOKEN, Cluster, certificates, serve


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    with contextlib.ExitStack() as stack:
        started: list[Cluster] = []

        def begin(*address: str, encrypted: bool = True) -> Cluster:
            account = tmp_path / f"account-{len(started)}"
            started.append(stack.enter_context(serve(account, *address, encrypted=encrypted)))
            return started[-1]

        yield begin


def told(cluster: Cluster, seconds: float = 20) -> str:
    """Return the refusal, which never holds the token."""
    message = refusal(lambda: read(cluster.environment, cluster.account, seconds))
    assert TOKEN not in message
    assert "\n" not in message
    return message


def begins(cluster: Cluster) -> str:
    return f"secret storage-config of namespace pai-storage, asked of {cluster.address}: "


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_two_secrets_are_asked_for_with_the_token(
    start: Callable[..., Cluster], address: str
) -> None:
    cluster = start(address)
    catalogue = read(cluster.environment, cluster.account, 20)
    config = catalogue.config("home")
    assert config is not None
    assert config.mount_infos[0].mount_point == "/mnt/home"
    assert catalogue.server("nfs", "here").data["address"] == "10.0.0.1"
    assert catalogue.granted_only
    bearer = f"Bearer {TOKEN}"
    assert cluster.asked == [
        (f"{PATH}/storage-config", bearer),
        (f"{PATH}/storage-server", bearer),
    ]
    assert TOKEN not in repr(Api.of_pod(cluster.environment, cluster.account))


def test_the_jobs_proxies_are_not_used(
    start: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    cluster = start()
    assert read(cluster.environment, cluster.account, 20).config("home") is not None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the token is not accepted; give the pod a service account of this cluster"),
        (403, "the pod's service account may not read it; allow 'get' by a Role in that namespace"),
        (404, "there is no such secret; make it, or name a file of storages in PAI_STORAGE_FILE"),
        (500, "ask the cluster's administrator"),
    ],
)
def test_a_refusal_says_what_to_do(
    start: Callable[..., Cluster], status: int, message: str
) -> None:
    cluster = start()
    cluster.status = status
    assert told(cluster) == f"{begins(cluster)}status {status}: {message}"


def test_the_token_follows_no_redirection(start: Callable[..., Cluster]) -> None:
    cluster, other = start(), start(encrypted=False)
    cluster.status, cluster.headers = (
        302,
        {"Location": f"http://127.0.0.1:{other.server.server_port}/"},
    )
    assert "status 302: " in told(cluster)
    assert other.asked == []


def test_an_unknown_authority_is_refused_before_the_token_is_sent(
    start: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start()
    (tmp_path / "other").mkdir()
    authority, _chain = certificates(tmp_path / "other", "127.0.0.1")
    (cluster.account / "ca.crt").write_bytes(authority.read_bytes())
    assert told(cluster).startswith(f"{begins(cluster)}its certificate is not trusted (")
    assert cluster.asked == []


def test_a_server_that_does_not_answer_is_left(start: Callable[..., Cluster]) -> None:
    cluster = start()
    cluster.wait = 5
    assert told(cluster, seconds=0.5) == (
        f"{begins(cluster)}no answer in time; see whether the pod may reach the API, or raise the "
        "time limit"
    )


def test_a_server_that_is_not_there(start: Callable[..., Cluster]) -> None:
    cluster = start()
    cluster.environment["KUBERNETES_SERVICE_PORT"] = "1"
    assert "Connection refused; see whether the pod may reach the API" in told(cluster)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no answer that is JSON; see whether the address is a Kubernetes API"),
        (b"[]", "no answer that is JSON; see whether the address is a Kubernetes API"),
        (b'{"data": 1}', "its data is no mapping; make the secret again"),
        (b" " * (5 * 2**20), "no answer that is JSON; see whether the address is a Kubernetes"),
    ],
)
def test_an_answer_that_is_no_secret(
    start: Callable[..., Cluster], body: bytes, message: str
) -> None:
    cluster = start()
    cluster.body = body
    assert message in told(cluster)


def test_a_secret_without_data_is_empty(start: Callable[..., Cluster]) -> None:
    cluster = start()
    cluster.secrets = {}
    assert read(cluster.environment, cluster.account, 20).config("home") is None


def test_an_api_without_tokens_is_asked_at_its_plain_address(
    start: Callable[..., Cluster],
) -> None:
    cluster = start(encrypted=False)
    host, port = cluster.server.server_address[:2]
    cluster.environment = {"KUBE_APISERVER_ADDRESS": f"http://{host}:{port}/"}
    assert read(cluster.environment, cluster.account, 20).config("home") is not None
    assert {token for _path, token in cluster.asked} == {None}  # though there is one


def test_without_an_address_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert not has_token(tmp_path)
    expected = (
        f"no Kubernetes API to ask for storages: there is no token in {tmp_path} with "
        "KUBERNETES_SERVICE_HOST, and no http address in KUBE_APISERVER_ADDRESS"
    )
    assert refusal(lambda: read({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path, 1)) == expected
    (tmp_path / "token").write_text(TOKEN)
    assert has_token(tmp_path)
    assert refusal(lambda: read({"KUBE_APISERVER_ADDRESS": "api:6443"}, tmp_path, 1)) == expected


def test_a_token_that_no_header_can_hold_is_not_shown(start: Callable[..., Cluster]) -> None:
    cluster = start()
    (cluster.account / "token").write_text("first-line-of-a-token\nsecond-line")
    message = told(cluster)
    assert "line-of-a-token" not in message
    assert message.startswith(begins(cluster))
