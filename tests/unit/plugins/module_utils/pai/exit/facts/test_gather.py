"""All facts together: side by side, for a limited time, and kept as they were at first."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import gather
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts.gather import (
    Gathering,
    Scene,
)

STARTED, ENDED = "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"
GPU = b"""<nvidia_smi_log><gpu id="0000:3B:00.0"><product_name>A100</product_name><ecc_errors>
<volatile><dram_uncorrectable>2</dram_uncorrectable></volatile></ecc_errors></gpu></nvidia_smi_log>"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name in ("work", "logs", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("PATH", str(tmp_path / "tmp"))
    return Scene(tmp_path / "work", tmp_path / "logs", STARTED, ENDED)


def program(scene: Scene, script: str) -> None:
    path = scene.work_dir.parent / "tmp" / "nvidia-smi"
    path.write_text(script)
    path.chmod(stat.S_IRWXU)


def log(scene: Scene, name: str, seconds_before_the_end: float) -> None:
    path = scene.log_dir / name / "current"
    path.parent.mkdir()
    path.write_text("step 1\n")
    moment = (gather.seconds(ENDED) or 0.0) - seconds_before_the_end
    os.utime(path, (moment, moment))


def test_what_does_not_apply_is_absent(scene: Scene) -> None:
    found = Gathering(scene, 60.0).facts()
    assert set(found) <= {"memory", "disks"}
    assert found["disks"][0]["path"] == str(scene.work_dir)


def test_a_cgroup_without_counters_is_absent(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    root = gather.cgroup.Place(2, scene.work_dir, scene.work_dir)
    monkeypatch.setattr(gather.cgroup, "here", lambda: root)
    assert "memory" not in Gathering(scene, 60.0).facts()
    (scene.work_dir / "memory.current").write_text("7\n")
    assert Gathering(scene, 60.0).facts()["memory"]["usedBytes"] == 7


def test_the_gpus_are_asked(scene: Scene) -> None:
    program(scene, f"#!/bin/sh\necho '{GPU.decode()}'\n")
    found = Gathering(scene, 60.0).facts()
    assert gather.broken_gpus(found) == "GPU 0 (A100, 0000:3B:00.0): 2 double-bit ECC errors"


def test_the_kernels_log_is_searched_for_the_gpus_of_this_container(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = scene.work_dir.parent
    (root / "gpus" / "0000:3b:00.0").mkdir(parents=True)
    lost, other = (f"NVRM: Xid (PCI:0000:{bus}:00): 79, GPU has fallen" for bus in ("3b", "af"))
    monkeypatch.setattr(gather, "_NVIDIA", root / "gpus")
    monkeypatch.setattr(gather.kernel_log, "read", lambda _begin: [other, lost])
    (row,) = Gathering(scene, 60.0).facts()["xids"]
    assert (row["code"], row["id"], row["text"]) == (79, "0000:3b:00", lost)


def test_gpus_in_order_are_not_told() -> None:
    row = {"index": 0, "name": "A100", "id": "x", "uncorrectedVolatile": 0}
    assert gather.broken_gpus({"gpus": [row]}) is None
    assert gather.broken_gpus({}) is None


def test_how_long_the_log_was_quiet(scene: Scene) -> None:
    log(scene, "user-stdout", 900)
    log(scene, "user-stderr", 700)
    assert Gathering(scene, 60.0).facts()["quietSeconds"] == 700


def test_kills_since_the_start(scene: Scene) -> None:
    place = gather.cgroup.here()
    if place is None:
        pytest.skip("no cgroup counts memory here")
    now = gather.cgroup.counters(place)
    if now["oomKills"] is None:
        pytest.skip("the kernel does not count kills here")
    start = {**now, "oomKills": now["oomKills"] - 3}
    (scene.work_dir / "facts-start.json").write_text(json.dumps({"memory": start}))
    assert Gathering(scene, 60.0).facts()["memory"]["oomKills"] == 3


def test_the_error_of_torch(scene: Scene) -> None:
    content = {"message": {"message": "ValueError: x", "extraInfo": {"py_callstack": "T"}}}
    path = scene.log_dir / "torch-error.json"
    path.write_text(json.dumps(content))
    moment = (gather.seconds(STARTED) or 0.0) + 5
    os.utime(path, (moment, moment))
    found = Gathering(scene, 60.0).facts()
    assert found["torchError"] == {"message": "ValueError: x", "traceback": "T"}


def test_who_does_not_answer_holds_nobody_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    hanging = {"hanging": lambda _scene: never.wait() and {}}
    monkeypatch.setattr(gather, "COLLECTORS", {**hanging, **gather.COLLECTORS})
    began = time.monotonic()
    found = Gathering(scene, 1.0).facts()
    assert time.monotonic() - began < 30
    never.set()
    assert "disks" in found


def test_a_damaged_file_costs_only_its_own_facts(scene: Scene) -> None:
    (scene.work_dir / "storage").mkdir()
    (scene.work_dir / "storage" / "mounts.json").write_text("{")
    (scene.work_dir / "facts-start.json").write_text("[")
    found = Gathering(scene, 60.0).facts()
    assert "mounts" not in found
    assert "disks" in found


KNOWN = {"disks": [{"path": "/x"}]}


@pytest.mark.parametrize(
    ("report", "started", "age", "expected"),
    [
        pytest.param({"facts": KNOWN, "startedAt": STARTED}, STARTED, 0, KNOWN, id="the same end"),
        pytest.param({"facts": KNOWN, "startedAt": ENDED}, STARTED, 0, {}, id="another run"),
        pytest.param({"facts": KNOWN}, None, 0, KNOWN, id="no time of a start"),
        pytest.param({"facts": KNOWN, "startedAt": STARTED}, STARTED, 9, {}, id="an earlier end"),
        pytest.param({"facts": [], "startedAt": STARTED}, STARTED, 0, {}, id="damaged"),
        pytest.param({"startedAt": STARTED}, STARTED, 0, {}, id="none yet"),
    ],
)
def test_the_facts_of_the_first_look_count(
    tmp_path: Path, report: dict, started: str | None, age: int, expected: dict
) -> None:
    outcome, path = tmp_path / "outcome.json", tmp_path / "exit.json"
    outcome.write_text("{}")
    path.write_text(json.dumps(report))
    now = outcome.stat().st_mtime
    os.utime(path, (now - age, now - age))
    os.utime(outcome, (now, now))
    assert gather.earlier(path, outcome, started) == expected


def test_without_a_report_there_are_no_earlier_facts(tmp_path: Path) -> None:
    assert gather.earlier(tmp_path / "exit.json", tmp_path / "outcome.json", STARTED) == {}


@pytest.mark.parametrize("moment", [None, "", "yesterday", "2026-11-24"])
def test_what_is_no_moment(moment: str | None) -> None:
    assert gather.seconds(moment) is None
