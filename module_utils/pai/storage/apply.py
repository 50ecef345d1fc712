# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one request true: look, decide, mount, probe, and undo what has failed."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from ..errors import RuntimeConfigError
from ..files import PRIVATE
from ..replacing import replace
from . import boot, mountinfo
from .copy_mode import copy_in
from .model import Recipe, Request
from .outcome import MOUNTED as DONE
from .outcome import REPAIRED, UNCHANGED, Outcome, Stopwatch, line_of, line_wanted
from .plan import Act, Decision, Seen, decide, matches
from .probe import PROBE_SECONDS, Place, look, probe
from .sight import Ways, Wish, make_wish, see
from .state import MOUNTED, READY, Record, Store
from .subdirectory import make_path
from .tools.tool import MountError
from .unmounting import Unmounter

_SECONDS_TO_UNDO = 10.0


class Mounter:
    """Mounts what is wanted; with ``check`` it only tells what it would do.

    ``persistent``: so that the machine can mount it by itself when it starts.
    """

    def __init__(
        self, store: Store, ways: Ways, *, check: bool = False, persistent: bool = False
    ) -> None:
        self._store = store
        self._ways = ways
        self._check = check
        self._persistent = persistent
        self._unmounter = Unmounter(store, ways.tools)

    def present(self, request: Request, deadline: float) -> Outcome:
        """Mount what is requested, unless it is there already.

        Raises:
            RuntimeConfigError: it is not mounted, and nothing of the attempt is left.
        """
        clock = Stopwatch()
        wish = make_wish(request, self._store, self._ways)
        seen = see(wish, self._store, deadline, check=self._check)
        decision = decide(request, wish.fingerprint, seen)
        if decision.act is Act.REFUSE:
            raise RuntimeConfigError(decision.reason)
        place = str(request.mount_point)
        state = {Act.NOTHING: UNCHANGED, Act.MOUNT: DONE, Act.REPAIR: REPAIRED}[decision.act]
        filesystem = wish.recipe.filesystems[0] if wish.recipe.filesystems else wish.recipe.tool
        before = line_of(place, seen.entry)
        outcome = Outcome(request.name, place, wish.recipe.source, filesystem, state)
        outcome = dataclasses.replace(outcome, msg=decision.reason, before=before, after=before)
        warnings = [f"{request.name}: {decision.warning}"] if decision.warning else []
        if state != UNCHANGED:
            after = line_wanted(place, wish.recipe, request.read_only)
            outcome = dataclasses.replace(outcome, after=after)
            if not self._check:
                told, more = self._perform(wish, seen, decision, clock, deadline)
                outcome = dataclasses.replace(outcome, msg=told)
                warnings += more
        if not self._check:
            boot.keep(wish, self._store, self._persistent, deadline, anew=state != UNCHANGED)
        if (entry := self._entry(wish)) is not None and not self._check:
            after, shown = line_of(place, entry), (entry.source, entry.filesystem)
            outcome = dataclasses.replace(
                outcome, after=after, source=shown[0], filesystem=shown[1]
            )
        total, of_tools = clock.seconds()
        return dataclasses.replace(
            outcome, warnings=tuple(warnings), seconds=total, tool_seconds=of_tools
        )

    def _entry(self, wish: Wish) -> mountinfo.MountEntry | None:
        record = self._store.get(wish.request.mount_point)
        return mountinfo.at(mountinfo.read(), Path(record.target) if record else wish.target)

    def _perform(
        self, wish: Wish, seen: Seen, decision: Decision, clock: Stopwatch, deadline: float
    ) -> tuple[str, list[str]]:
        """Mount, after what is left of an earlier mount was taken away; return words, warnings."""
        tool, warnings, told = self._ways.tools[wish.recipe.tool], [], decision.reason
        missing = tool.missing(wish.recipe, self._ways.environment)
        if missing:
            raise RuntimeConfigError(missing)
        old, place = seen.record, seen.place
        if decision.act is Act.REPAIR and old is not None:
            alive = seen.probe is None or not seen.probe.is_dead
            words = tool.last_words(wish.recipe, wish.private) if old.phase == READY else None
            told = f"{told} ({words})" if words else told
            # what is at work in a mount that works is not pushed out of it
            warnings = self._unmounter.take_down(
                old, clock, deadline, alive=alive, detach=not alive, again=True
            )
        if place is None:
            place = look(wish.request.mount_point, seconds=PROBE_SECONDS)
        copied = old is not None and old.phase == READY and old.mode == wish.request.mode == "copy"
        made = old.made if old is not None else ()
        record = self._record(wish, place, made)
        more = self._mount(wish, record, place, clock, deadline, copy=not copied)
        return "; ".join(filter(None, (told, more))), warnings

    def _record(self, wish: Wish, place: Place, made: tuple[str, ...]) -> Record:
        request, recipe = wish.request, wish.recipe
        return Record(
            name=request.name,
            mount_point=str(request.mount_point),
            local=str(place.path),
            target=str(wish.target if request.mode == "copy" else place.path),
            source=recipe.source,
            filesystems=recipe.filesystems,
            tool=recipe.tool,
            mode=request.mode,
            read_only=request.read_only,
            wanted=wish.fingerprint,
            made=(*made, *place.missing),
            private=str(wish.private),
        )

    def _mount(
        self,
        wish: Wish,
        record: Record,
        place: Place,
        clock: Stopwatch,
        deadline: float,
        *,
        copy: bool,
    ) -> str:
        record, told = self._store.put(record), ""
        try:
            prepare(wish.private, wish.recipe, [*place.missing, str(record.target)])
            with clock.tool():
                facts = self._start(wish, Path(record.target), deadline)
            record = dataclasses.replace(record, phase=MOUNTED, facts=facts)
            record = self._store.put(dataclasses.replace(record, identity=identity(record)))
            self._verify(wish, record, deadline)
            if wish.request.mode == "copy" and copy:
                index = self._store.copy_index(wish.request.mount_point)
                told = copy_in(Path(record.target), place.path, index)
        except (RuntimeConfigError, OSError) as error:
            raise RuntimeConfigError(f"{error}{self._undo(record, clock)}") from error
        self._store.put(dataclasses.replace(record, phase=READY))
        return told

    def _start(self, wish: Wish, target: Path, deadline: float) -> dict[str, object]:
        tool, read_only = self._ways.tools[wish.recipe.tool], wish.request.read_only
        try:
            return tool.mount(wish.recipe, wish.private, target, read_only, deadline)
        except MountError as error:
            if not error.path_missing or read_only or not wish.request.path:
                raise
            # in mode cached it is another tool's
            mode = "mount" if wish.request.mode == "copy" else wish.request.mode
            root = dataclasses.replace(wish.request, path="", mode=mode)
            make_path(tool, self._ways.recipe_for, root, wish.request.path, wish.private, deadline)
        return tool.mount(wish.recipe, wish.private, target, read_only, deadline)

    def _verify(self, wish: Wish, record: Record, deadline: float) -> None:
        seconds = max(deadline - time.monotonic(), 1.0)
        found = probe(Path(record.target), write=not wish.request.read_only, seconds=seconds)
        if found.reason:
            words = self._ways.tools[record.tool].last_words(wish.recipe, wish.private)
            told = f"; {record.tool} said: {words}" if words else ""
            raise RuntimeConfigError(
                f"it was mounted but cannot be used ({found.reason}{told}); correct the cause, for"
                " example the permissions on the server, or ask for it read-only"
            )

    def _undo(self, record: Record, clock: Stopwatch) -> str:
        """Take away what a failed attempt has made; return what could not be, in words."""
        deadline = time.monotonic() + _SECONDS_TO_UNDO
        try:
            self._unmounter.take_down(record, clock, deadline, alive=False, detach=True)
        except (RuntimeConfigError, OSError) as error:
            return f" (and it could not be undone: {error})"
        return ""


def prepare(private: Path, recipe: Recipe, directories: list[str]) -> None:
    """Make a mount's directories, and the private one with the recipe's files (0600)."""
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.chmod(0o700)
    for name, content in recipe.files.items():
        replace(private / name, content.encode("utf-8", "surrogateescape"), PRIVATE)
    for directory in directories:
        Path(directory).mkdir(exist_ok=True)


def identity(record: Record) -> tuple[str, str]:
    """Return what the kernel calls the mount that a tool has made.

    Raises:
        RuntimeConfigError: there is none.
    """
    entries = mountinfo.read()
    entry = mountinfo.at(entries, Path(record.target))
    if entry is None or not matches(record, entry, entries):
        there = entry.label if entry is not None else "nothing"
        raise RuntimeConfigError(
            f"{record.tool} reported success, but {there} is mounted at {record.target} instead of"
            f" {record.source}; please report it"
        )
    return entry.major_minor, entry.root
