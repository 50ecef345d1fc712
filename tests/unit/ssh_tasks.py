"""Tasks of a local job with the plugin ssh, each with its own sshd, for tests that log in."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.place import Account
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.sshd import find_sshd
from ansible_collections.openpai.runtime.plugins.modules import (
    pai_env,
    pai_plugins,
    pai_ssh,
    pai_sshd,
)
from tests.unit.jobs import document, role
from tests.unit.playbooks import ROOT

Run = Callable[..., dict[str, Any]]
PLUGINS = "com.microsoft.pai.runtimeplugin"


def need_sshd() -> None:
    """Skip a test where no server can run at all."""
    try:
        find_sshd(os.environ)
    except RuntimeConfigError:
        pytest.skip("no sshd here; Debian's package openssh-server has it")
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here; Debian's package openssh-client has it")
    try:
        Account.current(None).require_login()
    except RuntimeConfigError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def safe_directory() -> Iterator[Path]:
    """Make a directory below which sshd accepts keys: /tmp is none, nor what a group may write."""
    home = pwd.getpwuid(os.geteuid()).pw_dir
    directory = Path(tempfile.mkdtemp(prefix=".openpai-test-", dir=home))
    umask = os.umask(0o022)
    try:
        yield directory
    finally:
        os.umask(umask)
        shutil.rmtree(directory)


class LocalTask:
    """One task of a local job."""

    def __init__(self, directory: Path, run_module: Run, index: int = 0) -> None:
        self.run_module = run_module
        self.index = index
        self.job_file = directory / "job.yml"
        self.work = directory / ".pai" / "job" / f"Ps_1-{index}" / "work"
        self.home = directory / f"home-{index}"
        self.results: list[dict[str, Any]] = []

    def prepare(self, parameters: dict[str, Any], **job: Any) -> None:
        """Write what the runtime's earlier steps write."""
        plugins = [{"plugin": "ssh", "parameters": parameters}]
        extras = {PLUGINS: plugins, "env": {"MINE": "a 'b'\n$c"}, **job.pop("extras", {})}
        # ports follow from the name: another run of the tests beside this one has others
        name = self.job_file.parent.name.strip(".")
        content = document(extras=extras, taskRoles={"Ps_1": role()}, **{"name": name, **job})
        self.job_file.write_text(yaml.safe_dump(content))
        self.work.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(exist_ok=True)
        path = f"/opt/job/bin:{os.environ['PATH']}"
        (self.work / "container_env.nul").write_bytes(f"PATH={path}\0LANG=C\0".encode())
        self.call(
            pai_env, job_file=str(self.job_file), task_role="Ps_1", task_index=self.index, cwd="/"
        )
        self.call(pai_plugins, built_in=str(ROOT / "roles"))

    def call(self, module: Any, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run a module, with diff, and keep its result."""
        given = {"work_dir": str(self.work), **arguments}
        result = self.run_module(module.main, given, check=check, diff=True)
        self.results.append(result)
        return result

    def write(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run pai_ssh."""
        return self.call(pai_ssh, check, **{"position": 0, "home": str(self.home), **arguments})

    def serve(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run pai_sshd."""
        return self.call(pai_sshd, check, **{"home": str(self.home), **arguments})

    def start(self, parameters: dict[str, Any], **arguments: Any) -> None:
        """Do all of it."""
        self.prepare(parameters)
        written = self.write(**arguments)
        assert not written.get("failed"), written
        served = self.serve()
        assert not served.get("failed"), served

    @property
    def directory(self) -> Path:
        """The plugin's private directory."""
        return self.work / "ssh"

    @property
    def config(self) -> Path:
        """The user's own ssh configuration."""
        return self.home / ".ssh" / "config"

    def ssh(self, *words: str, program: str = "ssh", **more: Any) -> Any:
        """Run a client; it never asks anything."""
        command = [program, "-F", str(self.config), "-o", "BatchMode=yes", *words]
        options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **more}
        if "input" in options:
            del options["stdin"]
        return subprocess.run(command, timeout=60, **options)


@pytest.fixture(name="tasks")
def two_tasks(run_module: Run) -> Iterator[list[LocalTask]]:
    """Return two tasks of one job; their servers end with the test."""
    need_sshd()
    with safe_directory() as directory:
        made = [LocalTask(directory, run_module, index) for index in range(2)]
        try:
            yield made
        finally:
            for task in made:
                task.serve(state="stopped")
