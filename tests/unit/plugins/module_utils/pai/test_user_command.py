"""What user.sh holds, and what it does in real shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.user_command import (
    container_command,
    user_script,
)
from tests.unit.jobs import document, load, role

SHELLS = [path for path in (shutil.which("bash"), shutil.which("dash")) if path]


def body(directory: Path, environment: dict[str, str] | None = None, **job: Any) -> str:
    script = user_script(
        load(directory, document(**job), secrets={"key": "<s3cret>"}), environment or {}, []
    )
    return script.text.partition("pipefail; fi\n")[2]


def test_commands_are_trimmed_joined_and_rendered_verbatim(tmp_path: Path) -> None:
    commands = ["  echo <% $parameters.n %>  ", "", "echo '<% $secrets.key %>' {{ 7*7 }}\n"]
    text = body(tmp_path, parameters={"n": "a&b"}, taskRoles={"worker": role(commands=commands)})
    assert text == "echo a&b\necho '<s3cret>' {{ 7*7 }}\n"


def test_the_active_deployment_is_put_around(tmp_path: Path) -> None:
    around = {"worker": {"preCommands": ["pre"], "postCommands": ["post"]}}
    deployments = [{"name": "d", "taskRoles": around}, {"name": "e", "taskRoles": {}}]
    for active, expected in (("d", "pre\necho hello\npost\n"), ("e", "echo hello\n")):
        job = {"deployments": deployments, "defaults": {"deployment": active}}
        assert body(tmp_path, **job) == expected


def test_user_cmd_is_finished_text_but_for_secrets(tmp_path: Path) -> None:
    command = {"USER_CMD": "\n run <% $parameters.n %> <% $secrets.key %>\n"}
    assert body(tmp_path, command, parameters={"n": 1}) == "run <% $parameters.n %> <s3cret>\n"


def test_a_command_behind_the_dashes_replaces_everything(tmp_path: Path) -> None:
    job = load(tmp_path, document())
    script = user_script(job, {"USER_CMD": "x"}, ["python3", "-c", "print('a b')"])
    assert script.text == "#!/bin/sh\nexec python3 -c 'print('\\''a b'\\'')'\n"
    (tmp_path / "command.nul").write_bytes(b"a\0b c\0\0")
    assert container_command(tmp_path) == ["a", "b c", ""]
    assert container_command(tmp_path / "no") == []


def test_only_a_script_with_a_secret_in_it_is_private(tmp_path: Path) -> None:
    for text, private in (("echo <% $secrets.key %>", True), ("echo", False)):
        job = load(tmp_path, document(taskRoles={"worker": role(commands=[text])}))
        assert user_script(job, {}, []).has_secrets is private


def test_nothing_to_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeConfigError, match="nothing to run; give a job file, USER_CMD or '-- COM"
    ):
        user_script(load(tmp_path), {}, [])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("commands", "code", "output"),
    [
        (["echo a", "false", "echo b"], 1, "a\n"),
        (["exit 7"], 7, ""),
        (["echo ${UNDEFINED_VARIABLE}"], None, ""),
        (["x=1; echo $x", "echo $x"], 0, "1\n1\n"),
    ],
    ids=["errexit", "own code", "nounset", "one shell"],
)
def test_the_script_stops_at_the_first_error(
    tmp_path: Path, shell: str, commands: list[str], code: int | None, output: str
) -> None:
    job = load(tmp_path, document(taskRoles={"worker": role(commands=commands)}))
    script = tmp_path / "user.sh"
    script.write_text(user_script(job, {}, []).text)
    done = subprocess.run([shell, str(script)], capture_output=True, text=True)
    assert done.stdout == output
    assert done.returncode == code if code is not None else done.returncode != 0


@pytest.mark.skipif(not shutil.which("bash"), reason="pipefail is bash's")
def test_a_failing_pipe_stops_the_script(tmp_path: Path) -> None:
    job = load(tmp_path, document(taskRoles={"worker": role(commands=["false | cat", "echo on"])}))
    (tmp_path / "user.sh").write_text(user_script(job, {}, []).text)
    done = subprocess.run(["bash", str(tmp_path / "user.sh")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
