"""Reports of old and new drivers, and what nvidia-smi says instead of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import gpus

REAL = Path(__file__).parents[1] / "fixtures" / "nvidia-smi-418.xml"
NEW = """<nvidia_smi_log><driver_version>570.10</driver_version><gpu id="00000000:3B:00.0">
<product_name>NVIDIA H100 80GB HBM3</product_name>
<gpu_reset_status><reset_required>{required}</reset_required></gpu_reset_status>
<gpu_recovery_action>{action}</gpu_recovery_action>
<fb_memory_usage><total>81559 MiB</total><used>4 MiB</used></fb_memory_usage>
<ecc_errors><volatile><sram_correctable>7</sram_correctable>
<sram_uncorrectable_parity>1</sram_uncorrectable_parity>
<sram_uncorrectable_secded>0</sram_uncorrectable_secded><dram_uncorrectable>2</dram_uncorrectable>
</volatile><aggregate><sram_uncorrectable_parity>1</sram_uncorrectable_parity>
<dram_uncorrectable>9</dram_uncorrectable></aggregate></ecc_errors>
<retired_pages><double_bit_retirement><retired_count>N/A</retired_count></double_bit_retirement>
<pending_retirement>N/A</pending_retirement></retired_pages>
<remapped_rows><remapped_row_corr>0</remapped_row_corr><remapped_row_unc>3</remapped_row_unc>
<remapped_row_pending>Yes</remapped_row_pending><remapped_row_failure>No</remapped_row_failure>
</remapped_rows><processes><process_info><pid>7</pid></process_info></processes>
</gpu></nvidia_smi_log>"""


def new(action: str = "None", required: str = "No") -> dict:
    (row,) = gpus.parse(NEW.format(action=action, required=required).encode())["gpus"]
    return row


def test_an_old_driver_retires_pages() -> None:
    first, second = gpus.parse(REAL.read_bytes())["gpus"]
    expected = {
        "index": 0,
        "name": "Tesla K80",
        "uncorrectedVolatile": 2,
        "uncorrectedAggregate": 0,
        "pagesRetired": 2,
        "pageRetirementPending": False,
        "rowsRemapped": 0,
        "rowRemapFailed": False,
        "needsReset": False,
    }
    assert expected.items() <= first.items()
    assert second["index"] == 1
    assert first["memoryTotalMiB"] > 10_000


def test_a_new_driver_remaps_rows() -> None:
    expected = {
        "id": "00000000:3B:00.0",
        "uncorrectedVolatile": 3,
        "uncorrectedAggregate": 10,
        "rowsRemapped": 3,
        "rowRemapPending": True,
        "rowRemapFailed": False,
        "pagesRetired": 0,
        "pageRetirementPending": False,
        "needsReset": False,
        "memoryUsedMiB": 4,
        "memoryTotalMiB": 81559,
        "processes": 1,
    }
    assert expected.items() <= new().items()


@pytest.mark.parametrize(
    ("action", "required", "needed"),
    [
        ("Reset", "No", True),
        ("Reset Bus", "N/A", True),
        ("System Reboot", "N/A", True),
        ("Recover IMEX Domain", "N/A", False),
        ("Drain and Reset", "N/A", False),
        ("N/A", "Yes", True),
        ("None", "Requested functionality has been deprecated", False),
        ("GPU requires reset", "N/A", True),
    ],
)
def test_a_needed_reset(action: str, required: str, needed: bool) -> None:
    assert new(action, required)["needsReset"] is needed


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (b"", {}),
        (
            b"Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error\n",
            {
                "gpuProblem": "Unable to determine the device handle for GPU 0000:3B:00.0: "
                "Unknown Error",
                "gpuLost": True,
            },
        ),
        (
            b"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
            {
                "gpuProblem": "NVIDIA-SMI has failed because it couldn't communicate with the "
                "NVIDIA driver.",
                "gpuLost": False,
            },
        ),
        (b"\xff<", {"gpuProblem": "\ufffd<", "gpuLost": False}),
    ],
    ids=["no program", "a lost GPU", "no driver", "binary"],
)
def test_no_report(report: bytes, expected: dict) -> None:
    assert gpus.parse(report) == expected
