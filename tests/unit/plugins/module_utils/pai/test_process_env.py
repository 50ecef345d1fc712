from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env
from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError

# every byte but NUL, as a program's environment may hold it
VALUES = st.binary(max_size=40).filter(lambda value: b"\0" not in value).map(os.fsdecode)
NAMES = VALUES.filter(lambda name: name and "=" not in name)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_every_environment_survives_being_written_and_read(environment: dict[str, str]) -> None:
    assert process_env.decode(process_env.encode(environment)) == environment


def test_what_env_prints_is_read(tmp_path: Path) -> None:
    file = tmp_path / "env.nul"
    wanted = {
        "PATH": os.environ["PATH"],
        "TEXT": "two\nlines = x",
        "BYTES": os.fsdecode(b"\xff\xfe"),
    }
    file.write_bytes(subprocess.run(["env", "-0"], env=wanted, stdout=-1, check=True).stdout)
    assert process_env.read(file) == wanted


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", {}, id="nothing is the empty environment"),
        pytest.param(b"A=1", {"A": "1"}, id="the last NUL may be missing"),
        pytest.param(b"A=1\0A=2\0", {"A": "1"}, id="of two entries with one name the first counts"),
        pytest.param(b"A\0=x\0B=\0", {"B": ""}, id="entries without a name or '=' are left out"),
    ],
)
def test_decode(content: bytes, expected: dict[str, str]) -> None:
    assert process_env.decode(content) == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param(
            {"A=B": "1"}, "'A=B': a name is not empty and has neither", id="equals in a name"
        ),
        pytest.param({"": "1"}, "'': a name is not empty", id="an empty name"),
        pytest.param(
            {"A\0": "1"}, "neither '=' nor NUL in it; give it another name", id="NUL in a name"
        ),
        pytest.param(
            {"A": "x\0secret"},
            "A: no environment holds a value with a NUL byte; take it out",
            id="NUL in a value",
        ),
    ],
)
def test_what_no_environment_holds_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message) as caught:
        process_env.encode(environment)
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeConfigError, match=r"gone\.nul: No such file or directory; the runtime"
    ):
        process_env.read(tmp_path / "gone.nul")


@given(st.lists(VALUES, max_size=8))
def test_every_command_survives_being_written_and_read(words: list[str]) -> None:
    assert process_env.decode_words(process_env.encode_words(words)) == words


def test_the_bytes_of_an_environment_are_kept() -> None:
    environment = {b"A": b"\xff=\n", b"\xfe": b""}
    assert process_env.split(process_env.join(environment)) == environment
