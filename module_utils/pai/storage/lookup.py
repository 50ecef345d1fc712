# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one use of a storage plugin wants mounted, from everything that may say so."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path

from .. import process_env
from ..environment_files import container_environment
from ..errors import RuntimeConfigError
from ..files import PRIVATE, FileChange, plan
from ..job.model import Job
from ..masking import Masker, learned, learned_file, texts
from ..plugin_entry import PluginEntry
from ..work_dir import read_plugins
from . import mountinfo, requests, types
from .model import Request
from .paths import Names
from .selection import Selection, Selector, read_grants
from .sources import Catalogue, NoCatalogueError
from .storage_file import read_file
from .wishes import read_wishes

#: The plugin that lets a job go on where a cluster's storage is not to be had.
TOLERANT = "teamwise_storage"


@dataclasses.dataclass(frozen=True)
class Lookup:
    """Where configs and servers are looked up.

    ``kubernetes`` is ``yes``, ``no``, or ``auto``: where there is a token in ``account`` and no
    ``file``; ``seconds`` is the time limit for the API.
    """

    file: Path | None
    kubernetes: str
    account: Path
    seconds: float

    def catalogue(self, environment: Mapping[str, str]) -> Catalogue:
        """Return what there is to choose from.

        Raises:
            NoCatalogueError: there is nothing, or the API does not give it.
            RuntimeConfigError: the file is broken.
        """
        if self.file is not None:
            return self._file(self.file)
        if self.kubernetes == "no":
            raise NoCatalogueError("PAI_STORAGE_FILE names no file, and PAI_STORAGE_KUBERNETES=no")
        # here and not above: to load the parts of an HTTPS client takes longer than all the rest
        from . import kubernetes_secrets

        if self.kubernetes == "auto" and not kubernetes_secrets.has_token(self.account):
            raise NoCatalogueError(
                "PAI_STORAGE_FILE names no file, and there is no service account of a cluster in "
                f"{self.account}"
            )
        return kubernetes_secrets.read(environment, self.account, self.seconds)

    def _file(self, file: Path) -> Catalogue:
        if not file.is_absolute():
            raise RuntimeConfigError(f"PAI_STORAGE_FILE: {file}: write an absolute path")
        return read_file(file)


def request_file(work_dir: Path, position: int) -> Path:
    """Return the private file with the requests of a use of a plugin."""
    return work_dir / "storage" / f"position-{position}.json"


def wanted(entry: PluginEntry, job: Job, work_dir: Path, lookup: Lookup) -> Selection:
    """Return the mounts that one use of a plugin asks for, all of them checked.

    Raises:
        RuntimeConfigError: one cannot be had.
    """
    # What is granted and where the API is, the container's own environment says: the one of the
    # user's processes may hold variables of the job.
    container = container_environment(work_dir)
    tolerant = entry.name == TOLERANT
    file = request_file(work_dir, entry.position)
    selector = Selector(
        names=Names.of(job, process_env.read(work_dir / "process_env.nul")),
        catalogue=functools.partial(lookup.catalogue, container),
        granted=read_grants(container),
        is_mounted=_PlatformMounts(file).include if tolerant else None,
    )
    asked = read_wishes(entry, read_plugins(work_dir), job, tolerant)
    if asked.warnings and not asked.wishes:
        return Selection((), asked.warnings)
    found = selector.select(asked.wishes)
    for request in found.requests:
        types.check(request)
    return Selection(found.requests, (*asked.warnings, *found.warnings))


@dataclasses.dataclass(frozen=True)
class PlannedFiles:
    """The file with the requests, and the one with what is to be masked from now on."""

    requests: FileChange
    learned: FileChange
    masker: Masker
    secrets: tuple[str, ...] = dataclasses.field(repr=False)

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """Both, in the order in which they are to be written."""
        return self.learned, self.requests

    def diff(self) -> list[dict[str, str]]:
        """Return Ansible's diff of the requests, without secrets."""
        if not self.requests.changed:
            return []
        before, after = (
            requests.shown(content or b"", self.secrets)
            for content in (self.requests.before, self.requests.after)
        )
        header = str(self.requests.path)
        return [{"before": before, "after": after, "before_header": header, "after_header": header}]


def plan_files(work_dir: Path, position: int, wishes: tuple[Request, ...]) -> PlannedFiles:
    """Plan the files for these requests; nothing of what they were before is shown unmasked.

    Raises:
        RuntimeConfigError: what stands there is damaged.
    """
    file = request_file(work_dir, position)
    now = {text for request in wishes for text in types.secret_values(request)}
    known = plan(learned_file(work_dir), learned(work_dir, file.stem, sorted(now)), PRIVATE)
    # what was a secret until now is one still
    secrets = {*now, *texts(json.loads(known.before or b"{}"))}
    return PlannedFiles(
        requests=plan(file, requests.document(wishes), PRIVATE),
        learned=known,
        masker=Masker(secrets),
        secrets=tuple(sorted(secrets)),
    )


class _PlatformMounts:
    """What is mounted, less what an earlier run of ours has asked for."""

    def __init__(self, file: Path) -> None:
        self._entries = mountinfo.read()
        self._ours = {r.mount_point for r in requests.read(file) if r.type != "pvc"}

    def include(self, mount_point: Path) -> bool:
        """Tell whether somebody else has mounted something there."""
        there = mountinfo.at(self._entries, mount_point) is not None
        return there and mount_point not in self._ours
