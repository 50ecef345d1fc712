from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.command_runner import (
    CommandsFailedError,
    Marks,
    Runner,
    find_shell,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.commands import read_callbacks
from ansible_collections.openpai.runtime.plugins.module_utils.pai.plugin_entry import PluginEntry
from ansible_collections.openpai.runtime.plugins.module_utils.pai.processes import find_program
from ansible_collections.openpai.runtime.plugins.module_utils.pai.shell import (
    RuntimeLogWriter,
    Shell,
)


class Bench:
    """A runner whose commands write to ``out`` below its directory."""

    def __init__(self, directory: Path, shell: str = "bash") -> None:
        self.directory = directory
        self.environment = {"PATH": os.environ["PATH"]}
        self.shell = Shell(find_program(shell, self.environment, None) or shell)
        self.marks = Marks(directory / "state", 1)

    def run(self, *scripts: tuple[str, str], timeout: float | None = None) -> None:
        callbacks = [
            {"event": event, "commands": text, "timeout": timeout} for event, text in scripts
        ]
        found = read_callbacks(PluginEntry("cmd", 1, {"callbacks": callbacks}))
        with RuntimeLogWriter(self.directory, None) as log:
            Runner(
                "plugin cmd", self.marks, self.shell, self.environment, self.directory, log
            ).run_all(self.marks.pending(found))

    @property
    def output(self) -> str:
        return (self.directory / "runtime.log").read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_equal_commands_at_two_places_run_twice_and_once_only(bench: Bench) -> None:
    for _ in range(2):
        bench.run(("taskStarts", "echo a"), ("taskStarts", "echo a"))
    assert bench.output == "a\na\n"


def test_each_callback_is_a_shell_of_its_own(bench: Bench) -> None:
    bench.run(("taskStarts", "cd /\nexport A=1"), ("taskStarts", 'echo "${A:-unset} $PWD"'))
    assert bench.output == f"unset {bench.directory}\n"


def test_a_failure_is_told_and_the_rest_does_not_run(bench: Bench) -> None:
    message = (
        "event taskStarts: the commands ended with exit code 3; their output is in runtime.log"
    )
    with pytest.raises(CommandsFailedError, match=message) as caught:
        bench.run(("taskStarts", "exit 3"), ("taskStarts", "echo no"))
    assert caught.value.exit_code == 3
    assert bench.output == ""


def test_completes_runs_even_after_a_failure_and_the_first_failure_counts(bench: Bench) -> None:
    with pytest.raises(CommandsFailedError, match=r"taskFails.*code 3"):
        bench.run(
            ("taskFails", "exit 3"), ("taskCompletes", "exit 4"), ("taskCompletes", "echo yes")
        )
    assert bench.output == "yes\n"


def test_a_timeout_is_told(bench: Bench) -> None:
    with pytest.raises(
        CommandsFailedError, match=r"did not end within their timeout of 0\.3 seconds; their output"
    ) as caught:
        bench.run(("taskStarts", "sleep 60"), timeout=0.3)
    assert caught.value.exit_code == 124


def test_what_failed_is_marked_as_started_and_runs_again(bench: Bench) -> None:
    script = ("taskStarts", "test -e good || exit 1\necho good")
    with pytest.raises(CommandsFailedError):
        bench.run(script)
    assert [path.suffix for path in sorted(bench.marks.state.iterdir())] == [".script", ".started"]
    (bench.directory / "good").touch()
    bench.run(script)
    assert bench.output == (
        "plugin cmd, event taskStarts: the commands were begun before and not ended well; again\n"
        "good\n"
    )


def test_everything_in_the_state_is_for_its_owner_only(bench: Bench) -> None:
    bench.run(("taskStarts", "echo hunter2-hunter2 > /dev/null; tr '\\0' ' ' < /proc/$$/cmdline"))
    assert "hunter2-hunter2" not in bench.output
    assert ".script" in bench.output
    assert {path.stat().st_mode & 0o777 for path in bench.marks.state.iterdir()} == {0o600}
    assert bench.marks.state.stat().st_mode & 0o777 == 0o700


def test_sh_stands_in_for_bash_with_a_warning(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "sh")
    bench.run(("taskStarts", "echo a"))
    path = bench.shell.path
    assert bench.output == f"plugin cmd: no bash in the image, so {path} runs this\na\n"


def test_without_any_shell_the_code_is_127(tmp_path: Path) -> None:
    with pytest.raises(CommandsFailedError, match="plugin cmd: neither bash nor sh") as caught:
        find_shell("plugin cmd", {"PATH": "/nonexistent"}, tmp_path)
    assert caught.value.exit_code == 127
