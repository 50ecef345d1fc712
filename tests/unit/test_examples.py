"""The examples are jobs that the runtime accepts, and their own shell and Python hold together."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
WITH_SSH = ["deepspeed", "horovod", "mpi"]
GUIDE = ROOT / "docs" / "distributed.md"
TASK_1 = {"PAI_TASK_INDEX": "1", "PAI_TASK_ROLE_TASK_COUNT_worker": "20"}


def example(name: str) -> Any:
    return yaml.safe_load((ROOT / "examples" / f"{name}.yml").read_text(encoding="utf-8"))


def runtime(
    directory: Path, what: str, job: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run pai-runtime in a directory of the test's own; its ``bin`` comes first in PATH."""
    environment = {
        "PATH": f"{directory}/bin:{os.environ['PATH']}",
        "HOME": str(directory),
        "PAI_PYTHON": sys.executable,
        "PAI_PLUGIN_PATH": str(ROOT / "examples" / "plugins"),
    }
    return subprocess.run(
        [str(ROOT / "bin" / "pai-runtime"), what, str(job), *options],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def bash(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of an example as the runtime does."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(directory: Path, name: str, text: str) -> None:
    """Put a program into a directory that comes first in PATH."""
    path = directory / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


@pytest.mark.parametrize("job", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted_and_renders(job: Path, tmp_path: Path) -> None:
    done = runtime(tmp_path, "render", job, "--work-dir", "work", "--log-dir", "logs")
    assert done.returncode == 0, done.stderr
    rendered = json.loads((tmp_path / "work" / "job.json").read_text())
    assert rendered["name"] == job.stem == yaml.safe_load(job.read_text())["name"]
    script = tmp_path / "work" / "user.sh"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "<%" not in script.read_text()


@pytest.mark.parametrize("job", EXAMPLES, ids=lambda path: path.stem)
def test_python_within_an_example_compiles(job: Path) -> None:
    texts: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, str):
            texts.extend(re.findall(r"<<'END'\n(.*?)^END$", value, re.DOTALL | re.MULTILINE))
            texts.extend(re.findall(r"^program='\n(.*?)^'$", value, re.DOTALL | re.MULTILINE))
        elif isinstance(value, (dict, list)):
            for item in value.values() if isinstance(value, dict) else value:
                collect(item)

    collect(yaml.safe_load(job.read_text(encoding="utf-8")))
    assert bool(texts) == (job.stem in [*WITH_SSH, "pytorch"])
    for text in texts:
        compile(text, job.name, "exec")


def test_both_tasks_of_the_pytorch_job_name_the_same_meeting_point(tmp_path: Path) -> None:
    program(tmp_path, "torchrun", 'printf "torchrun %s\\n" "$*"\n')
    said = []
    for index in ("0", "1"):
        job = ROOT / "examples" / "pytorch.yml"
        done = runtime(tmp_path, "run", job, "--task-role", "worker", "--task-index", index)
        assert done.returncode == 0, done.stderr
        said.append(re.sub(r"/\S+train.py", "FILE", done.stdout.strip()))
    ports = json.loads((tmp_path / ".pai/pytorch/worker-1/work/job.json").read_text())
    port = ports["taskRoles"][0]["tasks"][0]["ports"]["rendezvous"][0]
    assert said == [
        f"torchrun --nnodes 2 --node-rank {index} --nproc-per-node 1 "
        f"--master-addr 127.0.0.1 --master-port {port} FILE"
        for index in (0, 1)
    ]


@pytest.mark.parametrize("name", WITH_SSH)
def test_a_waiting_task_ends_when_task_0_has_been_silent_three_times(
    name: str, tmp_path: Path
) -> None:
    wait = example(name)["taskRoles"]["worker"]["commands"][0]
    (tmp_path / "answers").write_text("0\n255\n255\n0\n255\n255\n255\n0\n")
    program(tmp_path, "sleep", f'echo "sleep $*" >> {tmp_path}/calls\n')
    program(
        tmp_path,
        "ssh",
        f"cd {tmp_path}\necho ssh $* >> calls\n"
        "exit $(sed -n \"$(grep -c '^ssh' calls)p\" answers)\n",
    )
    done = bash(
        f"{wait}\necho goes on", **{**TASK_1, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    )
    assert (done.returncode, done.stdout) == (0, "")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["sleep 7", "ssh -n -o ConnectTimeout=10 worker-0 true"] * 7


@pytest.mark.parametrize("name", WITH_SSH)
def test_task_0_does_not_wait(name: str) -> None:
    wait = example(name)["taskRoles"]["worker"]["commands"][0]
    done = bash(f"{wait}\necho goes on", **{**TASK_1, "PAI_TASK_INDEX": "0"})
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_the_horovod_job_keeps_the_verification_of_host_keys() -> None:
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here; Debian's package openssh-client has it")
    wrap = example("horovod")["taskRoles"]["worker"]["commands"][1]
    as_horovodrun_does = "ssh -o StrictHostKeyChecking=no -G somewhere | grep -i '^strict'"
    assert bash(as_horovodrun_does).stdout.split()[1] in ("no", "false")
    done = bash(f'{wrap}\n{as_horovodrun_does}\nrm -r "$first"')
    assert done.stdout.split()[1] in ("yes", "true"), done.stderr


def test_every_variable_that_the_guide_names_is_one_of_a_task_or_a_setting(
    tmp_path: Path,
) -> None:
    job = ROOT / "examples" / "pytorch.yml"
    done = runtime(tmp_path, "render", job, "--work-dir", "work", "--log-dir", "logs")
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "work" / "runtime_env.sh").read_text()
    settings = set(re.findall(r"PAI_\w+", (ROOT / "README.md").read_text(encoding="utf-8")))
    named = set(re.findall(r"PAI_\w+", GUIDE.read_text(encoding="utf-8")))
    assert named
    unknown = {name for name in named if not re.search(rf"\b{name}=", told)}
    assert unknown - settings == set()
