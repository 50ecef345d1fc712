"""Measure how long it takes to mount 1, 4 and 16 storages side by side, and to find them mounted.

Prints one line of JSON per number of mounts: the seconds of the whole, and, summed over the mounts,
those of their tools and of the runtime (they overlap: four mounts are at work at once).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.apply import Mounter
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.model import Request
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.outcome import Outcome
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.removal import Remover
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.sight import Ways
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import Store
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.together import (
    Bounds,
    mount_all,
    unmount_all,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import TOOLS
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.types import recipe_for

BOUNDS = Bounds(workers=4, seconds=60)
MASKER = Masker([])


def requests(kind: str, number: int) -> list[Request]:
    """Return mounts of one server, at different mount points."""
    servers = yaml.safe_load(Path(os.environ["PAI_STORAGE_FILE"]).read_text())["servers"]
    server = next(one for one in servers if one["spn"] == kind)
    return [
        Request(
            name=f"{kind}-{index}",
            type=server["type"],
            server=server,
            path="",
            mount_point=Path(f"/mnt/{kind}-{index}"),
            read_only=False,
            mode="mount",
            options=(),
            place="timings",
        )
        for index in range(number)
    ]


def done(started: float, outcomes: list[Outcome], state: str) -> dict[str, float]:
    """Return the seconds of a run that must have ended well."""
    seconds = time.monotonic() - started
    others = [outcome.msg or outcome.state for outcome in outcomes if outcome.state != state]
    if others:
        raise SystemExit(f"not {state}: {others}")
    tools = sum(outcome.tool_seconds for outcome in outcomes)
    ours = sum(outcome.seconds for outcome in outcomes) - tools
    return {"seconds": round(seconds, 2), "of_tools": round(tools, 2), "ours": round(ours, 2)}


def measure(kind: str, number: int) -> dict[str, object]:
    """Mount, mount again, and unmount."""
    wanted = requests(kind, number)
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        mounter = Mounter(store, Ways(recipe_for, TOOLS, os.environ))
        times = {}
        for label, state in (("first", "mounted"), ("second", "unchanged")):
            started = time.monotonic()
            times[label] = done(started, mount_all(wanted, mounter, BOUNDS, MASKER), state)
        started = time.monotonic()
        outcomes = unmount_all(store.records(), Remover(store, TOOLS), BOUNDS, MASKER)
        times["unmount"] = done(started, outcomes, "unmounted")
    return {"kind": kind, "mounts": number, **times}


if __name__ == "__main__":
    for storage in ("files", "s3"):
        for many in (1, 4, 16):
            print(json.dumps(measure(storage, many)), flush=True)
