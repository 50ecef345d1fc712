"""What is true after the containers of molecule/ssh_install have ended."""

import json
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/ssh_install"
ENDED = json.loads((RESULTS / "exit_codes.json").read_text())
REFUSED = {
    "policy_fail": (
        "there is no sshd in the image",
        "install it in the image (package openssh-server)",
    ),
    "no_source": (
        "PAI_SSH_INSTALL: openssh-server and openssh-client cannot be installed: E: ",
        "put them into the image, or let the container reach the package source it names",
    ),
    "ordinary_user": (
        "PAI_SSH_INSTALL: openssh-server and openssh-client cannot be installed by the user 1999",
        "put them into the image, or run the container as root",
    ),
}


def text(case, name):
    return (RESULTS / case / name).read_text()


def exit_record(case):
    return json.loads(text(case, "exit.json"))


def output(case):
    path = RESULTS / case / "user-all/current"
    return path.read_text() if path.exists() else ""


def test_only_what_cannot_serve_fails():
    assert ENDED == {
        "installs": 0,
        "policy_ignore": 0,
        "policy_fail": 1,
        "no_source": 1,
        "ordinary_user": 1,
    }


@pytest.mark.parametrize("case", REFUSED)
def test_without_sshd_the_task_ends_before_its_command(case):
    record = exit_record(case)
    assert (record["stage"], record["plugin"]) == ("start", "ssh")
    assert output(case) == ""


@pytest.mark.parametrize(
    ("case", "phrase"), [("policy_fail", "RuntimePluginFailed"), ("no_source", "PackageNotFound")]
)
def test_the_image_is_to_be_changed_and_not_the_job(case, phrase):
    assert exit_record(case)["phrase"] == phrase


@pytest.mark.parametrize("case", REFUSED)
def test_one_line_says_which_package_and_what_to_do(case):
    ends = [line for line in text(case, "runtime.log").splitlines() if "does not run: " in line]
    assert len(ends) == 1
    for expected in REFUSED[case]:
        assert expected in ends[0]
        assert expected in text(case, "termination")


def test_with_policy_ignore_the_remedy_is_logged_and_the_command_runs():
    log = text("policy_ignore", "runtime.log")
    for expected in REFUSED["policy_fail"]:
        assert expected in log
    assert output("policy_ignore") == "the command runs\n"


@pytest.mark.parametrize("case", ["policy_fail", "policy_ignore"])
def test_nothing_is_installed_unasked(case):
    assert "Install" not in text(case, "runtime.log")


def test_what_was_installed_lets_the_task_log_in_and_copy():
    lines = output("installs").splitlines()
    assert lines[1:] == ["logged in to task 0 of installs", "sent by scp", "ready"]


def test_the_tasks_own_sshd_is_the_only_one():
    servers = [line for line in output("installs").splitlines() if line.startswith("sshd:")]
    assert len(servers) == 1
    assert "/usr/local/pai/runtime.d/ssh/sshd_config" in servers[0]


def test_a_second_start_changes_nothing_and_leaves_the_package_manager_alone():
    repeated = text("installs", "repeated_start")
    assert "changed=0" in repeated
    assert "failed=0" in repeated
    before, _, after = repeated.partition("PLAY [")
    files = [line for line in before.splitlines() if line.startswith("package file ")]
    assert any("/var/log/dpkg.log" in line for line in files)
    assert any("/var/lib/apt/lists " in line for line in files)
    assert [line for line in after.splitlines() if line.startswith("package file ")] == files
