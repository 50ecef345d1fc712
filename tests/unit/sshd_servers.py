"""Real sshd servers on the loopback, with keys of their own, for tests and benchmarks.

Their logins run the same script as those of a task.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import configs
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.barrier_marks import Marks

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
HOST = "127.0.0.1"
#: Ports that one sshd can listen on.
MOST_PORTS = 16


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


class SshdServers:
    """Servers by alias, and the client configuration that knows them; use it in a ``with`` block.

    Every server tells its sessions the work directory ``directory/ALIAS``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("user", "stranger", "host", "other_host"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name]
            subprocess.run(command, check=True)
        if os.geteuid() == 0:  # sshd's own directory for root
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def __enter__(self) -> SshdServers:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End every server by its own process."""
        for alias in tuple(self._running):
            self.stop(alias)

    @property
    def client_configuration(self) -> Path:
        """The file for ``ssh -F``."""
        return self.directory / "ssh_config"

    def work_dir(self, alias: str) -> Path:
        """Return the work directory of a server's task, made if missing."""
        path = self.directory / alias
        path.mkdir(exist_ok=True)
        return path

    def know(self, *aliases: str, host: str = HOST) -> None:
        """Choose ports for aliases and tell the client of them."""
        for alias in aliases:
            self.ports.setdefault(alias, free_port())
            with self.client_configuration.open("a") as file:
                file.write(
                    f"Host {alias}\n HostName {host}\n Port {self.ports[alias]}\n"
                    f" HostKeyAlias {alias}\n IdentityFile {self.directory}/user\n"
                    f" IdentitiesOnly yes\n UserKnownHostsFile {self.directory}/known_hosts\n"
                    " StrictHostKeyChecking yes\n GlobalKnownHostsFile none\n LogLevel ERROR\n"
                    " KexAlgorithms curve25519-sha256\n"
                )
            key = (self.directory / "host.pub").read_text()
            with (self.directory / "known_hosts").open("a") as file:
                file.write(f"{alias} {key}")

    def start(self, *aliases: str, host_key: str = "host", user: str = "user") -> None:
        """Start one sshd for up to 16 aliases, and wait until it listens on all their ports."""
        first = aliases[0]
        configuration = self.directory / f"sshd_config.{first}"
        ports = "".join(f"Port {self.ports[alias]}\n" for alias in aliases)
        configuration.write_text(
            f"{ports}ListenAddress {HOST}\nHostKey {self.directory}/{host_key}\n"
            f"AuthorizedKeysFile {self._authorized_keys(first, user)}\n"
            "PidFile none\nStrictModes no\n"
            "UsePAM no\nPasswordAuthentication no\nMaxStartups 1000\nPermitRootLogin yes\n"
            "SetEnv SHLVL=1\n"
        )
        log = (self.directory / f"sshd.log.{first}").open("wb")
        with log:
            command = [str(SSHD), "-D", "-e", "-f", configuration, *_options(configuration)]
            self._running[first] = subprocess.Popen(command, stdin=-3, stdout=log, stderr=log)
        for alias in aliases:
            while not _listens(self.ports[alias]):
                if self._running[first].poll() is not None:
                    said = (self.directory / f"sshd.log.{first}").read_text()
                    raise RuntimeError(f"sshd of {getpass.getuser()} has ended: {said}")

    def _authorized_keys(self, alias: str, user: str) -> Path:
        """Write the script that logins run; return the file that has them run it."""
        work_dir = self.work_dir(alias)
        place = work_dir / "ssh"
        place.mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "PAI_RUNTIME_WORK_DIR": str(work_dir)}
        (place / "environment").write_bytes(configs.environment_lines(environment))
        session = place / "session"
        session.write_text(configs.session(place, Marks(work_dir, ""), -1))
        session.chmod(0o700)
        path = place / "authorized_keys"
        path.write_text(f'command="{session}" {(self.directory / f"{user}.pub").read_text()}')
        return path

    def stop(self, alias: str) -> None:
        """End a server."""
        process = self._running.pop(alias)
        process.terminate()
        process.wait()


def _options(configuration: Path) -> list[str]:
    """Return the option with which newer servers do not shut out who has failed, as these must."""
    option = "-oPerSourcePenalties=no"
    command = [str(SSHD), "-t", "-f", configuration, option]
    return [option] if subprocess.run(command, stderr=-3).returncode == 0 else []


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
