"""Memory errors are read from reports of old and new drivers, and nothing waits for a GPU."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.gpu import (
    double_bit_errors,
    query,
)

REPORT = Path(__file__).parent / "fixtures" / "nvidia-smi-418.xml"


def report(errors: str) -> bytes:
    gpu = f'<gpu id="00000000:3B:00.0"><product_name>A100</product_name>{errors}</gpu>'
    return f"<nvidia_smi_log>{gpu}</nvidia_smi_log>".encode()


def volatile(counters: str) -> bytes:
    return report(f"<ecc_errors><volatile>{counters}</volatile></ecc_errors>")


def test_an_old_driver_names_the_gpus_with_errors() -> None:
    assert double_bit_errors(REPORT.read_bytes()) == (
        "GPU 0 (Tesla K80, 000014ED:00:00.0): 2 double-bit ECC errors"
    )


@pytest.mark.parametrize(
    "counters",
    [
        "<dram_uncorrectable>1</dram_uncorrectable><sram_uncorrectable>1</sram_uncorrectable>",
        "<sram_uncorrectable_parity>2</sram_uncorrectable_parity>",
        "<double_bit><device_memory>2</device_memory><total>N/A</total></double_bit>",
    ],
    ids=["driver 450", "driver 525", "no total"],
)
def test_counters_of_other_drivers_count(counters: str) -> None:
    words = "GPU 0 (A100, 00000000:3B:00.0): 2 double-bit ECC errors"
    assert double_bit_errors(volatile(counters)) == words


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="no answer"),
        pytest.param(b"NVIDIA-SMI has failed", id="no XML"),
        pytest.param(b"\xff\xfe<", id="binary"),
        pytest.param(b'<?xml version="1.0" encoding="nonsense"?><a/>', id="unknown encoding"),
        pytest.param(volatile("<double_bit><total>0</total></double_bit>"), id="no errors"),
        pytest.param(volatile("<double_bit><total>N/A</total></double_bit>"), id="no such memory"),
        pytest.param(
            volatile("<single_bit><total>9</total></single_bit>"), id="corrected errors only"
        ),
        pytest.param(
            report(
                "<ecc_errors><aggregate><double_bit><total>9</total></double_bit></aggregate>"
                "</ecc_errors>"
            ),
            id="errors of another day",
        ),
    ],
)
def test_nothing_wrong_is_nothing(content: bytes) -> None:
    assert double_bit_errors(content) is None


def program(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "nvidia-smi"
    path.write_text(script)
    path.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_the_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, '#!/bin/sh\necho "$@"\n', monkeypatch)
    assert query() == b"-q -x\n"


def test_without_the_program_there_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert query() == b""


def test_a_program_that_cannot_run_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "#!/nonexistent/interpreter\n", monkeypatch)
    assert query() == b""


def test_a_hanging_program_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "#!/bin/sh\nexec sleep 600\n", monkeypatch)
    assert query(time_limit=0.1) == b""
