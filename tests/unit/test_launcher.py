"""bin/pai-playbook is ansible-playbook that keeps what it parsed of Ansible's own tables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible
import pytest
from ansible.utils.collection_loader._collection_meta import _meta_yml_to_dict

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(ansible.__file__).parent / "config" / "ansible_builtin_runtime.yml"
PLAY: list[dict[str, Any]] = [
    {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}
]


class Launcher:
    """A copy of the launcher in a directory of its own, and a playbook for it."""

    def __init__(self, directory: Path) -> None:
        self.kept = directory / "bin" / "__pycache__"
        self.program = directory / "bin" / "pai-playbook"
        self.program.parent.mkdir()
        shutil.copy(ROOT / "bin" / "pai-playbook", self.program)
        self.play = directory / "play.yml"
        self.play.write_text(json.dumps(PLAY))
        self.home = directory / "home"

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook on this machine."""
        interpreter = f"ansible_python_interpreter={sys.executable}"
        words = ["-c", "local", "-i", "localhost,", "-e", interpreter, *options, str(self.play)]
        return subprocess.run(
            [sys.executable, str(self.program), *words],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def table(self) -> Path:
        """Return the file in which Ansible's own table of plugins is kept."""
        [found] = [
            path for path in self.kept.glob("*.json") if "plugin_routing" in path.read_text()
        ]
        return found


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


def test_what_is_kept_is_what_ansible_parses(launcher: Launcher) -> None:
    done = launcher.run()
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads(launcher.table().read_text())
    assert kept == _meta_yml_to_dict(TABLE.read_bytes(), None)
    assert {path.suffix for path in launcher.kept.iterdir()} == {".json"}


def test_the_second_run_reads_what_the_first_one_kept(launcher: Launcher) -> None:
    launcher.run()
    kept = json.loads(launcher.table().read_text())
    kept["plugin_routing"]["modules"]["ping"] = {"tombstone": {"warning_text": "read from here"}}
    launcher.table().write_text(json.dumps(kept))
    done = launcher.run()
    assert done.returncode != 0
    assert "read from here" in done.stdout + done.stderr


@pytest.mark.parametrize("content", ["", '{"plugin_routing": {', "\udcff"])
def test_a_damaged_file_is_made_again(launcher: Launcher, content: str) -> None:
    launcher.run()
    table = launcher.table()
    table.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = launcher.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(table.read_text()) == _meta_yml_to_dict(TABLE.read_bytes(), None)


def test_a_tree_that_cannot_be_written_to_works_too(launcher: Launcher) -> None:
    launcher.kept.write_text("a file where the directory would be")
    done = launcher.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_options_and_exit_code_are_ansible_playbooks(launcher: Launcher) -> None:
    assert launcher.run("--no-such-option").returncode == 2
    assert launcher.run("--list-tasks").stdout.count("ansible.builtin.ping") == 1
