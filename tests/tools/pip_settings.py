"""Write every setting that pip has here, from files and environment, into one pip.conf.

ansible-test starts pip with a home and an environment of its own, where mirrors and certificates
that came from PIP_* variables or the user's pip.conf would be lost.

    pip_settings.py PIP_CONF
"""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path


def settings() -> configparser.ConfigParser:
    """Return what `pip config list` names; the environment counts more than any file's section."""
    listing = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines()
    config = configparser.ConfigParser(interpolation=None)
    config.read_dict({"global": {"quiet": "2"}, "install": {}})
    # ":env:" sorts before the names of sections, so it is written last
    for line in reversed(lines):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        for target in ("global", "install") if section == ":env:" else (section,):
            config.read_dict({target: {option: ast.literal_eval(value)}})
    return config


def main() -> None:
    """Write the file."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as file:
        settings().write(file)


if __name__ == "__main__":
    main()
