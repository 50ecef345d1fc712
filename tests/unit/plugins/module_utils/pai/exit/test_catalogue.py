"""The failure catalogue is well made: every rule that an entry must keep is a test here."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import jmespath
import pytest
import re2
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.catalogue import (
    load_catalogue,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.model import (
    BEHAVIORS,
    CATEGORIES,
    REACTIONS,
    ROLES,
    TYPES,
)

CATALOGUE = next(
    parent / "catalogue"
    for parent in Path(__file__).resolve().parents
    if (parent / "catalogue").is_dir()
)
FIELDS = {
    *("code", "phrase", "category", "issuer", "causer", "type", "stage", "behavior", "reaction"),
    *("fault", "transient", "reason", "solution", "pattern", "role", "weight"),
}
OPTIONAL = {"fault", "transient", "pattern", "role", "weight"}
WORDS = ("userLogRegex", "platformLogRegex", "exception")
CONDITIONS = {"exitCode", "gpuInfo", "facts", *WORDS}
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


def rows() -> list[dict]:
    files = sorted(CATALOGUE.glob("*.yml"))
    return [row for path in files for row in yaml.safe_load(path.read_text())]


def regexes() -> list:
    return [
        pytest.param(rule[key], rule, row, id=f"{row['phrase']}-{number}-{key}")
        for row in rows()
        for number, rule in enumerate((row.get("pattern") or {}).get(RULES, []), start=1)
        for key in WORDS
        if rule.get(key)
    ]


def on_a_line(regex: str) -> re2._Regexp:
    """Compile a pattern as the scanner does: it sees one line."""
    return re2.compile(f"(?m:{regex})")


RULES = "runtimeContainerPatterns"
#: Lines of healthy logs: a pattern that matches one of them matches almost anything.
HEALTHY = """\
step 100 loss=0.123 lr=0.001 error_rate=0.2
2026-11-24 08:00:00 INFO Saving checkpoint to /out/model.pt
W tensorflow/dso_loader.cc:60] Could not load dynamic library 'libnvinfer.so.7'; dlerror: \
libnvinfer.so.7: cannot open shared object file: No such file or directory
Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.16GiB with freed_by_count=0. The \
caller indicates that this is not a failure
UserWarning: Corrupt EXIF data. Expecting to read 4 bytes but only got 0.
OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 4294967296, reducing to 2147483648
unknown option values are ignored; 0 errors, 0 warnings
ImportError is handled, using the slow tokenizer
test_segmentation_fault PASSED
core dumped files are removed after a day
NCCL INFO Connected all rings
"""


def test_the_catalogue_loads_without_problems() -> None:
    catalogue = load_catalogue(CATALOGUE)
    assert catalogue.problems == ()
    assert len(catalogue.entries) == len(rows())


def test_every_old_code_keeps_its_phrase() -> None:
    first = {row["code"]: row["phrase"] for row in reversed(rows())}
    assert OLD.items() <= first.items()


def test_other_codes_are_the_new_classes() -> None:
    assert {row["code"] for row in rows()} - set(OLD) <= set(range(236, 248))


def test_phrases_are_unique() -> None:
    counted = Counter(row["phrase"] for row in rows())
    assert {phrase for phrase, count in counted.items() if count > 1} == set()


def test_a_code_means_one_thing_to_a_scheduler() -> None:
    meanings = defaultdict(set)
    for row in rows():
        meanings[row["code"]].add((row["type"], row["behavior"], row["reaction"]))
    assert {code for code, meaning in meanings.items() if len(meaning) > 1} == set()


@pytest.mark.parametrize("row", [pytest.param(row, id=row["phrase"]) for row in rows()])
def test_an_entry_is_complete(row: dict) -> None:
    assert set(row) <= FIELDS
    assert set(row) >= FIELDS - OPTIONAL
    assert row["category"] in CATEGORIES
    assert row.get("role", "root") in ROLES
    assert 1 <= row.get("weight", 50) <= 100
    assert row["type"] in TYPES
    assert row["behavior"] in BEHAVIORS
    assert row["reaction"] in REACTIONS
    assert row.get("fault", "user") in {"user", "platform", "unknown"}
    assert row.get("transient", True) in {True, False, None, "unknown"}
    assert row["reason"].endswith((".", ")."))
    assert len(row["reason"].encode()) <= 200
    assert 1 <= len(row["solution"]) <= 4
    assert all(line.endswith(".") for line in row["solution"])
    assert len("\n".join(row["solution"]).encode()) <= 500


@pytest.mark.parametrize("row", [pytest.param(row, id=row["phrase"]) for row in rows()])
def test_every_pattern_has_a_condition_and_nothing_unknown(row: dict) -> None:
    for rule in (row.get("pattern") or {}).get(RULES, []):
        assert CONDITIONS & set(rule)
        assert set(rule) <= CONDITIONS | {"match", "no_match"}


@pytest.mark.parametrize(("regex", "rule", "row"), regexes())
def test_a_pattern_matches_what_it_should(regex: str, rule: dict, row: dict) -> None:
    pattern = on_a_line(regex)
    assert rule["match"]
    assert [line for line in rule["match"] if not pattern.search(line)] == []
    assert [line for line in rule["match"] if "\n" in line] == []


@pytest.mark.parametrize(("regex", "rule", "row"), regexes())
def test_a_pattern_does_not_match_what_it_should_not(regex: str, rule: dict, row: dict) -> None:
    pattern = on_a_line(regex)
    assert rule["no_match"]
    healthy = [] if row.get("role") == "noise" else HEALTHY.splitlines()
    assert [line for line in [*rule["no_match"], *healthy] if pattern.search(line)] == []


@pytest.mark.parametrize(("regex", "rule", "row"), regexes())
def test_a_pattern_has_words_that_must_occur(regex: str, rule: dict, row: dict) -> None:
    # Without them it would be searched in every chunk of every log; exceptions are few.
    filtered = re2.Filter()
    filtered.Add(f"(?m:{regex})")
    filtered.Compile()
    assert regex == rule.get("exception") or not filtered.Match(b"", True)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(rule["facts"], id=row["phrase"])
        for row in rows()
        for rule in (row.get("pattern") or {}).get(RULES, [])
        if rule.get("facts")
    ],
)
def test_an_expression_on_facts_is_valid(expression: str) -> None:
    assert jmespath.compile(expression)


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
