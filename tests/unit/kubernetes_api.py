"""A Kubernetes API that serves two secrets over HTTPS, and the service account of a pod."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "eyJ-token-of-the-pod-0123456789"
CONFIG = {"name": "home", "default": True, "mountInfos": [{"server": "nfs", "path": ""}]}
SERVER = {"spn": "nfs", "type": "nfs", "address": "10.0.0.1", "rootPath": "/x"}
PATH = "/api/v1/namespaces/pai-storage/secrets"


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


SECRETS = {
    "storage-config": {"home": encoded(CONFIG)},
    "storage-server": {"nfs": encoded(SERVER)},
}


def certificates(directory: Path, address: str) -> tuple[Path, Path]:
    """Write an authority's certificate, and a server's with its key; return both files."""
    now = datetime.datetime.now(datetime.UTC)
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def certificate(name: x509.Name, key: Any, is_authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        return builder.add_extension(names, False).sign(authority_key, hashes.SHA256())

    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server of a test")])
    pem = serialization.Encoding.PEM
    authority = certificate(authority_name, authority_key, True).public_bytes(pem)
    server = certificate(server_name, server_key, False).public_bytes(pem)
    form = serialization.PrivateFormat.PKCS8
    key = server_key.private_bytes(pem, form, serialization.NoEncryption())
    (directory / "ca.crt").write_bytes(authority)
    (directory / "server.pem").write_bytes(key + server)
    return directory / "ca.crt", directory / "server.pem"


class Cluster:
    """An API server, and the service account of a pod that may ask it."""

    def __init__(self, directory: Path, server: ThreadingHTTPServer) -> None:
        self.account = directory
        self.server = server
        self.secrets: dict[str, Any] = dict(SECRETS)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.wait = 0.0
        self.asked: list[tuple[str, str | None]] = []
        self.environment = {
            "KUBERNETES_SERVICE_HOST": str(server.server_address[0]),
            "KUBERNETES_SERVICE_PORT": str(server.server_address[1]),
        }

    @property
    def address(self) -> str:
        host, port = self.server.server_address[:2]
        return f"https://[{host}]:{port}" if ":" in str(host) else f"https://{host}:{port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, handler.headers.get("Authorization")))
        time.sleep(self.wait)
        name = handler.path.rpartition("/")[2]
        body = self.body
        if body is None:
            body = json.dumps({"kind": "Secret", "data": self.secrets.get(name)}).encode()
        handler.send_response(self.status)
        for key, value in {"Content-Length": str(len(body)), **self.headers}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing of clients that break off."""


class Server6(Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def serve(account: Path, address: str = "127.0.0.1", encrypted: bool = True) -> Iterator[Cluster]:
    """Serve on a port of that address; ``account`` becomes the pod's service account."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                cluster.answer(self)
            except OSError:  # the client has left
                return

        def log_message(self, *_arguments: Any) -> None:
            return

    try:
        server = (Server6 if ":" in address else Server)((address, 0), Handler)
    except OSError as error:
        pytest.skip(f"no server on {address} here: {error.strerror}")
    account.mkdir()
    cluster = Cluster(account, server)
    _authority, chain = certificates(account, address)
    (account / "token").write_text(TOKEN + "\n")
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        # the handshake in the thread of the connection, not in the one that accepts
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
