# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request with all that follows from it, and what there is at its mount point."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from . import mountinfo
from .model import Recipe, Request
from .plan import Seen, fingerprint, is_ours, matches
from .probe import PROBE_SECONDS, look, probe
from .state import Store
from .tools.tool import Tool
from .unmounting import REMOTE


@dataclasses.dataclass(frozen=True)
class Ways:
    """How requests become mounts: recipes by type, tools by name, and the environment's PATH."""

    recipe_for: Callable[[Request, Path], Recipe]
    tools: Mapping[str, Tool]
    environment: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Wish:
    """A request with all that follows from it."""

    request: Request
    recipe: Recipe
    fingerprint: str
    private: Path
    target: Path


def make_wish(request: Request, store: Store, ways: Ways) -> Wish:
    """Return what is to be mounted for a request, and where.

    Raises:
        RuntimeConfigError: the request cannot be used.
    """
    private = store.private(request.mount_point)
    is_copy = request.mode == "copy"
    # to a tool the remote side of a copy is a mount like others
    plain = dataclasses.replace(request, mode="mount") if is_copy else request
    recipe = ways.recipe_for(plain, private)
    if recipe.tool == "bind":  # the kernel tells of it without symbolic links
        source = look(Path(recipe.source), seconds=PROBE_SECONDS).path
        recipe = dataclasses.replace(recipe, source=str(source))
    target = private / REMOTE if is_copy else request.mount_point
    return Wish(request, recipe, fingerprint(request, recipe), private, target)


def see(wish: Wish, store: Store, deadline: float, *, check: bool) -> Seen:
    """Look at a mount point; what is wanted and there is probed, in check mode by reading only."""
    entries = mountinfo.read()
    record = store.get(wish.request.mount_point)
    limit = min(PROBE_SECONDS, max((deadline - time.monotonic()) / 2, 0.1))
    target, place = Path(record.target) if record else wish.target, None
    entry = mountinfo.at(entries, target)
    if entry is None:
        place = look(wish.request.mount_point, seconds=limit)
        if wish.request.mode != "copy":
            target = place.path
            entry = mountinfo.at(entries, target)
    if entry is None:
        return Seen(place=place, record=record)
    wanted, ours = matches(wish.recipe, entry, entries), is_ours(record, entry, entries)
    found = None
    if wanted:
        write = not (wish.request.read_only or entry.read_only or check)
        found = probe(target, write=write, seconds=limit)
    return Seen(entry, wanted, ours, place, found, record)
