# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PAI cluster's two storage secrets, asked of its Kubernetes API from inside a pod."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .sources import SECRETS, Catalogue, NoCatalogueError, from_secrets

NAMESPACE = "pai-storage"
#: Where Kubernetes puts a pod's token and the certificate of the authority behind its API.
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LARGEST = 4 * 2**20  # bytes; etcd keeps no object of half this size
_REMEDIES = {
    401: "the token is not accepted; give the pod a service account of this cluster",
    403: "the pod's service account may not read it; allow 'get' by a Role in that namespace",
    404: "there is no such secret; make it, or name a file of storages in PAI_STORAGE_FILE",
}


@dataclasses.dataclass(frozen=True)
class Api:
    """Where the API is, and how the pod shows who it is.

    ``authority`` is the file of certificates that its certificate is checked against.
    """

    address: str
    token: str = dataclasses.field(repr=False)
    authority: Path | None

    @classmethod
    def of_pod(cls, environment: Mapping[str, str], account: Path) -> Api:
        """Return the API that the environment of a pod names.

        Raises:
            NoCatalogueError: it names none, or the token cannot be read.
        """
        host = environment.get("KUBERNETES_SERVICE_HOST", "")
        port = environment.get("KUBERNETES_SERVICE_PORT") or "443"
        token, authority = _token(account), account / "ca.crt"
        known = authority if authority.is_file() else None
        if host and token:
            return cls(
                f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
                token,
                known,
            )
        address = environment.get("KUBE_APISERVER_ADDRESS", "").rstrip("/")
        if not address.startswith(("http://", "https://")):
            raise NoCatalogueError(
                f"no Kubernetes API to ask for storages: there is no token in {account} with "
                "KUBERNETES_SERVICE_HOST, and no http address in KUBE_APISERVER_ADDRESS"
            )
        # a token on an open line would be everybody's
        return cls(address, token if address.startswith("https:") else "", known)

    def secret(self, name: str, deadline: float) -> dict[str, Any]:
        """Return the data of a secret: key → base64 text. ``deadline``: of ``time.monotonic``.

        Raises:
            NoCatalogueError: the API does not give it; with its status, and what to do.
        """
        url = f"{self.address}/api/v1/namespaces/{NAMESPACE}/secrets/{name}"
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            request = urllib.request.Request(url, headers=headers)
            content = self._ask(request, deadline)
            data = json.loads(content).get("data") or {}
        except urllib.error.HTTPError as error:
            problem = _REMEDIES.get(error.code, "ask the cluster's administrator")
            raise _failure(name, self.address, f"status {error.code}: {problem}") from None
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise _failure(name, self.address, _words(error)) from None
        if not isinstance(data, dict):
            raise _failure(name, self.address, "its data is no mapping; make the secret again")
        return data

    def _ask(self, request: urllib.request.Request, deadline: float) -> bytes:
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.ProxyHandler({}),  # the job's proxies lead out of the cluster
            _NoRedirects(),
        ]
        if self.address.startswith("https:"):
            context = ssl.create_default_context(cafile=self.authority)
            # Python 3.13 demands extensions that the authorities of many clusters do not have
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            handlers.append(urllib.request.HTTPSHandler(context=context))
        opener = urllib.request.build_opener(*handlers)
        content = b""
        with opener.open(request, timeout=_left(deadline)) as response:
            while chunk := response.read1(2**16):
                content += chunk
                _left(deadline)
                if len(content) > _LARGEST:
                    raise ValueError("more than a secret can hold")
        return content


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for this server only."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follow to no other address."""


def read(environment: Mapping[str, str], account: Path, seconds: float) -> Catalogue:
    """Return what the cluster's two secrets offer.

    Raises:
        NoCatalogueError: they cannot be had in this time.
    """
    api = Api.of_pod(environment, account)
    deadline = time.monotonic() + seconds
    configs, servers = (api.secret(name, deadline) for name in SECRETS)
    source = f"the secrets {' and '.join(SECRETS)} of namespace {NAMESPACE}"
    return from_secrets(configs, servers, source, granted_only=True)


def has_token(account: Path) -> bool:
    """Tell whether this is a pod with a service account."""
    return (account / "token").is_file()


def _token(account: Path) -> str:
    try:
        return (account / "token").read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not ASCII text"
        raise NoCatalogueError(f"token {account / 'token'}: {reason}; make it readable") from None


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _failure(name: str, address: str, problem: str) -> NoCatalogueError:
    return NoCatalogueError(
        f"secret {name} of namespace {NAMESPACE}, asked of {address}: {problem}"
    )


def _words(error: Exception) -> str:
    """Return what went wrong; never the error's own text where it could quote a header."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, (TimeoutError, socket.timeout)):  # one class from Python 3.10 on
        return "no answer in time; see whether the pod may reach the API, or raise the time limit"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message}); see ca.crt of the pod"
    if isinstance(reason, OSError):
        return f"{reason.strerror or 'no connection'}; see whether the pod may reach the API"
    return "no answer that is JSON; see whether the address is a Kubernetes API"
