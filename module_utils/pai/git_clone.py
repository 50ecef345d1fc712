# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin git: a clone that is there completely, at its pin, or not at all."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from pathlib import Path

from .errors import RuntimeConfigError
from .git import Git, GitFailedError
from .git_options import values_of
from .git_place import put_in_place, staging
from .git_request import GitRequest

FULL_LENGTH = 40  # hexadecimal digits of a commit; 64 in a repository of SHA-256
# What an option of "git clone" is for "git submodule update".
_SUBMODULES = {"--shallow-submodules": "--depth=1", "--remote-submodules": "--remote"}


def existing_commit(git: Git, request: GitRequest) -> str:
    """Return the commit of the same clone, made earlier.

    Raises:
        RuntimeConfigError: what is there is something else.
    """
    there = request.clone_dir
    settings = there / ".git" / "config"
    if not settings.is_file():
        raise _taken(request, "is not empty, and no git clone")
    try:
        address = git.run("config", "--file", str(settings), f"remote.{request.origin}.url")
        pinned = _pinned(git, request, there)
    except GitFailedError as error:
        raise _taken(request, f"is a clone that git does not read ({error})") from error
    if address != request.address.url:
        raise _taken(request, f"is a clone of {address}, not of {request.address.url}")
    commit = resolve(git, there, "HEAD")
    if not pinned:
        wanted = f"{request.pin} {request.revision}"
        raise _taken(request, f"is a clone at commit {commit[:12]}, not at {wanted}")
    return commit


def _taken(request: GitRequest, what: str) -> RuntimeConfigError:
    return RuntimeConfigError(
        f"clone_dir {request.clone_dir} {what}; empty it or name another clone_dir"
    )


@dataclasses.dataclass(frozen=True)
class Cloner:
    """Clones, with as many tries as wanted.

    ``tell`` takes a line for runtime.log, ``sleep`` the seconds to wait.
    """

    git: Git
    request: GitRequest
    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def clone(self) -> str:
        """Make the clone and return its commit.

        Raises:
            GitFailedError: the last try's error; nothing of the clone is left behind.
            RuntimeConfigError: the pin or the place turned out to be of no use.
        """
        request = self.request
        for number in range(1, request.tries + 1):
            title = f"clone of {request.address.url}, try {number} of {request.tries}"
            self.tell(title)
            try:
                with staging(request.clone_dir) as place:
                    commit = self._clone_into(place)
                    put_in_place(place, request.clone_dir)
                    break
            except GitFailedError as error:
                if error.permanent or number == request.tries:
                    message = f"{title}: {error}"
                    raise GitFailedError(message, error.exit_code, error.permanent) from error
                delay = wait_before(number + 1, request.max_delay)
                self.tell(f"{error}; the next try follows in {delay:.1f} seconds")
                self.sleep(delay)
        self.tell(f"commit {commit[:12]} of {request.address.url} is in {request.clone_dir}")
        return commit

    def _clone_into(self, place: Path) -> str:
        request = self.request
        words = [word for word in request.options if not word.startswith("--origin=")]
        words.append(f"--origin={request.origin}")
        if request.pin == "commit":
            words.append("--no-checkout")
        elif request.pin:
            words.append(f"--branch={request.revision}")
        if request.depth and not values_of(words, "--depth"):
            words.append(f"--depth={request.depth}")
        self.git.run("clone", *words, "--", request.address.url, str(place))
        if request.pin == "commit" or not _pinned(self.git, request, place):
            self._check_out_pin(place)
        commit = resolve(self.git, place, "HEAD")
        if request.pin == "commit" and not commit.startswith(request.revision):
            raise RuntimeConfigError(
                f"commit {request.revision}: a branch or tag has that name; give more digits"
            )
        return commit

    def _check_out_pin(self, place: Path) -> None:
        request, here = self.request, ("-C", str(place))
        if request.pin == "branch":
            raise RuntimeConfigError(
                f"branch {request.revision}: the server has only a tag of that name; "
                "give it as the parameter tag"
            )
        if request.pin == "tag":  # git clone took the branch of the same name
            reference = f"refs/tags/{request.revision}"
            self._fetch(place, f"+{reference}:{reference}")
        else:
            reference = request.revision
            self._fetch_commit(place)
        self.git.run(*here, "checkout", "--quiet", "--detach", f"{reference}^{{commit}}")
        if request.submodules:
            words = [word for option, word in _SUBMODULES.items() if option in request.options]
            self.git.run(*here, "submodule", "update", "--init", "--recursive", *words)

    def _fetch_commit(self, place: Path) -> None:
        revision = self.request.revision
        if resolve(self.git, place, revision):
            return
        if len(revision) < FULL_LENGTH:
            raise RuntimeConfigError(
                f"commit {revision}: the clone has no such commit; give all its digits "
                "(then it is fetched by itself), or no depth and no single branch"
            )
        self._fetch(place, revision)

    def _fetch(self, place: Path, reference: str) -> None:
        depth = [f"--depth={self.request.depth}"] if self.request.depth else []
        words = ["fetch", "--quiet", *depth, self.request.origin, reference]
        self.git.run("-C", str(place), *words)


def wait_before(number: int, max_delay: int) -> float:
    """Return the seconds to wait before a try (from 2): 1, 2, 4, …, at most ``max_delay``.

    Half of it is chance, so that the thousand tasks of a job do not come back all at once.
    """
    longest = min(2 ** min(number - 2, 30), max_delay)
    return random.uniform(longest / 2, longest)


def _pinned(git: Git, request: GitRequest, place: Path) -> bool:
    """Return whether a clone is at the wanted pin."""
    if request.pin == "branch":
        head = git.run("-C", str(place), "rev-parse", "--symbolic-full-name", "HEAD")
        return head == f"refs/heads/{request.revision}"
    if request.pin == "tag":
        return resolve(git, place, f"refs/tags/{request.revision}") == resolve(git, place, "HEAD")
    return resolve(git, place, "HEAD").startswith(request.revision)


def resolve(git: Git, place: Path, name: str) -> str:
    """Return the commit that a name stands for in a clone, or "" (HEAD of an empty repository)."""
    try:
        return git.run("-C", str(place), "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
    except GitFailedError:
        return ""
