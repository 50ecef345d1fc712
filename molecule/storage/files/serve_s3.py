"""Serve one bucket by the S3 protocol, to one access key: moto, with its checks of signatures on.

serve_s3.py SECRETS BUCKET ADDRESS PORT

SECRETS has NAME: "VALUE" lines, among them s3_access_key and s3_secret_key.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from moto import settings
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

ACCOUNT, PARTITION, USER = "123456789012", "aws", "tester"
ALL = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def allow(access_key: str, secret_key: str) -> None:
    """Let whoever signs with this key do everything, and nobody else anything."""
    users = iam_backends[ACCOUNT][PARTITION]
    users.create_user("us-east-1", USER)
    policy = {"Version": "2012-10-17", "Statement": [ALL]}
    users.put_user_policy(USER, "all", json.dumps(policy))
    key = users.create_access_key(USER)
    key.access_key_id, key.secret_access_key = access_key, secret_key
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0


def main() -> None:
    """Serve until the end of the container."""
    file, bucket, address, port = sys.argv[1:]
    lines = (line.partition(":") for line in Path(file).read_text().splitlines())
    secrets = {name: value.strip().strip('"') for name, _colon, value in lines}
    s3_backends[ACCOUNT][PARTITION].create_bucket(bucket, "us-east-1")
    allow(secrets["s3_access_key"], secrets["s3_secret_key"])
    ThreadedMotoServer(address, int(port), verbose=False)._server_entry()


if __name__ == "__main__":
    main()
