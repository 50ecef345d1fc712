# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys, their public lines and host certificates, through the package cryptography.

It takes 50 ms to import, so every function imports what it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..errors import RuntimeConfigError

#: Seconds that clocks of two containers may differ by.
_CLOCK_SKEW = 300
_DAY = 86400


@dataclasses.dataclass(frozen=True)
class PrivateKey:
    """A private key and, where it was given as text, that text."""

    key: Any = dataclasses.field(repr=False)
    text: str | None = dataclasses.field(repr=False, default=None)

    @property
    def public_line(self) -> str:
        """Return ``type base64``, as known_hosts and authorized_keys have it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        line: bytes = self.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return line.decode("ascii")

    def file_content(self, existing: bytes | None) -> bytes:
        """Return the key as a file; ``existing`` where that is the same key in other bytes.

        OpenSSH's format holds a random number, so one key has many files.
        """
        from cryptography.hazmat.primitives import serialization as form

        if self.text is not None:
            return self.text.encode("utf-8")
        if existing is not None and _same(existing, self.public_line):
            return existing
        content: bytes = self.key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()
        )
        return content


def _same(content: bytes, public_line: str) -> bool:
    try:
        return load_private(content.decode("ascii"), "").public_line == public_line
    except (UnicodeError, RuntimeConfigError):
        return False


def require() -> None:
    """See that the package is there.

    Raises:
        RuntimeConfigError: it is not, or it is too old to make certificates.
    """
    try:
        from cryptography.hazmat.primitives.serialization import (  # noqa: F401 - only whether it is there
            SSHCertificateBuilder,
        )
    except ImportError as error:
        raise RuntimeConfigError(
            "the Python package cryptography (40 or newer) is missing beside ansible-core, which"
            " needs it, too; install it there"
        ) from error


def derive(secret: bytes, *scope: str) -> PrivateKey:
    """Return the ED25519 key that belongs to a secret and a scope.

    The scope's parts are kept apart by a byte that none of them holds, so no two scopes are one.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"\0".join(part.encode("utf-8", "surrogatepass") for part in scope)
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(seed))


def generate() -> PrivateKey:
    """Return a new ED25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return PrivateKey(Ed25519PrivateKey.generate())


def load_private(text: str, place: str) -> PrivateKey:
    """Return the private key in ``text`` (PEM or OpenSSH's form); ``place`` names it.

    Raises:
        RuntimeConfigError: it is none, or has a passphrase; the message shows nothing of it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form

    whole = "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"
    openssh = whole.startswith("-----BEGIN OPENSSH")
    load = form.load_ssh_private_key if openssh else form.load_pem_private_key
    try:
        key = PrivateKey(load(whole.encode("utf-8", "replace"), None), whole)
        key.public_line  # noqa: B018 - some PEM keys (DH, X25519) are none of ssh's
    except TypeError:
        raise RuntimeConfigError(
            f"{place}: the key has a passphrase; give one without, as nobody is there to type it"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise RuntimeConfigError(
            f"{place}: no private key that ssh can use; give an RSA, ECDSA or ED25519 key in PEM"
            " or OpenSSH form"
        ) from None
    return key


@dataclasses.dataclass(frozen=True)
class HostCertificate:
    """What a host certificate says: whose key, under which names, for how long."""

    key_id: str
    principals: tuple[str, ...]
    days: int

    def sign(self, host: PrivateKey, authority: PrivateKey, now: float) -> bytes:
        """Return the certificate of ``host``, valid from ``now`` (seconds since 1970) on."""
        from cryptography.hazmat.primitives.serialization import (
            SSHCertificateBuilder,
            SSHCertificateType,
        )

        builder = (
            SSHCertificateBuilder()
            .public_key(host.key.public_key())
            .type(SSHCertificateType.HOST)
            .key_id(self.key_id.encode("utf-8", "surrogatepass"))
            .valid_principals([principal.encode("ascii") for principal in self.principals])
            .valid_after(int(now) - _CLOCK_SKEW)
            .valid_before(int(now) + self.days * _DAY)
        )
        return bytes(builder.sign(authority.key).public_bytes()) + b"\n"

    def is_in(self, content: bytes, host: PrivateKey, authority: PrivateKey, now: float) -> bool:
        """Tell whether ``content`` says the same, and will for half of its time at least."""
        from cryptography.hazmat.primitives import serialization as form

        try:
            found = form.load_ssh_public_identity(content.strip())
        except ValueError:
            return False
        if not isinstance(found, form.SSHCertificate):
            return False
        lines: Sequence[str] = [
            PrivateKey(_Public(key)).public_line
            for key in (found.public_key(), found.signature_key())
        ]
        half = int(now) + self.days * _DAY // 2
        return (
            list(lines) == [host.public_line, authority.public_line]
            and tuple(name.decode() for name in found.valid_principals) == self.principals
            and found.key_id == self.key_id.encode("utf-8", "surrogatepass")
            and found.valid_after <= now
            and half <= found.valid_before <= int(now) + self.days * _DAY
        )


@dataclasses.dataclass(frozen=True)
class _Public:
    """A public key where a private one is expected that is only asked for its public half."""

    key: Any

    def public_key(self) -> Any:
        return self.key
