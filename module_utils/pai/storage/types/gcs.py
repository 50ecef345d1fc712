# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type gcs: a bucket of Google Cloud Storage, through rclone."""

from __future__ import annotations

import json
from pathlib import Path

from ..model import Recipe, Request
from .buckets import NETWORK, bucket_recipe, service_of
from .fields import Field, flag, json_object, refuse, url, word
from .storage_type import StorageType, Values


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    key = server["serviceAccountKey"]
    if sum([bool(key), server["envAuth"], server["anonymous"]]) != 1:
        remedy = "give serviceAccountKey, or envAuth: true, or anonymous: true"
        raise refuse(request, "it is not clear how to log in", remedy)
    settings = {
        "type": "google cloud storage",
        "service_account_credentials": key,
        "anonymous": server["anonymous"],
        "env_auth": server["envAuth"],
        "endpoint": server["endpoint"],
        # Today's buckets have no access lists of single objects, and refuse requests that set one.
        "bucket_policy_only": True,
    }
    service = service_of(server["endpoint"], "storage.googleapis.com")
    return bucket_recipe(request, service, server["bucket"], settings, server["httpProxy"])


def _secrets(server: Values) -> tuple[str, ...]:
    key = server["serviceAccountKey"]
    if not key:
        return ()
    parts = json.loads(key)
    # An error of a library may show a part alone.
    return (key, *(str(parts[name]) for name in ("private_key", "private_key_id") if name in parts))


TYPE = StorageType(
    name="gcs",
    fields={
        "bucket": Field("the name of the bucket", required=True, read=word),
        "serviceAccountKey": Field(
            "the key of a service account, as JSON", secret=True, read=json_object
        ),
        "envAuth": Field("true: log in as the machine's role says", default=False, read=flag),
        "anonymous": Field("true: no login", default=False, read=flag),
        "endpoint": Field("the server, as https://HOST:PORT; none: Google", read=url),
        **NETWORK,
    },
    build=_build,
    secrets=_secrets,
)
