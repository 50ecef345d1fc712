"""Note the command line of every process in a container, as long as a directory is there.

note_command_lines.py DIRECTORY FILE
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

INTERVAL = 0.05  # seconds


def command_lines() -> set[str]:
    """Return those of the processes of this moment, words joined by blanks."""
    found, outside = set(), os.readlink("/proc/self/ns/pid")
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns/pid") == outside:
                continue
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        found.add(b" ".join(words).decode("utf-8", "replace").strip())
    return found


def main() -> None:
    """Write what is new as it comes."""
    directory = Path(sys.argv[1])
    noted: set[str] = set()
    with Path(sys.argv[2]).open("w", encoding="utf-8") as file:
        while directory.exists():
            new = command_lines() - noted
            noted |= new
            file.writelines(f"{line}\n" for line in sorted(new))
            file.flush()
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
