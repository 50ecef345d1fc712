"""Where sshd accepts keys, and users whom it would never let in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.job.model import Job
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import place
from tests.unit.jobs import document, load, refusal
from tests.unit.ssh_tasks import safe_directory


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return load(tmp_path, document())


def account(home: Path, known: Path | None = None) -> place.Account:
    return place.Account("me", home, known or Path("/nonexistent"), "/bin/sh")


def test_the_work_directory_where_only_its_owner_writes(job: Job, tmp_path: Path) -> None:
    with safe_directory() as safe:
        work = safe / "a" / "work"
        known = place.Account.current(None).known_home
        assert place.private_directory(work, job, account(tmp_path, known)) == work / "ssh"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775], ids=["0777", "1777", "group"])
def test_elsewhere_where_others_write(job: Job, mode: int) -> None:
    with safe_directory() as safe:
        (safe / "open").mkdir()
        (safe / "open").chmod(mode)
        home, known = safe / "home", place.Account.current(None).known_home
        found = place.private_directory(safe / "open" / "work", job, account(home, known))
        again = place.private_directory(safe / "open" / "work", job, account(home, known))
        other = place.private_directory(safe / "open" / "other", job, account(home, known))
        assert found == again != other
        assert found.parent == home
        assert found.name.startswith(".pai-ssh-test-worker-0-")


def test_above_the_users_home_sshd_does_not_look(job: Job, tmp_path: Path) -> None:
    home = tmp_path / "home"  # below /tmp
    home.mkdir(mode=0o755)
    found = place.private_directory(home / "work", job, account(home, home))
    assert found == home / "work" / "ssh"


def test_nowhere_says_why(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    real = os.geteuid()
    monkeypatch.setattr(place.os, "geteuid", lambda: real or 4711)  # root has /run, too
    bad = tmp_path / "open" / "work"
    said = refusal(lambda: place.private_directory(bad, job, account(tmp_path / "a b")))
    assert said.startswith("no directory that sshd accepts: ")
    assert "a b/.pai-ssh-test-worker-0" in said
    assert "would need quotes; choose a work directory (PAI_RUNTIME_WORK_DIR)" in said


@pytest.mark.parametrize(
    ("shell", "shadow", "message"),
    [
        ("/usr/sbin/nologin", "", "its shell is /usr/sbin/nologin; give it one in the image"),
        ("/no/such/shell", "", "its shell is /no/such/shell"),
        ("/bin/sh", "me:!:1::::::\n", "the account is locked ('!' in /etc/shadow)"),
        ("/bin/sh", "me:!$6$x:1::::::\n", "usermod --password '*' me"),
    ],
    ids=["nologin", "a shell that is missing", "locked", "locked with a password"],
)
def test_a_user_whom_sshd_refuses_is_told_why(
    tmp_path: Path, shell: str, shadow: str, message: str
) -> None:
    (tmp_path / "shadow").write_text(shadow)
    user = place.Account("me", tmp_path, tmp_path, shell)
    assert message in refusal(lambda: user.require_login(tmp_path / "shadow"))


@pytest.mark.parametrize("shadow", ["me:*:1::::::\n", "you:!:1::::::\n", None])
def test_a_user_whom_sshd_lets_in(tmp_path: Path, shadow: str | None) -> None:
    if shadow is not None:
        (tmp_path / "shadow").write_text(shadow)
    account(tmp_path).require_login(tmp_path / "shadow")


def test_a_user_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.os, "geteuid", lambda: 3_999_999_999)
    said = refusal(lambda: place.Account.current(None))
    assert said.startswith("user 3999999999 has no entry in /etc/passwd")
