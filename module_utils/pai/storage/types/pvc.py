# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type pvc: a volume that the platform has mounted before us; it is only looked at."""

from __future__ import annotations

from pathlib import Path

from ..model import Recipe, Request
from .fields import Field, refuse, word
from .storage_type import StorageType, Values


def _build(request: Request, _server: Values, _private: Path) -> Recipe:
    if request.path:
        remedy = "leave the path out, and choose it in the pod's volumeMounts (subPath)"
        raise refuse(request, f"the path {request.path!r} cannot be chosen here", remedy)
    if request.options:
        remedy = "leave the options out, and choose them in the persistent volume (mountOptions)"
        raise refuse(request, "options cannot be chosen here", remedy)
    return Recipe("existing", "", (), ())


TYPE = StorageType(
    name="pvc",
    fields={"claimName": Field("the name of the claim, for people", read=word)},
    build=_build,
)
