# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mounts a job gets of those it asks for: what is granted, what is there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import RuntimeConfigError
from . import filling, paths
from .model import Request
from .sources import Catalogue, NoCatalogueError
from .wishes import Wish

#: The variable in which a PAI cluster says which configs a user may use: a JSON list of names.
GRANTS = "STORAGE_CONFIGS"


@dataclasses.dataclass(frozen=True)
class Selection:
    """The mounts of one use of a plugin, and what a person should be told."""

    requests: tuple[Request, ...]
    warnings: tuple[str, ...]


class Selector:
    """Looks up what is asked for; of use once."""

    def __init__(
        self,
        names: paths.Names,
        catalogue: Callable[[], Catalogue],
        granted: Sequence[str] | None,
        is_mounted: Callable[[Path], bool] | None,
    ) -> None:
        """Know what may be used and where it is described.

        Args:
            names: what the templates in paths stand for.
            catalogue: called at most once, and only where something is to be looked up.
            granted: the names that the cluster grants; None where it says nothing.
            is_mounted: given in the manner of teamwise_storage: what the platform has mounted is
                looked at only, and an unknown name or a missing catalogue is a warning.
        """
        self._names = names
        self._ask = catalogue
        self._grants = granted
        self._is_mounted = is_mounted
        self._warnings: list[str] = []
        self._known: Catalogue | None = None
        self._missing: str | None = None

    def select(self, wishes: Sequence[Wish]) -> Selection:
        """Return the mounts for the wishes; without any, those of the granted default configs.

        Raises:
            RuntimeConfigError: a storage that may not be used, is not there (strict), or is not
                described well; two mounts on one mount point.
        """
        if wishes:
            requests = [request for wish in wishes for request in self._requests(wish)]
        else:
            requests = self._defaults()
        filling.refuse_doubles(requests)
        return Selection(tuple(requests), tuple(self._warnings))

    def _requests(self, wish: Wish) -> list[Request]:
        if wish.type is not None:
            return [filling.own_storage(wish, wish.type, self._names)]
        missing = f"{wish.place}: no description of storage {wish.name!r}"
        if self._is_mounted:
            point = filling.expected_point(wish, self._names)
            if self._is_mounted(point):
                return [filling.mounted_already(wish, self._names)]
            missing = f"{wish.place}: {point} is not mounted, and no description of {wish.name!r}"
        catalogue = self._look_up(missing)
        if catalogue is None:
            return []
        self._refuse_ungranted(wish, catalogue)
        config = catalogue.config(wish.name)
        if config is None:
            unknown = (
                f"{wish.place}: there is no storage config {wish.name!r} in {catalogue.source}; "
                f"write one of: {_listed(self._granted(catalogue))}"
            )
            if not self._is_mounted:
                raise RuntimeConfigError(unknown)
            self._warnings.append(unknown)
            return []
        return filling.config_mounts(config, wish, catalogue, self._names)

    def _defaults(self) -> list[Request]:
        catalogue = self._look_up("no storage is named, and no default one known")
        if catalogue is None:
            return []
        granted = self._granted(catalogue)
        configs = [catalogue.config(name) for name in granted]
        defaults = [config for config in configs if config is not None and config.default]
        if not defaults:
            raise RuntimeConfigError(
                "no storage is named, and of those that may be used none is a default "
                f"({_listed(granted)}); name some in storageConfigNames"
            )
        return [
            request
            for config in defaults
            for request in filling.config_mounts(
                config, Wish(config.name, "default"), catalogue, self._names
            )
        ]

    def _granted(self, catalogue: Catalogue) -> list[str]:
        """Return the names that may be used, in the order of the grants."""
        if self._grants is not None:
            return list(self._grants)
        return [] if catalogue.granted_only else sorted(catalogue.configs)

    def _refuse_ungranted(self, wish: Wish, catalogue: Catalogue) -> None:
        limited = self._grants is not None or catalogue.granted_only
        if limited and wish.name not in self._granted(catalogue):
            raise RuntimeConfigError(
                f"{wish.place}: user {self._names.user!r} may not use storage config "
                f"{wish.name!r}; granted ({GRANTS}): {_listed(self._granted(catalogue))}; name one "
                "of these, or ask the cluster's administrator"
            )

    def _look_up(self, missing: str) -> Catalogue | None:
        """Return the catalogue; None where there is none, and the job may go on without."""
        if self._known is None and self._missing is None:
            try:
                self._known = self._ask()
            except NoCatalogueError as error:
                self._missing = str(error)
        if self._missing is not None:
            if not self._is_mounted:
                raise NoCatalogueError(f"{missing}: {self._missing}")
            self._warnings.append(f"{missing}: {self._missing}")
        return self._known


def read_grants(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the names that STORAGE_CONFIGS grants, None where it is not set.

    Raises:
        RuntimeConfigError: it is no JSON list of names.
    """
    text = environment.get(GRANTS)
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise RuntimeConfigError(
            f'{GRANTS}: {text[:60]!r} is not a JSON list of names; write it as ["one", "two"]'
        )
    return tuple(dict.fromkeys(value))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
