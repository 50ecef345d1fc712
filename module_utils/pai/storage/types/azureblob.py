# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type azureblob: a container of Azure Blob Storage, through rclone."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .buckets import NETWORK, bucket_recipe, service_of
from .fields import Field, refuse, texts_of, url, word
from .storage_type import StorageType, Values

# The account that the emulator Azurite has; rclone then wants to be told that it is one.
_EMULATED = "devstoreaccount1"
# rclone puts both before and between account and service by itself.
_SCHEME = "https://"


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    account, endpoint = server["accountName"], server["endpoint"]
    emulated = account == _EMULATED
    if endpoint and not emulated and not endpoint.startswith(_SCHEME):
        problem = f"field 'endpoint': rclone speaks only HTTPS to {endpoint}"
        raise refuse(request, problem, f"begin it with {_SCHEME}")
    settings = {
        "type": "azureblob",
        "account": account,
        "key": server["key"],
        "endpoint": endpoint if emulated else _service(endpoint, account),
        "use_emulator": emulated,
    }
    service = service_of(endpoint, f"{account}.blob.core.windows.net")
    return bucket_recipe(request, service, server["containerName"], settings, server["httpProxy"])


def _service(endpoint: str, account: str) -> str:
    """Return what rclone makes https://ACCOUNT.SERVICE of: "blob.core.windows.net" for Azure."""
    name = endpoint[len(_SCHEME) :]
    return name[len(account) + 1 :] if name.startswith(f"{account}.") else name


TYPE = StorageType(
    name="azureblob",
    fields={
        "containerName": Field("the name of the container", required=True, read=word),
        "accountName": Field("the name of the storage account", required=True, read=word),
        "key": Field("the key of the storage account", required=True, secret=True),
        "endpoint": Field("the server, as https://ACCOUNT.SERVICE; none: Azure", read=url),
        **NETWORK,
    },
    build=_build,
    secrets=lambda server: texts_of(server, ["key"]),
)
