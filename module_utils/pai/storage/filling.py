# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of one wish: the mounts of a config, a storage of the job's own, or a mere check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import RuntimeConfigError
from . import paths
from .model import MODES, MountInfo, Request, StorageConfig
from .sources import Catalogue
from .wishes import Wish

#: Fields of a server that are paths, and may hold templates as a config's path may.
_PATH_FIELDS = ("rootPath", "fileShare")


def mounted_already(wish: Wish, names: paths.Names) -> Request:
    """Return the request to look at what the platform has mounted for this wish.

    Who mounted it chose how: whether it can be written is no promise of ours, and not tried.
    """
    point = expected_point(wish, names)
    return Request(wish.name, "pvc", {}, "", point, True, MODES[0], (), wish.place)


def expected_point(wish: Wish, names: paths.Names) -> Path:
    """Return where a PAI cluster mounts a storage of that name.

    Raises:
        RuntimeConfigError: the wish names no good mount point.
    """
    return _point(wish.mount_point or f"/mnt/{wish.name}", wish.place, names)


def own_storage(wish: Wish, kind: str, names: paths.Names) -> Request:
    """Return the mount of a storage that the job itself defines, of the type ``kind``.

    Raises:
        RuntimeConfigError: a path that cannot be.
    """
    return Request(
        name=wish.name,
        type=kind,
        server=_filled(wish.definition, wish.place, names),
        path=_path(("", wish.place), wish, names),
        mount_point=expected_point(wish, names),
        read_only=wish.read_only,
        mode=wish.mode or MODES[0],
        options=wish.options,
        place=wish.place,
    )


def config_mounts(
    config: StorageConfig, wish: Wish, catalogue: Catalogue, names: paths.Names
) -> list[Request]:
    """Return the mounts of a config, as a wish changes them.

    Raises:
        RuntimeConfigError: a server that is not there, a path that cannot be, or a wish for more
            than the config allows.
    """
    infos = config.mount_infos
    if wish.mount_point and len(infos) > 1:
        points = ", ".join(info.mount_point for info in infos)
        raise RuntimeConfigError(
            f"{wish.place}: the storage config {config.name!r} has {len(infos)} mounts with a mount"
            f" point each ({points}); name none here"
        )
    labels = (
        [config.name] if len(infos) == 1 else [f"{config.name}[{n}]" for n in range(len(infos))]
    )
    return [
        _config_mount(label, info, wish, catalogue, names) for label, info in zip(labels, infos)
    ]


def refuse_doubles(requests: Sequence[Request]) -> None:
    """Refuse two mounts on one mount point.

    Raises:
        RuntimeConfigError: there are two, named both.
    """
    seen: dict[Path, Request] = {}
    for request in requests:
        other = seen.setdefault(request.mount_point, request)
        if other is not request:
            raise RuntimeConfigError(
                f"{request.place}: the mount point {request.mount_point} is that of storage "
                f"{other.name!r} ({other.place}) already; give one of them another"
            )


def _config_mount(
    label: str, info: MountInfo, wish: Wish, catalogue: Catalogue, names: paths.Names
) -> Request:
    server = catalogue.server(info.server, info.place)
    if info.read_only and "rw" in ",".join(wish.options).split(","):
        raise RuntimeConfigError(
            f"{wish.place}.options: storage config {wish.name!r} may only be read; remove 'rw'"
        )
    point, place = (wish.mount_point, wish.place) if wish.mount_point else ("", info.place)
    return Request(
        name=label,
        type=server.type,
        server=_filled(server.data, server.place, names),
        path=_path((info.path, f"{info.place}.path"), wish, names),
        mount_point=_point(point or info.mount_point, place, names),
        read_only=info.read_only or wish.read_only,
        mode=wish.mode or info.mode,
        options=(*info.options, *wish.options),
        place=f"{wish.place} ({info.place})",
    )


def _path(base: tuple[str, str], wish: Wish, names: paths.Names) -> str:
    """Return the directory of a mount: what a wish adds is below what its config gives."""
    given = [base, (wish.path, f"{wish.place}.path")]
    if not wish.share:
        given.append(("%USER", f"{wish.place}.share"))
    parts = [
        paths.directory(paths.expand(template, names, place), place) for template, place in given
    ]
    return "/".join(part for part in parts if part)


def _point(template: str, place: str, names: paths.Names) -> Path:
    where = f"{place}.mountPoint"
    return paths.mount_point(paths.expand(template, names, where), where)


def _filled(server: Mapping[str, Any], place: str, names: paths.Names) -> dict[str, Any]:
    """Return a server's fields with the templates in its paths filled in."""
    filled = dict(server)
    for name in _PATH_FIELDS:
        if isinstance(filled.get(name), str):
            where = f"{place}.{name}"
            filled[name] = paths.expand(filled[name], names, where)
            paths.refuse(filled[name], where)
    return filled
