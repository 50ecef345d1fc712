"""The failure catalogue is well made; the rules that its entries must keep are in lint.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.lint.lint import (
    Row,
    check_directory,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.catalogue import (
    load_catalogue,
)
from tests.unit.playbooks import ROOT

CATALOGUE = ROOT / "catalogue"
#: code: phrase of the original, which PAI's users know
OLD = {
    128: "ContainerMayFailDueToGpuDeviceEccError",
    130: "ContainerSigIntReceived",
    131: "ContainerSigQuitReceived",
    132: "ContainerSigIllReceived",
    134: "ContainerSigAbrtReceived",
    135: "ContainerSigBusReceived",
    136: "ContainerSigFpeReceived",
    137: "ContainerSigKillReceived",
    139: "ContainerSigSegvReceived",
    141: "ContainerSigPipeReceived",
    143: "ContainerSigTermReceived",
    220: "UserCommandExitWithError",
    221: "ContainerTensorflowOOMKilled",
    222: "ContainerMPISegvFault",
    223: "ContainerCudaUncorrectableECCError",
    224: "ContainerCudaVersionMismatch",
    225: "ContainerCudaDnnVersionMismatch",
    226: "ContainerCudaOOMKilled",
    228: "ContainerIncorrectParameterError",
    229: "ContainerIncorrectDataModelError",
    230: "ContainerInvalidSavePath",
    231: "ContainerSyntaxError",
    232: "ContainerImportError",
    233: "ContainerIndexOutOfRange",
    234: "ContainerSigvFault",
    235: "ContainerEngineCoreDump",
    249: "PAIRuntimeSSHBarrierTimeout",
    250: "FrameworkBarrierTransientFailed",
    251: "JobGangAllocationTimeout",
    252: "FrameworkBarrierPermanentFailed",
    253: "ContainerPortConflict",
    254: "ContainerImageNotExists",
    255: "PAIRuntimeUnknownFailed",
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    rows, problems = check_directory(CATALOGUE)
    assert problems == []
    return rows


def test_the_catalogue_loads_without_problems(rows: list[Row]) -> None:
    catalogue = load_catalogue(CATALOGUE)
    assert catalogue.problems == ()
    assert [entry.phrase for entry in catalogue.entries] == [row.fields["phrase"] for row in rows]


def test_every_old_code_keeps_its_phrase(rows: list[Row]) -> None:
    first = {row.fields["code"]: row.fields["phrase"] for row in reversed(rows)}
    assert OLD.items() <= first.items()


def test_other_codes_are_the_new_classes(rows: list[Row]) -> None:
    assert {row.fields["code"] for row in rows} - set(OLD) <= set(range(236, 248))


def test_broken_files_and_entries_are_told_and_the_others_work(tmp_path: Path) -> None:
    (tmp_path / "1.yml").write_text("a: [")
    (tmp_path / "2.yml").write_text("a: 1")
    (tmp_path / "3.yml").write_text("[{code: 200}, 5, {code: 237, phrase: Good}]")
    catalogue = load_catalogue(tmp_path)
    assert [entry.phrase for entry in catalogue.entries] == ["Good"]
    assert catalogue.problems == (
        f"{tmp_path}/1.yml: line 2, column 1: did not find expected node content; correct "
        "the YAML there",
        f"{tmp_path}/2.yml: expected a list of entries; the file is skipped",
        f"{tmp_path}/3.yml: entry 1: no code of a container; the entry is skipped",
        f"{tmp_path}/3.yml: entry 2: no code of a container; the entry is skipped",
    )


def test_a_missing_catalogue_is_told(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path / "none").problems == (
        f"{tmp_path}/none: no catalogue file (*.yml) there; failures are not explained",
    )
