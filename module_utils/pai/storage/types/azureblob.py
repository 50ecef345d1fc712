# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type azureblob: a container of Azure Blob Storage, through rclone."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .buckets import NETWORK, bucket_recipe, service_of
from .fields import Field, texts_of, url, word
from .storage_type import StorageType, Values

# The account that the emulator Azurite has; rclone then wants to be told that it is one.
_EMULATED = "devstoreaccount1"


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    account, endpoint = server["accountName"], server["endpoint"]
    settings = {
        "type": "azureblob",
        "account": account,
        "key": server["key"],
        "endpoint": endpoint,
        "use_emulator": account == _EMULATED,
    }
    service = service_of(endpoint, f"{account}.blob.core.windows.net")
    return bucket_recipe(request, service, server["containerName"], settings, server["httpProxy"])


TYPE = StorageType(
    name="azureblob",
    fields={
        "containerName": Field("the name of the container", required=True, read=word),
        "accountName": Field("the name of the storage account", required=True, read=word),
        "key": Field("the key of the storage account", required=True, secret=True),
        "endpoint": Field("the server, as https://HOST:PORT; none: Azure", read=url),
        **NETWORK,
    },
    build=_build,
    secrets=lambda server: texts_of(server, ["key"]),
)
