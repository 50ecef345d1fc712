# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type s3: a bucket of Amazon S3 or of any server that speaks its protocol, through rclone."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .buckets import NETWORK, bucket_recipe, service_of
from .fields import Field, flag, refuse, texts_of, url, word
from .storage_type import StorageType, Values


def _build(request: Request, server: Values, _private: Path) -> Recipe:
    key, secret = server["accessKey"], server["secretKey"]
    ways = [bool(key or secret), server["envAuth"], server["anonymous"]]
    if bool(key) != bool(secret) or sum(ways) != 1:
        remedy = "give accessKey and secretKey, or envAuth: true, or anonymous: true"
        raise refuse(request, "it is not clear how to log in", remedy)
    endpoint = server["endpoint"]
    settings = {
        "type": "s3",
        "provider": server["provider"] or ("Other" if endpoint else "AWS"),
        "endpoint": endpoint,
        "region": server["region"],
        "access_key_id": key,
        "secret_access_key": secret,
        "session_token": server["sessionToken"],
        "env_auth": server["envAuth"],
        "force_path_style": server["pathStyle"],
        # Otherwise a bucket whose name is wrong would be made at the first write.
        "no_check_bucket": True,
    }
    service = service_of(endpoint, "amazonaws.com")
    return bucket_recipe(request, service, server["bucket"], settings, server["httpProxy"])


TYPE = StorageType(
    name="s3",
    fields={
        "bucket": Field("the name of the bucket", required=True, read=word),
        "endpoint": Field("the server, as https://HOST:PORT; none: Amazon", read=url),
        "region": Field("the region of the bucket", read=word),
        "provider": Field("rclone's name of the provider (Minio, Ceph, …)", read=word),
        "accessKey": Field("the id of the access key", secret=True),
        "secretKey": Field("the secret of the access key", secret=True),
        "sessionToken": Field("the token of a temporary access key", secret=True),
        "envAuth": Field(
            "true: log in as AWS_* or the machine's role say", default=False, read=flag
        ),
        "anonymous": Field("true: no login", default=False, read=flag),
        "pathStyle": Field("false: the bucket is part of the host name", default=True, read=flag),
        **NETWORK,
    },
    build=_build,
    secrets=lambda server: texts_of(server, ["accessKey", "secretKey", "sessionToken"]),
)
