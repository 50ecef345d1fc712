"""Requests for the tests of storage types and tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Request

#: A complete server of every type, as a file or a secret has it.
SERVERS: Mapping[str, Mapping[str, Any]] = {
    "nfs": {"address": "nfs-1", "rootPath": "/exports"},
    "samba": {
        "address": "smb-1",
        "rootPath": "share/top",
        "userName": "me",
        "password": "hunter2-secret",
        "domain": "WORK",
    },
    "azurefile": {
        "dataStore": "acc.file.core.windows.net",
        "fileShare": "share",
        "accountName": "acc",
        "key": "a2V5LWtleS1rZXk=",
    },
    "azureblob": {"containerName": "cont", "accountName": "acc", "key": "a2V5LWtleS1rZXk="},
    "s3": {"bucket": "buck", "accessKey": "access-key-1", "secretKey": "secret-key-1"},
    "gcs": {
        "bucket": "buck",
        "serviceAccountKey": {"type": "service_account", "private_key": "line-one\nline-two\n"},
    },
    "sftp": {"address": "host-1", "userName": "me", "password": "hunter2-secret"},
    "ssh": {"address": "host-1", "userName": "me", "privateKey": "-----BEGIN\nsecret-key-2\n"},
    "hostpath": {"rootPath": "/data"},
    "pvc": {},
}
PRIVATE = Path("/run/pai/1")


def request(type_name: str, path: str = "", *options: str, **changes: Any) -> Request:
    """Return a request of a type; ``changes`` are fields of its server, None takes one away."""
    mode = changes.pop("mode", "mount")
    server = {**SERVERS.get(type_name, {}), **changes}
    return Request(
        name="data",
        type=type_name,
        server={name: value for name, value in server.items() if value is not None},
        path=path,
        mount_point=Path("/mnt/data"),
        read_only=False,
        mode=mode,
        options=options,
        place="storage.yml, server 1",
    )
