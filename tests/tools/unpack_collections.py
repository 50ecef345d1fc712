"""Put the collections that requirements.yml pins below a directory, without Galaxy.

The `ansible` wheel of constraints.txt contains them all; what is asked for is unpacked from it.

    unpack_collections.py REQUIREMENTS_YML DIRECTORY
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"


def wanted(requirements: Path) -> dict[str, str]:
    """Return the version of every collection, by its full name."""
    entries = yaml.safe_load(requirements.read_text(encoding="utf-8"))["collections"]
    return {entry["name"]: entry["version"].removeprefix("==") for entry in entries}


def download(directory: Path) -> Path:
    """Return the `ansible` wheel of the locked version, downloaded by pip."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq"]
    options = [
        "--no-deps",
        "--only-binary=:all:",
        f"--constraint={CONSTRAINTS}",
        f"--dest={directory}",
    ]
    subprocess.run([*pip, *options, "ansible"], check=True)
    return next(directory.glob("ansible-*.whl"))


def unpack(wheel: zipfile.ZipFile, name: str, version: str, target: Path) -> None:
    """Unpack one collection; end the program where the wheel holds another version."""
    prefix = f"ansible_collections/{name.replace('.', '/')}/"
    manifest = json.loads(wheel.read(f"{prefix}MANIFEST.json"))
    found = manifest["collection_info"]["version"]
    if found != version:
        sys.exit(
            f"requirements.yml: {name} is pinned to {version}, "
            f"but the ansible wheel of constraints.txt holds {found}"
        )
    wheel.extractall(target, [member for member in wheel.namelist() if member.startswith(prefix)])


def main() -> None:
    """Fill the directory anew, so that nothing of an earlier version stays."""
    requirements, target = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(target, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        zipfile.ZipFile(download(Path(scratch))) as wheel,
    ):
        for name, version in wanted(requirements).items():
            unpack(wheel, name, version, target)


if __name__ == "__main__":
    main()
