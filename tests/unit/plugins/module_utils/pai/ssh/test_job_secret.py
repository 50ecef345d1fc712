"""What the containers of a job share, and what each makes of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.model import Job
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.job_secret import (
    Sources,
    find_keys,
    local_secret,
)
from tests.unit.jobs import document, load, refusal

UID, ATTEMPT = "FC_FRAMEWORK_UID", "FC_FRAMEWORK_ATTEMPT_INSTANCE_UID"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return load(tmp_path, document())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(bytes(range(100, 132)))
    path.chmod(0o600)
    return path


def sources(file: Path | None = None, local: Path | None = None) -> Sources:
    return Sources(file=file, job_key=None, job_key_place="jobSSH.key of x", local=local)


def test_every_container_of_an_attempt_has_the_same_keys(job: Job, file: Path) -> None:
    one, two = (find_keys(job, sources(file), {UID: "u", ATTEMPT: "a"}, True) for _ in range(2))
    assert one.user.public_line == two.user.public_line
    assert one.authority.public_line == two.authority.public_line
    assert one.user.public_line != one.authority.public_line


@pytest.mark.parametrize(
    "other",
    [{UID: "v", ATTEMPT: "a"}, {UID: "u", ATTEMPT: "b"}, {UID: "u"}, {UID: "ua"}, {}],
    ids=["another job", "another attempt", "no attempt", "run together", "neither"],
)
def test_two_jobs_with_one_secret_have_different_authorities(
    job: Job, file: Path, other: dict[str, str]
) -> None:
    here = find_keys(job, sources(file), {UID: "u", ATTEMPT: "a"}, True)
    there = find_keys(job, sources(file), other, True)
    assert here.authority.public_line != there.authority.public_line
    assert here.user.public_line != there.user.public_line


def test_tasks_on_one_machine_share_what_the_first_made(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "new" / "ssh-secret"
    dry = find_keys(job, sources(local=path), {}, keep=False)
    assert dry.is_new
    assert not path.exists()
    one, two = (find_keys(job, sources(local=path), {}, keep=True) for _ in range(2))
    assert (one.is_new, two.is_new) == (True, False)
    assert one.user.public_line == two.user.public_line
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"x" * 31 + b"\n\n", 0o600, "31 bytes; give 32 or more random ones"),
        (b"x" * 32, 0o604, "everybody may use it (mode 0604); make it 0600"),
        (None, 0, "No such file or directory; give a file that can be read"),
    ],
    ids=["short", "for everybody", "missing"],
)
def test_a_secret_that_is_none_is_refused(
    job: Job, file: Path, content: bytes | None, mode: int, message: str
) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
        file.chmod(mode)
    said = refusal(lambda: find_keys(job, sources(file), {}, True))
    assert said == f"shared ssh secret {file}: {message}" or message in said
    assert "xxx" not in said


def test_without_any_secret_it_says_what_to_give(job: Job) -> None:
    said = refusal(lambda: find_keys(job, sources(), {}, True))
    assert "give a private key as jobSSH.key of x" in said


@pytest.mark.parametrize(
    ("work_dir", "expected"),
    [
        ("/home/a/.pai/job/worker-0/work", "/home/a/.pai/job/ssh-secret"),
        ("/usr/local/pai/runtime.d", "/usr/local/pai/runtime.d/ssh-secret"),
    ],
    ids=["a local job", "a container"],
)
def test_where_tasks_of_one_machine_share_it(work_dir: str, expected: str) -> None:
    assert local_secret(Path(work_dir)) == Path(expected)
