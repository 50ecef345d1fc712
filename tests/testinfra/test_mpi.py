"""What is true after the jobs of molecule/mpi have ended; their containers are still there."""

import json
import math
import re
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/mpi"
KEPT = RESULTS / "kept"
ENDED = json.loads((RESULTS / "exit_codes.json").read_text())
MASTERS = {"mpi-master-0": "/root", "mpi_user-master-0": "/home/job"}
WORK = {"mpi-master-0": "/usr/local/pai/runtime.d", "mpi_user-master-0": "/home/job/work"}


def text(container, name):
    return (RESULTS / container / name).read_text()


def stdout(container):
    return text(container, "user-stdout/current")


def runtime_log(container):
    return text(container, "runtime.log")


def private_lines(path):
    """Return the lines of a private key that are its own: the first ones name its kind only."""
    return path.read_text().splitlines()[2:-1]


def secrets():
    """Return every secret of the jobs, in the forms in which a text could hold it."""
    shared = [path.read_text() for path in KEPT.glob("*/secret")]
    keys = [*KEPT.glob("*/job_key"), *KEPT.glob("*/host_key")]
    return [*shared, *(line for path in keys for line in private_lines(path))]


FAIL = ("missing", "cascade")


@pytest.mark.parametrize("name", [name for name in ENDED if not name.startswith(FAIL)])
def test_the_job_succeeds(name):
    assert ENDED[name] == 0
    assert "FAILED" not in runtime_log(name)


@pytest.mark.parametrize(
    ("name", "ranks"),
    [
        (
            "mpi-master-0",
            [
                "master-0 at 10.213.77.10",
                "mpi_worker-0 at 10.213.77.11",
                "mpi_worker-1 at 10.213.77.12",
            ],
        ),
        ("mpi_user-master-0", ["master-0 at 10.213.77.20", "mpi_worker-0 at 10.213.77.21"]),
    ],
)
def test_mpi_computes_on_all_tasks_each_with_its_own_environment(name, ranks):
    lines = stdout(name).splitlines()
    for rank, task in enumerate(ranks):
        assert f"rank {rank} of {len(ranks)} is {task}" in lines
    assert f"pi is {math.pi:.6f}" in lines


def test_a_task_answers_to_the_names_of_the_job_file_and_of_the_framework():
    lines = stdout("mpi-master-0").splitlines()
    for index in range(2):
        assert f"mpi_worker-{index} is mpi_worker-{index}" in lines
        assert f"mpiworker-{index} is mpi_worker-{index}" in lines
    assert "master-0 is master-0" in lines


def test_scp_rsync_and_ansible_need_no_more_than_the_names():
    output = stdout("mpi-master-0")
    assert "scp brought it there and back\n" in output
    assert "rsync brought all there and back\n" in output
    for index in range(2):
        assert re.search(rf'^mpi_worker-{index} \| SUCCESS => [^}}]*"ping": "pong"', output, re.M)


@pytest.mark.parametrize("name", MASTERS)
def test_nothing_is_asked_or_warned_of(name):
    lines = text(name, "user-stderr/current").splitlines()
    # Open MPI 5 says this of its own children when they are fast
    assert [line for line in lines if "plm:ssh: Warning: setpgid" not in line] == []


def test_the_login_is_as_the_containers_user():
    assert "job" in stdout("mpi_user-master-0").splitlines()


@pytest.mark.parametrize("name", MASTERS)
def test_keys_belong_to_their_user_alone(name):
    found = dict(reversed(line.split()) for line in re.findall(r"^mode (.*)", stdout(name), re.M))
    home, directory = MASTERS[name], f"{WORK[name]}/ssh"
    for path in (directory, f"{home}/.ssh"):
        assert found[path] == "700"
    for path in ("job_key", "host_key", "environment", "authorized_keys"):
        assert found[f"{directory}/{path}"] == "600"
    assert found[f"{home}/.ssh/id_rsa"] == "400"


def test_a_late_task_is_named_and_waited_for():
    log = runtime_log("mpi-master-0")
    assert "1 of 2 ready; waiting for mpi_worker-1 (refused)" in log
    assert "ssh barrier: all 2 other tasks are ready after" in log
    assert "ssh barrier: master-0 says that all tasks are ready" in runtime_log("mpi-mpi_worker-0")


def test_a_task_that_never_starts_is_named_with_the_cause_wherever_people_look():
    name = "missing-master-0"
    expected = (
        "ssh barrier: not all tasks are ready after 0.15 minutes; waited in vain for "
        "worker-0 (unreachable); look into the logs of these tasks, or give them more time with "
        "sshbarrierTimeout"
    )
    record = json.loads(text(name, "exit.json"))
    assert (ENDED[name], record["exitCode"], record["plugin"]) == (249, 249, "ssh")
    assert record["message"] == expected
    assert expected in runtime_log(name)
    assert expected in text(name, "termination")
    assert "exitCode: 249" in text(name, "termination")
    assert "never reached" not in text(name, "container.log")


