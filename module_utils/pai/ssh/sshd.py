# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task's own sshd: found, checked, started, told of changes and stopped, without systemd."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import MachineError
from ..files import PUBLIC
from ..processes import find_program, start_time, with_system_path
from ..replacing import replace
from ..work_dir import read_json

_SECONDS_TO_LISTEN = 20.0
_SECONDS_TO_END = 5.0
#: What not every OpenSSH knows. Penalties (9.8) would shut out a machine whose many tasks connect
#: at once. SHLVL (7.8) keeps bash from reading ~/.bashrc before it starts the session's script: it
#: does that when sshd has started it and no other shell has, and some files take a second.
_OPTIONAL: tuple[str, ...] = ("PerSourcePenalties=no", "SetEnv=SHLVL=1")
_UNKNOWN_OPTION = "Bad configuration option: "
#: What sshd reads once, when it starts; authorized_keys it reads at every login.
_READ_AT_START = ("sshd_config", "host_key", "host_key-cert.pub")


class SshdError(MachineError):
    """sshd is missing or does not start."""


def find_sshd(environment: Mapping[str, str]) -> str:
    """Return the path of sshd.

    Raises:
        SshdError: there is none in the image.
    """
    program = find_program("sshd", with_system_path(environment), None)
    if program is None:
        raise SshdError(
            "there is no sshd in the image, so nobody can log in here; install it in the image"
            " (package openssh-server), set PAI_SSH_INSTALL=true, or give the plugin"
            " failurePolicy: ignore"
        )
    return program


@dataclasses.dataclass(frozen=True)
class Sshd:
    """sshd with the files of one directory."""

    program: str
    directory: Path

    @property
    def _record(self) -> Path:
        return self.directory / "sshd.json"

    @property
    def log(self) -> Path:
        """Where sshd writes who came, and why somebody was refused."""
        return self.directory / "sshd.log"

    def running(self) -> int | None:
        """Return the process id of the sshd that we started, or None."""
        record = read_json(self._record, dict) or {}
        pid = record.get("pid")
        if isinstance(pid, int) and record.get("started") == start_time(pid):
            return pid
        return None

    def due(self) -> str | None:
        """Return what is to be done so that it runs with the files as they are: None: nothing."""
        if self.running() is None:
            return "start sshd"
        record = read_json(self._record, dict) or {}
        return None if record.get("digest") == self._digest() else "reload sshd"

    def perform(self) -> None:
        """Check the files, then start sshd or have it read them again.

        Raises:
            SshdError: sshd refuses the files or cannot listen.
        """
        options = self._check()
        pid = self.running()
        if pid is None:
            self._start(options)
            return
        (self.directory / "sshd.pid").unlink(missing_ok=True)
        os.kill(pid, signal.SIGHUP)  # it executes itself again and keeps its number
        self._wait(pid, None)
        self._write_record(pid)

    def stop(self) -> bool:
        """Stop the sshd that we started; True where there was one. Open sessions go on."""
        pid = self.running()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + _SECONDS_TO_END
            while self.running() is not None and time.monotonic() < deadline:
                time.sleep(0.01)
            if self.running() is not None:
                os.kill(pid, signal.SIGKILL)
        self._record.unlink(missing_ok=True)
        return pid is not None

    def _check(self) -> Sequence[str]:
        """Return the options that this sshd knows, after it has accepted the configuration."""
        known = _OPTIONAL
        while problem := self._problem(known):
            unknown = problem.partition(_UNKNOWN_OPTION)[2]
            fewer = tuple(one for one in known if one.partition("=")[0] != unknown)
            if fewer != known:
                known = fewer
            elif problem.startswith("Missing privilege separation directory") and not os.geteuid():
                Path(problem.rpartition(" ")[2]).mkdir(mode=0o755, parents=True, exist_ok=True)
            else:
                raise SshdError(f"{self.program}: {problem}{_remedy(problem)}")
        return known

    def _problem(self, options: Sequence[str]) -> str:
        """Return why sshd refuses its configuration; empty where it does not."""
        done = subprocess.run(
            [self.program, "-t", "-f", str(self.directory / "sshd_config"), *_words(options)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return "" if done.returncode == 0 else (said or ["it refuses its configuration"])[-1]

    def _start(self, options: Sequence[str]) -> None:
        (self.directory / "sshd.pid").unlink(missing_ok=True)
        seen = self.log.stat().st_size if self.log.exists() else 0
        configuration = str(self.directory / "sshd_config")
        process = subprocess.Popen(
            # -D: it stays the process that we started, whose end we see
            [self.program, "-D", "-f", configuration, "-E", str(self.log), *_words(options)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait(process.pid, process)
            self._write_record(process.pid)
        except BaseException as error:
            process.kill()
            process.wait()
            if isinstance(error, SshdError):
                raise SshdError(f"{error}; {self.log} says: {self._said(seen)}") from None
            raise

    def _wait(self, pid: int, process: subprocess.Popen[bytes] | None) -> None:
        """Return when sshd listens, which is when it writes its number into a file."""
        deadline = time.monotonic() + _SECONDS_TO_LISTEN
        while not (self.directory / "sshd.pid").exists():
            ended = process.poll() is not None if process else start_time(pid) is None
            if ended or time.monotonic() >= deadline:
                state = "has ended" if ended else "does not listen"
                raise SshdError(f"{self.program} {state}")
            time.sleep(0.005)

    def _said(self, seen: int) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(seen)
                lines = file.read(65536).decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return "; ".join(line.strip() for line in lines[-3:] if line.strip()) or "nothing"

    def _write_record(self, pid: int) -> None:
        record = {"pid": pid, "started": start_time(pid), "digest": self._digest()}
        replace(self._record, json.dumps(record).encode(), PUBLIC)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name in _READ_AT_START:
            path = self.directory / name
            content = path.read_bytes() if path.exists() else b""
            digest.update(b"%d:" % len(content) + content)
        return digest.hexdigest()


def _words(options: Sequence[str]) -> Iterator[str]:
    return (f"-o{option}" for option in options)


def _remedy(problem: str) -> str:
    if "rivilege separation user" in problem:
        return "; add it in the image: useradd --system --no-create-home --home /run/sshd sshd"
    if "privilege separation directory" in problem:
        return "; make it in the image, with mode 0755 and root as its owner"
    return "; install an OpenSSH of 7.5 or newer"
