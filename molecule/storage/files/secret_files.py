#!/opt/openpai-runtime/.venv/bin/python
"""Print mode and path of every file in the container that holds one of the secrets.

secret_files.py SECRETS      SECRETS is a YAML file, NAME: VALUE
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

# ruff: noqa: S108 - it looks into them
DIRECTORIES = ("/usr/local", "/etc", "/root", "/home", "/tmp", "/var", "/run", "/mnt", "/dev/shm")


def files(directory: str) -> Iterator[Path]:
    """Yield all regular files below a directory, on its file system."""
    device = os.stat(directory).st_dev
    for folder, folders, names in os.walk(directory):
        folders[:] = [one for one in folders if os.lstat(Path(folder, one)).st_dev == device]
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def parts(secret: str) -> list[bytes]:
    """Return what shows a secret: the value, of a private key its own lines."""
    lines = secret.splitlines()
    return [line.encode() for line in (lines[2:-1] if len(lines) > 2 else lines)]


def main() -> None:
    """Search."""
    secrets = yaml.safe_load(Path(sys.argv[1]).read_text())
    wanted = [
        part for name, value in secrets.items() if "public" not in name for part in parts(value)
    ]
    for directory in DIRECTORIES:
        for path in files(directory):
            content = path.read_bytes()
            if any(part in content for part in wanted):
                print(f"secret in {path.stat().st_mode & 0o777:o} {path}")


if __name__ == "__main__":
    main()
