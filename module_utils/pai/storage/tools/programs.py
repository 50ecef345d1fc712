# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that mount: found, run for a limited time, and quoted without secrets."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...masking import Masker
from ...processes import find_program, signal_group, with_system_path
from .tool import MountError

_SECONDS_TO_DIE = 1.0
_MOST_OUTPUT = 2**16  # bytes from the end
_LONGEST_QUOTE = 400  # characters
#: What programs say beside what is wrong.
_NOISE = re.compile(
    r"""Refer\ to\ the\ | @{5} | Warning:\ Permanently\ added | read:\ Connection\ reset\ by\ peer
    | write:\ Broken\ pipe | dmesg\(1\)\ may\ have | Use\ "rclone | \s{2}(?!\s*RESPONSE\ Status)
    | \s*$ | (Usage|Flags):$ | .*->\ github\.com/Azure/ | Description= | ,\ Details:""",
    re.VERBOSE,
)
_CLOCK = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a program ended; ``code`` is None where it was killed because its time was over."""

    code: int | None
    words: str


def find(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return the path of a program, or None."""
    given = os.environ if environment is None else environment
    return find_program(name, with_system_path(given), None)


def needed(name: str) -> str:
    """Return the path of a program that is needed now.

    Raises:
        MountError: it is not here (any more).
    """
    found = find(name)
    if found is None:
        raise MountError(f"the program {name} is missing; install it in the image")
    return found


def environment_for(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program that mounts: nothing of the user's but the PATH.

    Proxies, AWS_* and configuration of rclone or ssh in an image would change what is mounted.
    """
    return {**with_system_path(os.environ), "LC_ALL": "C", "HOME": "/nonexistent", **more}


def run(
    words: Sequence[str],
    *,
    deadline: float,
    environment: Mapping[str, str] | None = None,
    secrets: Iterable[str] = (),
) -> Ended:
    """Run a program until it ends or the deadline comes; then it is killed with its group."""
    # A file, not a pipe: what a program leaves in the background must not hold us up.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(words),
            cwd="/",
            env=environment_for(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end(process)
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - _MOST_OUTPUT))
        return Ended(code, quote(output.read(), secrets))


def touch(path: Path, deadline: float) -> bool:
    """Return whether the file system at ``path`` answers; a child asks, for it may never do so."""
    words = [needed("stat"), "-L", str(path)]
    return run(words, deadline=deadline).code == 0


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that still runs, with its group, and wait for it, but not for ever.

    In a system call on a server that is gone even a killed process stays.
    """
    if process.poll() is None:
        signal_group(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_DIE)


def failed(name: str, ended: Ended, missing_path: re.Pattern[str] | None = None) -> MountError:
    """Return the error of a program that did not do its work."""
    if ended.code is None:
        told = f"; it said: {ended.words}" if ended.words else ""
        return MountError(f"{name} was not ready in time and was killed{told}")
    told = ended.words or f"{name} ended with exit code {ended.code} and said nothing"
    return MountError(told, path_missing=bool(missing_path and missing_path.search(told)))


def quote(output: bytes, secrets: Iterable[str]) -> str:
    """Return the last lines that say something, in one line and without secrets.

    >>> quote(b"mount error(13): Permission denied\\nRefer to the mount.cifs(8) manual page\\n", [])
    'mount error(13): Permission denied'
    """
    text = Masker(secrets).text(output.decode("utf-8", "replace"))
    lines = [_CLOCK.sub("", line).strip() for line in text.splitlines() if not _NOISE.match(line)]
    # What is said twice counts where it is said last.
    once = list(dict.fromkeys(reversed(lines)))[:3]
    said = "; ".join(reversed(once))
    return said if len(said) <= _LONGEST_QUOTE else "…" + said[-_LONGEST_QUOTE:]


def quote_file(path: Path, secrets: Iterable[str]) -> str:
    """Return the last lines of a log; nothing where there is no log."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _MOST_OUTPUT))
            return quote(stream.read(), secrets)
    except FileNotFoundError:
        return ""
