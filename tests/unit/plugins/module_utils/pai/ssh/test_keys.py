"""Keys that are derived, loaded and signed."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as some

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import keys
from tests.unit.jobs import refusal

SECRET = bytes(range(32))


def rsa_pem(passphrase: bytes | None = None) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sealed = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    kind = form.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(form.Encoding.PEM, kind, sealed).decode()


def test_an_rsa_key_in_pem_form_stays_as_it_is() -> None:
    pem = rsa_pem()
    key = keys.load_private(f"\n{pem}\n\n".replace("\n", "\r\n"), "here")
    assert key.public_line.startswith("ssh-rsa AAAA")
    assert key.file_content(None).decode() == pem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rubbish-rubbish", "here: no private key that ssh can use; give an RSA"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish-rubbish\n", "no private key that ssh"),
        ("-----BEGIN RSA PRIVATE KEY-----\nrubbish-rubbish\n", "no private key that ssh"),
        (rsa_pem(b"word"), "here: the key has a passphrase; give one without"),
    ],
    ids=["no key", "a damaged OpenSSH key", "a damaged PEM key", "a passphrase"],
)
def test_a_key_that_cannot_be_used_is_named_and_not_shown(text: str, message: str) -> None:
    said = refusal(lambda: keys.load_private(text, "here"))
    assert message in said
    assert "rubbish" not in said


@given(some.lists(some.text(max_size=4), min_size=1, max_size=3))
def test_every_scope_has_a_key_of_its_own(scope: list[str]) -> None:
    usable = [part.replace("\0", "") for part in scope]
    one = keys.derive(SECRET, *usable)
    assert one.public_line == keys.derive(SECRET, *usable).public_line
    assert one.public_line != keys.derive(SECRET, *usable, "").public_line
    assert one.public_line != keys.derive(SECRET[::-1], *usable).public_line


def test_a_file_of_the_same_key_stays_as_it_is() -> None:
    key = keys.derive(SECRET, "a")
    content = key.file_content(None)
    assert key.file_content(content) == content
    assert keys.derive(SECRET, "b").file_content(content) != content
    fresh = keys.load_private(key.file_content(b"damaged").decode(), "")
    assert fresh.public_line == key.public_line


HOST, AUTHORITY = keys.derive(SECRET, "host"), keys.derive(SECRET, "authority")
WANTED = keys.HostCertificate("user~job/worker-0", ("worker-0", "w-0"), 30)
DAY = 86400


@pytest.mark.parametrize(
    ("wanted", "host", "authority", "now", "holds"),
    [
        (WANTED, HOST, AUTHORITY, 0, True),
        (WANTED, HOST, AUTHORITY, 14 * DAY, True),
        (WANTED, HOST, AUTHORITY, 16 * DAY, False),
        (WANTED, HOST, AUTHORITY, -DAY, False),
        (WANTED, AUTHORITY, AUTHORITY, 0, False),
        (WANTED, HOST, HOST, 0, False),
        (dataclasses.replace(WANTED, days=7), HOST, AUTHORITY, 0, False),
        (dataclasses.replace(WANTED, key_id="x"), HOST, AUTHORITY, 0, False),
        (dataclasses.replace(WANTED, principals=("w-1",)), HOST, AUTHORITY, 0, False),
    ],
    ids=[
        *("at once", "in its first half", "in its second half", "before its time"),
        *("another host key", "another authority", "shorter", "another id", "another name"),
    ],
)
def test_when_a_certificate_still_holds(
    wanted: keys.HostCertificate,
    host: keys.PrivateKey,
    authority: keys.PrivateKey,
    now: int,
    holds: bool,
) -> None:
    start = 1_800_000_000
    content = WANTED.sign(HOST, AUTHORITY, start)
    assert wanted.is_in(content, host, authority, start + now) is holds


@pytest.mark.parametrize("content", [b"", b"rubbish", HOST.public_line.encode()])
def test_what_is_no_certificate_does_not_hold(content: bytes) -> None:
    assert not WANTED.is_in(content, HOST, AUTHORITY, 0)


@pytest.mark.skipif(
    shutil.which("ssh-keygen") is None,
    reason="no ssh-keygen here; Debian's package openssh-client has it",
)
def test_what_openssh_reads_in_a_certificate(tmp_path: Path) -> None:
    path = tmp_path / "cert.pub"
    path.write_bytes(WANTED.sign(HOST, AUTHORITY, 1_800_000_000))
    done = subprocess.run(
        ["ssh-keygen", "-L", "-f", path],
        capture_output=True,
        text=True,
        check=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )
    text = " ".join(done.stdout.split())
    assert "ssh-ed25519-cert-v01@openssh.com host certificate" in text
    assert 'Key ID: "user~job/worker-0"' in text
    assert "Valid: from 2027-01-15T07:55:00 to 2027-02-14T08:00:00" in text
    assert "Principals: worker-0 w-0 Critical" in text
