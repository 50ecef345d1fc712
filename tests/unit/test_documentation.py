"""What the documents claim is what the code has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import ROOT

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def documented(path: Path) -> str:
    assert path.exists(), f"{path} is missing"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_variable_of_a_role_is_specified_and_documented(role: Path) -> None:
    defaults = read(role / "defaults" / "main.yml") or {}
    entries = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    text = documented(role / "README.md")
    names = set(entries.get("main", {}).get("options", {}))
    assert all(name.startswith(f"{role.name}_") for name in names)
    if "start" in entries:  # a plugin, whose settings are not specified: a job has none of them
        names |= set(entries["start"]["options"]["plugin_parameters"]["options"])
        assert f"(roles/{role.name}/README.md)" in README
    else:
        assert set(defaults) == names
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_setting_that_the_code_reads_is_in_the_readme() -> None:
    code = [
        *ROOT.glob("roles/*/defaults/main.yml"),
        *ROOT.glob("module_utils/pai/supervisor/*.py"),
        ROOT / "bin" / "pai-runtime",
    ]
    for_ourselves = {
        "PAI_RUNTIME_REPORT",  # from pai-runtime to its own callback plugin
        "PAI_RUNTIME_CWD",  # from pai-runtime to its own playbooks
    }
    read_by_code = {
        name
        for path in code
        for name in re.findall(r"[\"'{](PAI_[A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert {name for name in read_by_code - for_ourselves if name not in README} == set()


def test_every_option_of_the_program_is_in_the_readme_and_the_reverse() -> None:
    done = subprocess.run(
        [ROOT / "bin" / "pai-runtime", "run", "--help"],
        env={"PAI_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    options = set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help", "--version"}
    settings = README.partition("## Settings")[2].partition("## ")[0]
    assert options == set(re.findall(r"--[a-z][a-z-]+", settings))


def test_every_link_in_a_document_leads_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path}: {target}"


def test_every_example_that_a_document_or_an_example_names_exists() -> None:
    named = {
        name
        for path in [*DOCUMENTS, *ROOT.glob("examples/*.yml")]
        for name in re.findall(r"\bexamples/[\w/-]+\.yml", path.read_text(encoding="utf-8"))
    }
    assert {"examples/hello.yml", "examples/mpi.yml"} <= named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_guide_is_linked_from_the_readme() -> None:
    guides = {f"docs/{path.name}" for path in ROOT.glob("docs/*.md")}
    assert guides
    assert {guide for guide in guides if f"({guide})" not in README} == set()
