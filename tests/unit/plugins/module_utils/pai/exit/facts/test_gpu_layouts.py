"""What drivers from 470 to 580 print of sound, divided, virtual, ailing and lost GPUs."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.facts import gpus, words
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.gpu import double_bit_errors

HEAD = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'
REMAPPED = """<remapped_rows><remapped_row_corr>0</remapped_row_corr>
<remapped_row_unc>{unc}</remapped_row_unc><remapped_row_pending>{pending}</remapped_row_pending>
<remapped_row_failure>{failure}</remapped_row_failure><row_remapper_histogram>
<row_remapper_histogram_max>640 bank(s)</row_remapper_histogram_max></row_remapper_histogram>
</remapped_rows>"""
NO_PAGES = """<retired_pages><multiple_single_bit_retirement><retired_count>N/A</retired_count>
<retired_pagelist>N/A</retired_pagelist></multiple_single_bit_retirement><double_bit_retirement>
<retired_count>N/A</retired_count></double_bit_retirement>
<pending_blacklist>N/A</pending_blacklist><pending_retirement>N/A</pending_retirement>
</retired_pages>"""
#: A counter of SRAM as a whole, and one that is divided, with the sources of its errors.
WHOLE = """<{kind}><sram_correctable>0</sram_correctable>
<sram_uncorrectable>{sram}</sram_uncorrectable><dram_correctable>0</dram_correctable>
<dram_uncorrectable>{dram}</dram_uncorrectable></{kind}>"""
DIVIDED = """<{kind}><sram_correctable>0</sram_correctable>
<sram_uncorrectable_parity>{sram}</sram_uncorrectable_parity>
<sram_uncorrectable_secded>{sram}</sram_uncorrectable_secded><dram_correctable>0</dram_correctable>
<dram_uncorrectable>{dram}</dram_uncorrectable></{kind}>"""
SOURCES = """<aggregate_uncorrectable_sram_sources><sram_l2>9</sram_l2><sram_sm>9</sram_sm>
</aggregate_uncorrectable_sram_sources>"""
PART = """<mig_device><index>{index}</index><gpu_instance_id>{index}</gpu_instance_id>
<ecc_error_count><volatile_count><sram_uncorrectable>{sram}</sram_uncorrectable></volatile_count>
</ecc_error_count><fb_memory_usage><total>19968 MiB</total><used>19 MiB</used></fb_memory_usage>
</mig_device>"""
STATUS = """<gpu_reset_status><reset_required>{required}</reset_required>
<drain_and_reset_recommended>{advised}</drain_and_reset_recommended></gpu_reset_status>"""
OLD = "Requested functionality has been deprecated"
BAD = {
    "uncorrectedVolatile": 0,
    "uncorrectedAggregate": 0,
    "rowRemapPending": False,
    "rowRemapFailed": False,
    "pageRetirementPending": False,
    "repairPending": False,
    "lost": False,
    "needsReset": False,
    "resetAdvised": False,
}


def report(*parts: str, name: str = "NVIDIA A100-SXM4-40GB") -> bytes:
    gpu = f'<gpu id="00000000:3B:00.0"><product_name>{name}</product_name>{"".join(parts)}</gpu>'
    return f"{HEAD}<nvidia_smi_log><attached_gpus>1</attached_gpus>{gpu}</nvidia_smi_log>".encode()


def errors(layout: str, now: tuple[int, int] = (0, 0), ever: tuple[int, int] = (0, 0)) -> str:
    """Return counters: of SRAM and DRAM since the last reset, and as long as the card is."""
    kinds = (("volatile", *now), ("aggregate", *ever))
    texts = (layout.format(kind=kind, sram=sram, dram=dram) for kind, sram, dram in kinds)
    return f"<ecc_errors>{''.join(texts)}</ecc_errors>"


def memory(total: str = "81559 MiB", used: str = "4 MiB") -> str:
    return f"<fb_memory_usage><total>{total}</total><used>{used}</used></fb_memory_usage>"


def remapped(unc: int = 0, pending: str = "No", failure: str = "No") -> str:
    return REMAPPED.format(unc=unc, pending=pending, failure=failure)


def status(required: str, advised: str) -> str:
    return STATUS.format(required=required, advised=advised)


def action(name: str) -> str:
    return f"{status(OLD, OLD)}<gpu_recovery_action>{name}</gpu_recovery_action>"


def parted(*sram: int) -> str:
    parts = "".join(PART.format(index=index, sram=count) for index, count in enumerate(sram))
    mode = "<mig_mode><current_mig>Enabled</current_mig></mig_mode>"
    return f"{mode}<mig_devices>{parts}</mig_devices>"


UNPARTED = "<mig_mode><current_mig>N/A</current_mig></mig_mode><mig_devices>\nNone\n</mig_devices>"
UNKNOWN = errors(WHOLE).replace(">0<", ">N/A<")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            report(UNPARTED, memory(), errors(WHOLE, ever=(1, 2)), NO_PAGES, remapped()),
            {"uncorrectedAggregate": 3},
            id="470, errors of another day",
        ),
        pytest.param(
            report(memory(), errors(WHOLE, (1, 2), (1, 2)), remapped(2, "Yes")),
            {"uncorrectedVolatile": 3, "uncorrectedAggregate": 3, "rowRemapPending": True},
            id="470, a row waits for the next reset",
        ),
        pytest.param(
            report(parted(0, 2), memory(used="N/A"), UNKNOWN, "<remapped_rows>N/A</remapped_rows>"),
            {"uncorrectedVolatile": 2},
            id="510, a part of a divided GPU has errors",
        ),
        pytest.param(
            report(memory(), status("Yes", "N/A"), errors(WHOLE), remapped()),
            {"needsReset": True},
            id="535, a reset is required",
        ),
        pytest.param(
            report(memory(), status("No", "Yes"), errors(WHOLE, (0, 1), (0, 1)), remapped()),
            {"uncorrectedVolatile": 1, "uncorrectedAggregate": 1, "resetAdvised": True},
            id="535, a reset when its processes have ended",
        ),
        pytest.param(
            report(memory(), errors(DIVIDED, (1, 2), (1, 3)), SOURCES, remapped(failure="Yes")),
            {"uncorrectedVolatile": 4, "uncorrectedAggregate": 5, "rowRemapFailed": True},
            id="550, counters of SRAM are divided",
        ),
        pytest.param(
            report(memory(), errors(DIVIDED), SOURCES, NO_PAGES, remapped()),
            {},
            id="555, nothing is wrong",
        ),
        pytest.param(report(action("None"), memory(), remapped()), {}, id="570, no action"),
        pytest.param(report(action("Reset"), memory()), {"needsReset": True}, id="570, reset"),
        pytest.param(
            report(action("Drain P2P"), memory()), {"resetAdvised": True}, id="570, drain"
        ),
        pytest.param(
            report(
                action("None"),
                memory(),
                "<ecc_errors><channel_repair_pending>No</channel_repair_pending>"
                "<tpc_repair_pending>Yes</tpc_repair_pending></ecc_errors>",
            ),
            {"repairPending": True},
            id="580, a repair at the next reset",
        ),
        pytest.param(
            report(action("N/A"), memory("[N/A]", "[N/A]"), UNKNOWN, name="NVIDIA GB10"),
            {},
            id="580, no memory of its own",
        ),
        pytest.param(
            report(status("N/A", "N/A"), memory("8192 MiB", "N/A"), UNKNOWN, name="GRID A100-8C"),
            {},
            id="a virtual GPU",
        ),
        pytest.param(
            report(memory("GPU is lost", "GPU is lost"), "<ecc_errors>GPU is lost</ecc_errors>"),
            {"lost": True},
            id="fallen off the bus",
        ),
        pytest.param(
            report(memory("Unknown Error", "Unknown Error"), "<fan_speed>ERR!</fan_speed>"),
            {"lost": True},
            id="hung",
        ),
        pytest.param(
            report(memory(), "<power_draw>Unknown Error</power_draw><fan_speed>ERR!</fan_speed>"),
            {},
            id="only a sensor is broken",
        ),
        pytest.param(
            report(memory(), "<performance_state>GPU requires reset</performance_state>"),
            {"needsReset": True},
            id="values say that a reset is required",
        ),
    ],
)
def test_layouts(content: bytes, expected: dict) -> None:
    (row,) = gpus.parse(content)["gpus"]
    assert {key: row[key] for key in BAD} == {**BAD, **expected}
    bad = {key for key in BAD if expected.get(key)} - {"uncorrectedAggregate"}
    assert len(words.notable({"gpus": [row]})) == len(bad)
    assert (double_bit_errors(content) is not None) == (row["uncorrectedVolatile"] > 0)


def test_counters_as_a_whole_and_divided_are_not_counted_twice() -> None:
    both = errors(DIVIDED, (1, 0)).replace(
        "<dram_c", "<sram_uncorrectable>2</sram_uncorrectable><dram_c"
    )
    (row,) = gpus.parse(report(both))["gpus"]
    assert row["uncorrectedVolatile"] == 2


def test_a_report_that_forgets_the_end_of_a_tag_is_read() -> None:
    clocks = "<supported_clocks></supported_mem_clock><supported_mem_clock>\n5001 MHz"
    content = report(memory(), f"{clocks}</supported_clocks>", errors(WHOLE, (0, 1)))
    (row,) = gpus.parse(content)["gpus"]
    assert (row["memoryTotalMiB"], row["uncorrectedVolatile"]) == (81559, 1)
    assert double_bit_errors(content) is not None


@pytest.mark.parametrize(
    ("end", "problem", "lost"),
    [
        ("", "nvidia-smi wrote a report that is no XML", False),
        (
            "\nUnable to determine the device handle for GPU1: 0000:AF:00.0: GPU is lost.\n",
            "Unable to determine the device handle for GPU1: 0000:AF:00.0: GPU is lost.",
            True,
        ),
    ],
    ids=["cut off", "a lost GPU ends it"],
)
def test_half_a_report_is_told_by_what_it_says(end: str, problem: str, lost: bool) -> None:
    half = report(memory(), errors(WHOLE)).decode().partition("<dram_correctable>")[0]
    found = gpus.parse(f"{half}{end}".encode())
    assert found == {"gpuProblem": problem, "gpuLost": lost}
