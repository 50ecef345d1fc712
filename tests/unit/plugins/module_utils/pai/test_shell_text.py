"""Any value survives the shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env
from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.shell_text import (
    export_lines,
    full_lines,
    quote,
    refuse_unusable,
)

SHELLS = [path for path in (shutil.which("bash"), shutil.which("dash"), shutil.which("sh")) if path]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.binary().map(
    lambda data: os.fsdecode(data.replace(b"\0", b""))
)
VALUES = st.dictionaries(st.from_regex(r"\AX[A-Za-z0-9_]{0,6}\Z"), TEXT, min_size=1, max_size=10)


def environment_after(shell: str, script: bytes, path: Path) -> dict[str, str]:
    path.write_bytes(script)
    done = subprocess.run(
        [shell, "-c", '. "$1" && exec env -0', "sh", str(path)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    return process_env.decode(done.stdout)


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=60)
@given(values=VALUES)
def test_any_text_comes_out_of_a_shell_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, shell: str, values: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("env") / "runtime_env.sh"
    after = environment_after(shell, export_lines(values, path.name), path)
    assert values.items() <= after.items()
    assert process_env.decode(process_env.encode(values)) == values


@pytest.mark.parametrize("shell", SHELLS)
def test_a_home_directory_is_not_put_in_for_a_tilde(tmp_path: Path, shell: str) -> None:
    values = {"A": "~/data", "B": "x:~/bin", "C": "~", "D": "a=~/x", "E": "alice~job"}
    after = environment_after(shell, export_lines(values, "x"), tmp_path / "x")
    assert values.items() <= after.items()


@pytest.mark.parametrize("shell", SHELLS)
def test_what_does_not_fit_a_process_is_a_variable_of_the_shell_only(
    tmp_path: Path, shell: str
) -> None:
    left_out = {f"L{number}": "x" * 1000 for number in range(10_000)}
    script = tmp_path / "full.sh"
    script.write_bytes(full_lines({"A": "1"}, left_out))
    test = '. "$1"; echo ${#L9999}; env | grep -c "^[AL][0-9]*="'
    done = subprocess.run([shell, "-c", test, "sh", str(script)], capture_output=True, text=True)
    assert done.stdout.split() == ["1000", "1"], done.stderr


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_quoting_is_one_word_for_the_shells_own_parser(text: str) -> None:
    import shlex

    assert shlex.split(quote(text)) == [text]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "a\0b",
            "environment variable A: its value holds a zero byte, which ends a value; remove it",
        ),
        (
            "\ud800",
            "environment variable A: its value holds half of a character (U+D800); write the",
        ),
    ],
)
def test_what_no_process_can_be_given_is_refused(value: str, message: str) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        refuse_unusable({"A": value})
    assert str(caught.value).startswith(message)
