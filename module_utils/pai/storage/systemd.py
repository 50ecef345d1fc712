# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the form in which systemd reads them: names, commands, paths, environment files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .tools import programs

_PLAIN = re.compile(r"[\w@+:,./=~-]+", re.ASCII)


def is_here() -> bool:
    """Return whether systemd is installed; it need not run, as while an image is built."""
    return programs.find("systemctl") is not None


def unit_name(mount_point: str) -> str:
    r"""Return the name of the unit of a mount point, escaped as systemd-escape(1) does a path.

    >>> unit_name("/mnt/my-data")
    'openpai-storage-mnt-my\\x2ddata.service'
    """
    parts = "/".join(part for part in mount_point.split("/") if part)
    return f"openpai-storage-{''.join(map(_escaped, parts))}.service"


def text(value: str) -> str:
    """Return a value in which a percent sign means itself (systemd.unit(5), specifiers)."""
    return value.replace("%", "%%")


def path(value: Path) -> str:
    """Return one path of a list of paths."""
    return _quoted(text(str(value)))


def command(words: Sequence[str]) -> str:
    """Return a command line (systemd.service(5), command lines); no variable is expanded in it.

    >>> print(command(["/bin/a", "x=1,y", "b c", "$HOME", "100%"]))
    /bin/a x=1,y "b c" "$$HOME" "100%%"
    """
    return " ".join(_quoted(text(word).replace("$", "$$")) for word in words)


def environment_file(environment: Mapping[str, str]) -> str:
    """Return an environment file (systemd.exec(5), EnvironmentFile=), which a shell reads, too."""
    lines = [f'{name}="{_in_double_quotes(value)}"' for name, value in environment.items()]
    return "".join(f"{line}\n" for line in lines)


def _in_double_quotes(value: str) -> str:
    return re.sub(r'([\\"`$])', r"\\\1", value)


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character == "/":
        return "-"
    if re.fullmatch(r"[A-Za-z0-9:_.]", character):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
