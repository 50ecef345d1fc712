# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's configuration files as texts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..shell_text import quote
from .barrier_marks import QUESTION, Marks
from .material import Material

#: OpenSSH before 7.7 cuts longer lines.
_NAMES_PER_LINE = 50
#: The client's order decides. The first takes it 10 ms, what OpenSSH prefers by itself 67 ms.
_KEX = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384"
#: Of the login, not of the job: sshd sets them.
_OF_THE_LOGIN = ("SHELL", "TERM", "PWD", "OLDPWD", "SHLVL", "_")

_SSHD = """\
# Written by OpenPAI Runtime for this task's own sshd; nothing else reads it.
Port {port}
{listen}HostKey {directory}/host_key
{certificate}PidFile {directory}/sshd.pid
AuthorizedKeysFile {directory}/authorized_keys
# Keys only, and only for the user that the task runs as.
AllowUsers {user}
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
PermitRootLogin prohibit-password
StrictModes yes
UsePAM no
# authorized_keys gives every login the job's environment; the client has no say in it.
PermitUserEnvironment no
PermitUserRC no
KexAlgorithms -*-sha1
Ciphers -*-cbc,arcfour*
MACs -*-md5*,*-sha1*,umac-64*
# A whole job may connect at once.
MaxStartups 1000
MaxSessions 100
LoginGraceTime 60
UseDNS no
PrintMotd no
PrintLastLog no
{sftp}"""

_CLIENT = """\
  User {user}
  IdentityFile {directory}/job_key
  IdentitiesOnly yes
  PreferredAuthentications publickey
  StrictHostKeyChecking yes
  # the global file is one that ssh never writes to, also not where a program of its caller's says
  # StrictHostKeyChecking=no on the command line: so a stranger's key is not remembered
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile {directory}/known_hosts
  CheckHostIP no
  UpdateHostKeys no
  ConnectTimeout 30
  ServerAliveInterval 30
  ServerAliveCountMax 4
  KexAlgorithms {kex}
  LogLevel ERROR
"""

_SESSION = """\
#!/bin/sh
# Written by OpenPAI Runtime. Every login runs this: it has the environment of the job's processes.
if [ "$#" -eq 0 ] && [ "${{SSH_ORIGINAL_COMMAND-}}" = {question} ]; then # another task's barrier
{answer}\
    exit 0
fi
. {environment}
umask {umask}
unset SHLVL # the shell below is the login's first
if [ "$#" -eq 0 ]; then
    [ -n "${{SSH_ORIGINAL_COMMAND-}}" ] || exec "$SHELL"
    set -- "$SSH_ORIGINAL_COMMAND"
    unset SSH_ORIGINAL_COMMAND
fi # else the command that the key is restricted to
case $SHELL in
    # as the shell of a command that ssh starts, it would read ~/.bashrc, which may change PATH
    */bash) exec "$SHELL" --norc -c "$1" ;;
esac
exec "$SHELL" -c "$1"
"""


def sshd_config(
    material: Material, own: tuple[str | None, int], user: str, certified: bool, sftp: str | None
) -> str:
    """Return the server's configuration.

    ``own`` is this task's host and port, ``sftp`` the program that serves sftp and scp.
    """
    host, port = own
    return _SSHD.format(
        port=port,
        directory=material.directory,
        user=user,
        # what only this machine may know listens to nobody else
        listen=f"ListenAddress {host}\n" if _is_loopback(host) else "",
        certificate=f"HostCertificate {material.directory}/host_key-cert.pub\n"
        if certified
        else "",
        sftp=f"Subsystem sftp {sftp}\n" if sftp else "",
    )


def _is_loopback(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def ssh_config(material: Material, user: str) -> str:
    """Return the client's configuration: a block per name, and what is common to all of them."""
    lines = ["# Written by OpenPAI Runtime: the tasks of this job.\n"]
    for alias, (host, port) in material.aliases.items():
        lines.append(
            f"Host {alias}\n"
            f"  HostName {host.replace('%', '%%')}\n"
            f"  Port {port}\n"
            f"  HostKeyAlias {alias.lower()}\n"
        )
    common = _CLIENT.format(user=user, directory=material.directory, kex=_KEX)
    for names in _groups(list(material.aliases)):
        lines.append(f"Host {' '.join(names)}\n{common}")
    return "".join(lines)


def known_hosts(material: Material, authority: str) -> str:
    """Return the only host keys to trust: those that the job's authority has signed."""
    names = sorted({alias.lower() for alias in material.aliases})
    return "".join(f"@cert-authority {','.join(group)} {authority}\n" for group in _groups(names))


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _NAMES_PER_LINE):
        yield names[start : start + _NAMES_PER_LINE]


def session(directory: Path, marks: Marks, umask: int) -> str:
    """Return the script that every login runs; with -1 for ``umask`` it keeps sshd's."""
    return _SESSION.format(
        question=QUESTION,
        answer=marks.answer(),
        environment=f"{directory}/environment",
        umask="022" if umask < 0 else f"{umask:03o}",
    )


def environment_lines(environment: Mapping[str, str]) -> bytes:
    """Return a script that exports what the job's processes have, less what a login has itself."""
    lines = ["# Written by OpenPAI Runtime: the environment of the job's processes.\n"]
    for name, value in environment.items():
        of_the_login = name in _OF_THE_LOGIN or name.startswith("SSH_")
        if not of_the_login and name.isascii() and name.isidentifier():
            lines.append(f"export {name}={quote(value)}\n")
    return b"".join(map(_bytes, lines))


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")