@pytest.mark.parametrize("index", [0, 2])
def test_a_task_that_died_in_the_cascade_names_the_one_that_failed_first(index):
    name = f"cascade-worker-{index}"
    record = json.loads(text(name, "exit.json"))
    first = record["firstFailure"]
    assert (first["task"], first["exitCode"]) == ("worker-1", 1)
    assert first["phrase"] == json.loads(text("cascade-worker-1", "exit.json"))["phrase"]
    told = (
        f"worker-1 failed first, with exit code 1 ({first['phrase']}): "
        "ValueError: batch 7 has no labels"
    )
    assert f'reason: "{told}. This task saw: ' in text(name, "termination")
    assert told in text(name, "failure.html")
    assert "because    worker-1 failed first, with exit code 1" in text(name, "container.log")
    assert (record["category"], record["fault"]) == ("nccl-error", "user")


def test_the_one_that_failed_first_names_nobody():
    name = "cascade-worker-1"
    assert json.loads(text(name, "exit.json"))["firstFailure"] is None
    assert "failed first" not in text(name, "termination")


def test_the_client_of_another_job_is_refused():
    output = stdout("stranger-impostor-0")
    assert "as a careless client: root@10.213.77.40: Permission denied (publickey)." in output
    assert "logged in" not in output


@pytest.mark.parametrize(
    ("client", "server", "label"),
    [
        ("stranger-impostor-0", "target-0", "as a job's client"),
        ("restart-master-0", "impostor-0", "impostor"),
    ],
)
def test_the_server_of_another_job_is_refused(client, server, label):
    assert (
        f"{label}: No ED25519 host key is known for {server} and you have requested strict "
        "checking.\nHost key verification failed.\n"
    ) in stdout(client)


def test_a_restarted_container_has_a_new_host_key_that_is_verified():
    before, after = (KEPT / "restart" / name for name in ("before", "after"))
    assert before.read_text().split()[1] != after.read_text().split()[1]
    assert "task 0 answers\n" in stdout("restart-master-0")
    said = text("restart-master-0", "user-stderr/current")
    assert re.search(r"Server host certificate: ssh-ed25519-cert-v01@openssh.com", said)
    assert re.search(
        r"Host 'worker-0' is known and matches the ED25519-CERT host certificate", said
    )
    assert (RESULTS / "restart-worker-0").glob("prelog_*/runtime.log")


@pytest.mark.parametrize("task", ["master-0", "mpi_worker-0", "mpi_worker-1"])
def test_the_end_leaves_no_server_and_no_key(host, task):
    assert re.search(r"^\d+ sshd: .*sshd_config.* \[listener\]", stdout("mpi-master-0"), re.M)
    log = runtime_log(f"mpi-{task}")
    assert "stop sshd" in log
    assert "[listener]" not in log
    assert "files at the end: 0" in log
    changed = host.check_output(f"podman diff openpai-mpi-mpi-{task}")
    assert "A /usr/local/pai/runtime.d/state/ssh_host_key" in changed
    assert "/usr/local/pai/runtime.d/ssh" not in changed.split()


@pytest.mark.parametrize("name", ENDED)
def test_nothing_below_etc_is_changed(host, name):
    changed = host.check_output(f"podman diff openpai-mpi-{name}").splitlines()
    assert [line for line in changed if " /etc/" in line] == []


def test_the_secrets_that_are_looked_for_are_those_of_the_jobs():
    assert {path.parent.name for path in KEPT.glob("*/secret")} == {
        name.partition("-")[0] for name in ENDED
    }
    assert {path.parent.name for path in KEPT.glob("*/job_key")} == {"mpi", "mpi_user", "restart"}
    assert {path.parent.name for path in KEPT.glob("*/host_key")} == {"mpi", "mpi_user"}
    assert all(len(secret) > 40 for secret in secrets())


def test_no_secret_is_in_what_the_containers_have_left():
    left = [path for name in ENDED for path in (RESULTS / name).rglob("*") if path.is_file()]
    assert {path.name for path in left} >= {"container.log", "runtime.log", "exit.json", "current"}
    for path in left:
        content = path.read_text()
        assert [path for secret in secrets() if secret in content] == []


def test_no_secret_is_in_what_the_engine_shows(host):
    names = " ".join(f"openpai-mpi-{name}" for name in ENDED)
    shown = host.check_output(f"podman inspect {names}")
    assert "/kept/secret" in shown
    assert [secret[:4] for secret in secrets() if secret in shown] == []


def test_no_secret_is_in_a_command_line():
    noted = (RESULTS / "command_lines").read_text()
    for program in (
        "/usr/sbin/sshd -D -f ",
        "(mpirun|prterun) ",
        "^(orted|prted|/usr/bin/prted) ",
        "/playbooks/start.yml$",
    ):
        assert re.search(program, noted, re.M)
    assert [secret[:4] for secret in secrets() if secret in noted] == []
