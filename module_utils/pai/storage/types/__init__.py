# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of storage, one file each; a new one is a file and its line in the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...errors import RuntimeConfigError
from ...masking import texts
from ..model import Recipe, Request
from . import azureblob, azurefile, gcs, hostpath, nfs, pvc, s3, samba, sftp
from .fields import CARRIED, Field, values
from .storage_type import StorageType

TYPES: Mapping[str, StorageType] = {
    one.name: one
    for one in (
        nfs.TYPE,
        samba.TYPE,
        azurefile.TYPE,
        azureblob.TYPE,
        s3.TYPE,
        gcs.TYPE,
        sftp.SFTP,
        sftp.SSH,
        hostpath.TYPE,
        pvc.TYPE,
    )
}


def find(request: Request) -> StorageType:
    """Return the type of a request.

    Raises:
        RuntimeConfigError: there is no such type.
    """
    try:
        return TYPES[request.type]
    except KeyError:
        raise RuntimeConfigError(
            f"{request.place}: storage {request.name!r}: type {request.type!r} is unknown; "
            f"the types are {', '.join(TYPES)}"
        ) from None


def check(request: Request) -> None:
    """Check all of a request that can be told without mounting.

    Raises:
        RuntimeConfigError: something cannot be used: which storage, field and value, what to do.
    """
    find(request).check(request)


def recipe_for(request: Request, private: Path) -> Recipe:
    """Return what the request's tool needs; ``private`` is where its files are going to lie.

    Raises:
        RuntimeConfigError: as for check.
    """
    return find(request).recipe(request, private)


def secret_values(request: Request) -> tuple[str, ...]:
    """Return what must not be seen of a request; it may be one with mistakes.

    Then every text counts that is not known to be harmless: a password may be in a wrong field.
    """
    known = TYPES.get(request.type)
    try:
        return known.secrets(values(request, known.fields)) if known else _doubtful(request, {})
    except RuntimeConfigError:
        return _doubtful(request, known.fields if known else {})


def _doubtful(request: Request, fields: Mapping[str, Field]) -> tuple[str, ...]:
    harmless = {name for name, field in fields.items() if not field.secret} | set(CARRIED)
    doubtful = {name: value for name, value in request.server.items() if name not in harmless}
    return tuple(dict.fromkeys(texts(doubtful)))
