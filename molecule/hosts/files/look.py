"""Tell what is true on a machine that mounts storages, as JSON.

SECRETS in the environment is a JSON list of what nobody may read.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

UNITS = Path("/etc/systemd/system")
STATE = Path("/var/lib/openpai")
SECRETS = [secret.encode() for secret in json.loads(os.environ["SECRETS"])]


def output(*command: str) -> str:
    """Return what a command says, to whichever of the two streams."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def mounts() -> dict[str, list[str]]:
    """Return source, kind and options of what is mounted below /mnt."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    rows = [[field.replace("\\040", " ") for field in line] for line in lines]
    return {row[1]: [row[0], *row[2:4]] for row in rows if row[1].startswith("/mnt/")}


def holders() -> dict[str, str]:
    """Return the files that hold a secret, with their modes."""
    found = {}
    for top in ("/etc", "/var", "/run", "/tmp", "/root", "/home", "/usr/local"):  # noqa: S108
        for folder, _folders, names in os.walk(top):
            for path in (Path(folder, name) for name in names):
                if path.is_file() and not path.is_symlink() and held(path):
                    found[str(path)] = stat.filemode(path.stat().st_mode)
    return found


def held(path: Path) -> bool:
    """Return whether the file holds a secret; what cannot be read holds none."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return any(secret in content for secret in SECRETS)


def main() -> None:
    """Print it."""
    units = sorted(UNITS.glob("openpai-storage-*"))
    wanted = sorted((UNITS / "multi-user.target.wants").glob("openpai-storage-*"))
    known = mounts()
    places = sorted(STATE.rglob("*")) if STATE.exists() else []
    told = {
        "mounts": known,
        "files": {place: sorted(os.listdir(place)) for place in known},
        "directories": sorted(os.listdir("/mnt")),
        "fstab": Path("/etc/fstab").read_text("utf-8"),
        "units": {unit.name: unit.read_text("utf-8") for unit in units},
        "wanted": {link.name: os.readlink(link) for link in wanted},
        "active": {unit.name: output("systemctl", "is-active", unit.name) for unit in units},
        "loaded": output("systemctl", "list-unit-files", "--no-legend", "openpai-storage-*"),
        "verified": [output("systemd-analyze", "verify", str(unit)) for unit in units],
        "state": {str(path): stat.filemode(path.stat().st_mode) for path in [STATE, *places]}
        if places
        else {},
        "secrets": holders(),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
