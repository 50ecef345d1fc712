"""Both forms of an exit spec become the same values; what cannot be used is told by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import Pattern
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.patterns.exit_spec import (
    load_spec,
)

CLUSTER_SPEC = Path(__file__).parents[1] / "fixtures" / "k8s-job-exit-spec.yaml"


def write(tmp_path: Path, rows: object) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(rows))
    return path


def test_the_cluster_spec_keeps_its_order_and_its_words() -> None:
    spec = load_spec(CLUSTER_SPEC)
    assert spec.problems == ()
    assert [entry.code for entry in spec.entries][:4] == [128, 130, 131, 132]
    assert spec.entries[0].patterns == (Pattern(gpu_double_ecc=True),)
    by_code = {entry.code: entry for entry in spec.entries}
    assert by_code[220].patterns == (Pattern(exit_code=127, user_log="(?i)command not found"),)
    assert by_code[249].patterns[0].platform_log == "SSH barrier reaches max retry count"
    assert by_code[223].phrase == "ContainerCudaUncorrectableECCError"
    assert (by_code[223].type, by_code[223].behavior) == ("PLATFORM_FAILURE", "TRANSIENT")
    assert (by_code[223].fault, by_code[223].transient) == ("platform", True)
    assert by_code[251].solution[1] == "Decrease task number"


def test_numbers_of_the_cluster_are_documentation() -> None:
    codes = {entry.code for entry in load_spec(CLUSTER_SPEC).entries}
    assert codes <= set(range(128, 256))


def test_the_runtime_spec_is_read_too(tmp_path: Path) -> None:
    rows = [{"containerExitCode": 226, "patterns": [{"userLogRegex": "oom", "exitCode": 1}]}]
    spec = load_spec(write(tmp_path, rows))
    assert spec.problems == ()
    assert spec.entries[0].code == 226
    assert spec.entries[0].patterns == (Pattern(exit_code=1, user_log="oom"),)


def test_256_with_a_pattern_ends_as_255_with_its_phrase(tmp_path: Path) -> None:
    pattern = {"runtimeContainerPatterns": [{"exitCode": 1}]}
    path = write(tmp_path, {"spec": [{"code": 256, "phrase": "Abnormal", "pattern": pattern}]})
    (entry,) = load_spec(path).entries
    assert (entry.code, entry.phrase) == (255, "Abnormal")


@pytest.mark.parametrize("empty", [{}, None, {"userLogRegex": None}, {"userLogRegex": ""}])
def test_an_empty_pattern_is_dropped(tmp_path: Path, empty: object) -> None:
    spec = load_spec(write(tmp_path, [{"containerExitCode": 9, "patterns": [empty]}]))
    assert spec.entries[0].patterns == ()
    assert spec.problems == ()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param(0, "it is not in 1..255", id="success"),
        pytest.param(-1, "it is not in 1..255", id="negative"),
        pytest.param(256, "it is not in 1..255", id="a process would end with 0"),
        pytest.param(200, "it is reserved for FrameworkController", id="first reserved"),
        pytest.param(219, "it is reserved for FrameworkController", id="last reserved"),
        pytest.param("226", "it is not in 1..255", id="text"),
        pytest.param(True, "it is not in 1..255", id="boolean"),
        pytest.param(None, "it is not in 1..255", id="nothing"),
    ],
)
def test_a_code_that_no_container_may_end_with_is_refused(
    tmp_path: Path, code: object, why: str
) -> None:
    good = {"containerExitCode": 7, "patterns": [{"exitCode": 1}]}
    path = write(tmp_path, [{"containerExitCode": code, "patterns": [{"exitCode": 2}]}, good])
    spec = load_spec(path)
    assert [entry.code for entry in spec.entries] == [7]
    assert spec.problems == (
        f"{path}: entry 1: a container cannot end with {code!r}, {why}; the entry is skipped",
    )


def test_a_reserved_code_of_the_cluster_spec_is_named_with_its_phrase(tmp_path: Path) -> None:
    path = write(tmp_path, {"spec": [{"code": 201, "phrase": "Mine"}]})
    assert load_spec(path).problems == (
        f"{path}: entry 1 (Mine): a container cannot end with 201, "
        "it is reserved for FrameworkController; the entry is skipped",
    )


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("text", "'text' is not a mapping"),
        ({"nodeRegex": "x"}, "unknown condition 'nodeRegex'"),
        ({"exitCode": "1"}, "exitCode '1' is not a number"),
        ({"exitCode": True}, "exitCode True is not a number"),
        ({"userLogRegex": 5}, "userLogRegex 5 is not a text"),
        ({"platformLogRegex": ["x"]}, "platformLogRegex ['x'] is not a text"),
        ({"gpuInfo": {"other": 1}}, "gpuInfo {'other': 1} is not {'nvidiaDoubleEccError': True}"),
    ],
)
def test_a_pattern_that_is_not_understood_is_skipped_by_name(
    tmp_path: Path, pattern: object, words: str
) -> None:
    rows = [{"containerExitCode": 9, "patterns": [pattern, {"exitCode": 3}]}]
    path = write(tmp_path, rows)
    spec = load_spec(path)
    assert spec.entries[0].patterns == (Pattern(exit_code=3),)
    name = f"{path}: entry 1, code 9, pattern 1"
    assert spec.problems == (f"{name}: {words}; the pattern is skipped",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a: 1\n  b: [\n", "line 3, column 1: did not find expected node content; correct the"),
        ("\x07", "not valid YAML: "),
        ("text", "expected a list of containerExitCode and patterns"),
        ("spec: 5", "expected a list of containerExitCode and patterns"),
        ("", "expected a list of containerExitCode and patterns"),
        ("[" * 5000, "line 2, column 1: "),
    ],
    ids=["not YAML", "a control character", "text", "no list", "empty", "nested without end"],
)
def test_a_file_of_which_nothing_can_be_used_is_refused(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(content)
    with pytest.raises(RuntimeConfigError) as caught:
        load_spec(path)
    assert str(caught.value).startswith(f"{path}: {words}")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeConfigError) as caught:
        load_spec(tmp_path / "none.yaml")
    words = f"{tmp_path}/none.yaml: No such file or directory; name an existing file"
    assert str(caught.value) == words


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
keys = st.sampled_from(
    ["containerExitCode", "patterns", "code", "phrase", "pattern", "solution", "exitCode", "type"]
)


@given(rows=st.lists(st.dictionaries(keys, values) | values, max_size=4))
def test_no_spec_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, rows: object) -> None:
    spec = load_spec(write(tmp_path_factory.mktemp("spec"), rows))
    assert all(1 <= entry.code <= 255 for entry in spec.entries)
