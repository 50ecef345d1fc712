# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a type of storage is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..model import Recipe, Request
from .fields import Field, values

#: The fields of a server, read and completed with their defaults.
Values = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class StorageType:
    """A type: the fields of its servers, and how a request for one becomes a recipe.

    ``build`` gets the request, the values of the fields and the mount's private directory. It reads
    and writes nothing, and raises RuntimeConfigError for what cannot be.
    """

    name: str
    fields: Mapping[str, Field]
    build: Callable[[Request, Values, Path], Recipe] = dataclasses.field(repr=False)
    secrets: Callable[[Values], tuple[str, ...]] = dataclasses.field(
        default=lambda _values: (), repr=False
    )

    def recipe(self, request: Request, private: Path) -> Recipe:
        """Return what the type tells its tool; ``private`` is where the recipe's files will lie.

        Raises:
            RuntimeConfigError: a field, an option or the path cannot be used.
        """
        read = values(request, self.fields)
        recipe = self.build(request, read, private)
        return dataclasses.replace(recipe, secrets=self.secrets(read))

    def check(self, request: Request) -> None:
        """Raise the RuntimeConfigError that the recipe of this request would raise."""
        self.recipe(request, Path("/"))
