# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program git, run so that it never asks, never shows a credential and speaks English."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from .errors import RuntimeConfigError
from .git_request import Address
from .processes import find_program
from .shell import end_group

# What a user may set for git; not GIT_DIR, GIT_TRACE* (it may print credentials) and the like.
_KEPT = re.compile(
    "GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_.*|SSL_.*|HTTP_.*|LFS_.*|EXEC_PATH"
    "|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_.*|VALUE_.*))"
)
# Another try changes nothing about these; whatever is not among them is tried again.
_PERMANENT = re.compile(
    r"""Authentication\ failed | could\ not\ read\ (Username|Password) | Permission\ denied
    | Host\ key\ verification\ failed | [Aa]ccess\ denied | invalid\ credentials
    | returned\ error:\ (401|403|404|410)\b | repository\ .*not\ found | does\ not\ exist
    | Repository\ not\ found | does\ not\ appear\ to\ be\ a\ git\ repository
    | Remote\ branch\ .*\ not\ found | couldn't\ find\ remote\ ref | not\ our\ ref
    | unadvertised\ object | is\ not\ a\ git\ command | transport\ .*\ not\ (allowed|supported)
    | Unable\ to\ find\ remote\ helper | [Uu]nknown\ option | No\ space\ left
    | Read-only\ file\ system
    | SSL\ certificate\ problem | certificate\ verification\ failed | is\ not\ a\ commit
    | reference\ is\ not\ a\ tree | dumb\ http\ transport""",
    re.VERBOSE,
)
_LONGEST_QUOTE = 300  # characters


class GitFailedError(RuntimeConfigError):
    """git ended with an error; the message is git's own.

    ``exit_code`` is git's, ``permanent`` tells whether another try is of no use.
    """

    def __init__(self, message: str, exit_code: int, permanent: bool) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.permanent = permanent


@dataclasses.dataclass(frozen=True)
class Git:
    """The program on the user's PATH, and the environment and umask (-1: ours) it gets."""

    program: str
    environment: Mapping[str, str]
    settings: tuple[str, ...] = ()
    umask: int = -1

    @classmethod
    def find(cls, environment: Mapping[str, str], umask: int = -1) -> Git:
        """Return the git that the environment's PATH leads to.

        Raises:
            RuntimeConfigError: there is none.
        """
        program = find_program("git", environment, directory=None)
        if program is None:
            path = environment.get("PATH", os.defpath)
            raise RuntimeConfigError(
                f"there is no program git on the image's PATH ({path}); install git in the image"
            )
        return cls(program, git_environment(environment), umask=umask)

    @contextlib.contextmanager
    def knowing(self, address: Address, directory: Path) -> Iterator[Git]:
        """Give a git that can log in at the address's server, and at no other.

        The credential is in a file of mode 0600 below ``directory`` while the block runs. git
        itself chooses a credential helper by server; a program named by GIT_ASKPASS would have to
        tell from the text of the question which server (a submodule's, say) wants to know.
        """
        if not address.has_credential:
            yield self
            return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix="git-", dir=directory))  # 0700
        try:
            file = private / "credential"
            content = f"username={address.username}\npassword={address.password}\n"
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content.encode("utf-8", "surrogateescape"))
            yield dataclasses.replace(self, settings=_login_settings(address, file))
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """Run git and return what it wrote to its standard output, without the last newline.

        Raises:
            GitFailedError: git ended with an error.
        """
        # Files, not pipes: what git leaves in the background must not hold us up.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [self.program, *self.settings, *arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                umask=self.umask,
                start_new_session=True,  # also without a terminal, which ssh would ask at
            )
            try:
                code = process.wait()
            except BaseException:  # our own end: git must not go on without us
                end_group(process)
                raise
            if code:
                raise failure(_content(errors), code)
            return _content(output).rstrip("\n")


def git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment for a git that writes English and does not ask."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    kept.pop("LANGUAGE", None)
    # A server that says nothing for two minutes has gone; git would wait for it without end.
    limits = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "120"}
    return {**limits, **kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def failure(text: str, code: int) -> GitFailedError:
    """Return the error that git's messages and exit code (negative: a signal) tell.

    >>> str(failure("Cloning into 'x'...\\nfatal: repository 'y' does not exist\\n", 128))
    "fatal: repository 'y' does not exist"
    """
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    lines = [line for line in lines if not line.startswith(("Cloning into", "usage:"))]
    last = max((n for n, line in enumerate(lines) if line.startswith("fatal:")), default=None)
    # ssh's own complaint and a server's "remote:" line stand right above git's, advice below it.
    told = lines[-1:] if last is None else lines[max(last - 1, 0) : last + 1]
    quote = "; ".join(told)[-_LONGEST_QUOTE:] or "git said nothing"
    permanent = code == 129 or bool(_PERMANENT.search(text))  # 129: git does not know an option
    return GitFailedError(quote, code if code > 0 else 128 - code, permanent)


def _login_settings(address: Address, file: Path) -> tuple[str, ...]:
    helper = f'!login() {{ if [ "$1" = get ]; then cat {shlex.quote(str(file))}; fi; }}; login'
    login = ("-c", f"credential.{address.server}.helper={helper}")
    # An empty helper makes git forget those of the user, who may mean them to add a password.
    return ("-c", "credential.helper=", *login) if address.password else login


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
