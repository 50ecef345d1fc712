"""The module pai_sshd with a real sshd: who gets in, and what a login finds."""

from __future__ import annotations

import grp
import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env, processes
from tests.unit.ssh_tasks import LocalTask, Run, need_sshd, safe_directory, two_tasks

__all__ = ["two_tasks"]  # a fixture
JOBSSH = {"jobssh": True}


@pytest.mark.parametrize("alias", ["Ps_1-1", "ps1-1", "Ps_1-0"])
def test_a_task_reaches_the_others_by_either_name(tasks: list[LocalTask], alias: str) -> None:
    for task in tasks:
        task.start(JOBSSH)
    done = tasks[0].ssh(alias, "echo $PAI_CURRENT_TASK_ROLE_NAME-$PAI_TASK_INDEX; exit 3")
    assert (done.stdout, done.returncode) == (f"Ps_1-{alias[-1]}\n", 3), done.stderr
    assert done.stderr == ""


def test_a_login_has_the_environment_of_the_jobs_processes(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    done = task.ssh("Ps_1-0", "env -0")
    found = process_env.decode(done.stdout.encode())
    wanted = process_env.read(task.work / "process_env.nul")
    assert wanted["MINE"] == "a 'b'\n$c"
    assert wanted.items() <= found.items(), done.stderr
    assert "SSH_ORIGINAL_COMMAND" not in found
    assert found["PAI_RUNTIME_WORK_DIR"] == str(task.work)
    assert task.ssh("Ps_1-0", input='echo "<$MINE>"\n').stdout == "<a 'b'\n$c>\n"


def test_an_interactive_login_has_it_too(tasks: list[LocalTask]) -> None:
    master, terminal = os.openpty()
    group = os.fstat(terminal).st_gid
    os.close(master)
    os.close(terminal)
    if os.geteuid() and group != grp.getgrnam("tty").gr_gid:
        pytest.skip("terminals here do not belong to the group tty (mount devpts with gid=5)")
    tasks[0].start(JOBSSH)
    done = tasks[0].ssh("-tt", "Ps_1-0", input='echo "<$PAI_TASK_INDEX"">"\nexit\n')
    assert "<0>" in done.stdout


def test_scp_sftp_and_pipes_work(tasks: list[LocalTask]) -> None:
    task, content = tasks[0], os.urandom(300_000)
    task.start(JOBSSH)
    source = task.home / "source"
    source.write_bytes(content)
    copies = [task.home / name for name in ("scp", "old", "sftp", "pipe")]
    task.ssh(str(source), f"ps1-0:{copies[0]}", program="scp")
    task.ssh("-O", str(source), f"ps1-0:{copies[1]}", program="scp")
    task.ssh("ps1-0", program="sftp", input=f"put {source} {copies[2]}\n")
    task.ssh("ps1-0", f"cat > {copies[3]}", input=content, text=False)
    assert [copy.exists() and copy.read_bytes() == content for copy in copies] == [True] * 4


@pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync here; Debian has rsync")
def test_rsync_works(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    (task.home / "source").write_text("text")
    remote = f"ssh -F {task.config}"
    words = ["rsync", "-e", remote, task.home / "source", f"ps1-0:{task.home}/copy"]
    assert subprocess.run(words).returncode == 0
    assert (task.home / "copy").read_text() == "text"


def test_a_container_of_another_job_is_refused(tasks: list[LocalTask], run_module: Run) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    with safe_directory() as directory:
        other = LocalTask(directory, run_module)
        other.start(JOBSSH)
        try:
            port = ("-p", str(other.results[-2]["port"]))
            done = task.ssh(*port, "Ps_1-0", "echo in")
            assert (done.stdout, done.returncode) == ("", 255)
            assert "Host key verification failed" in done.stderr
            # even one who trusts any host does not get in
            trusting = ("-o", "StrictHostKeyChecking=no")
            done = task.ssh(*port, *trusting, "Ps_1-0", "echo in")
            assert "Permission denied" in done.stderr
            assert done.stdout == ""
            # and that has not taught the next one, who is careful, to believe the stranger
            done = task.ssh(*port, "Ps_1-0", "echo in")
            assert "Host key verification failed" in done.stderr
        finally:
            other.serve(state="stopped")


def test_a_task_cannot_pass_for_another_one(tasks: list[LocalTask]) -> None:
    for task in tasks:
        task.start(JOBSSH)
    port = tasks[1].results[-2]["port"]
    done = tasks[0].ssh("-p", str(port), "Ps_1-0", "echo in")
    assert "Host key verification failed" in done.stderr
    assert done.stdout == ""


def test_users_keys_log_in_and_keep_their_restrictions(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    publics = []
    for name in ("free", "bound"):
        generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(task.job_file) + name]
        subprocess.run(generate, check=True)
        publics.append(Path(f"{task.job_file}{name}.pub").read_text())
    bound = 'command="echo only \\"$MINE\\" $SSH_ORIGINAL_COMMAND" ' + publics[1]
    value = f"{publics[0]}ssh-ed25519 AAAAmalformed me\n{bound}"
    task.start({"jobssh": True, "userssh": {"type": "custom", "value": value}})
    warning = task.results[-2]["left_out"][0]
    assert warning == "userssh.value, key 2: left out: its base64 text is damaged or cut short"
    config = plain_config(task)
    said = [
        task.ssh("-F", config, "-i", f"{task.job_file}{name}", "a", "echo $PAI_TASK_INDEX").stdout
        for name in ("free", "bound")
    ]
    assert said == ["0\n", "only a 'b'\n$c echo $PAI_TASK_INDEX\n"]


def plain_config(task: LocalTask) -> str:
    """Write a configuration that knows nothing of the job but where it is."""
    path = Path(f"{task.job_file}.config")
    path.write_text(
        f"Host a\n HostName 127.0.0.1\n Port {task.results[-2]['port']}\n IdentitiesOnly yes\n"
        " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
    )
    return str(path)


def test_check_run_check_run_and_stop(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.prepare(JOBSSH)
    task.write()
    runs = [task.serve(check) for check in (True, False, True, False)]
    assert [run["actions"] for run in runs] == [["start sshd"], ["start sshd"], [], []]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    assert runs[1]["pid"] == runs[3]["pid"] != 0
    stops = [task.serve(check, state="stopped") for check in (True, False, True, False)]
    assert [stop["actions"] for stop in stops] == [["stop sshd"], ["stop sshd"], [], []]
    assert task.ssh("Ps_1-0", "true").returncode == 255


def test_it_reloads_only_what_has_changed(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    pid = task.results[-1]["pid"]
    assert task.write(certificate_days=20)["actions"] == ["write host_key-cert.pub"]
    assert task.serve()["actions"] == ["reload sshd"]
    assert task.serve() == {**task.results[-1], "actions": [], "changed": False, "pid": pid}
    assert task.ssh("Ps_1-0", "echo in").stdout == "in\n"


def test_a_new_attempt_has_a_new_host_key_that_is_verified(tasks: list[LocalTask]) -> None:
    for task in tasks:
        task.start(JOBSSH)
    before = (tasks[1].directory / "host_key.pub").read_text()
    shutil.rmtree(tasks[1].work / "state")
    assert "write host_key" in tasks[1].write()["actions"]
    assert tasks[1].serve()["actions"] == ["reload sshd"]
    assert (tasks[1].directory / "host_key.pub").read_text() != before
    assert tasks[0].ssh("Ps_1-1", "echo in").stdout == "in\n"


def test_only_what_was_started_here_is_stopped(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.start(JOBSSH)
    record = json.loads((task.directory / "sshd.json").read_text())
    other = subprocess.Popen(["sleep", "60"])
    try:
        # earlier: both may have started within one tick of the clock
        stale = {**record, "pid": other.pid, "started": record["started"] - 1}
        (task.directory / "sshd.json").write_text(json.dumps(stale))
        assert task.serve(state="stopped")["actions"] == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        (task.directory / "sshd.json").write_text(json.dumps(record))  # the fixture stops it


def test_a_port_that_is_taken_is_named(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.prepare(JOBSSH)
    port = task.write()["port"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = task.serve()
    assert result["failed"]
    assert "has ended; " in result["msg"]
    assert f"Bind to port {port} on 127.0.0.1 failed: Address already in use" in result["msg"]
    assert not (task.directory / "sshd.json").exists()


def test_an_image_without_sshd_is_told_what_to_do(
    tasks: list[LocalTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = tasks[0]
    task.prepare(JOBSSH)
    task.write()
    (task.work / "process_env.nul").write_bytes(b"PATH=/nowhere\0")
    monkeypatch.setattr(processes, "_SYSTEM", ())
    for check in (True, False):
        result = task.serve(check)
        assert result["failed"]
        assert "no sshd in the image" in result["msg"]
        assert "package openssh-server" in result["msg"]
        assert result["refused"] is False  # the job is right


def test_a_configuration_that_sshd_refuses_does_not_start(tasks: list[LocalTask]) -> None:
    task = tasks[0]
    task.prepare(JOBSSH)
    task.write()
    (task.directory / "sshd_config").write_text("Fly yes\n")
    result = task.serve()
    assert result["failed"]
    assert "sshd_config" in result["msg"]


def test_before_its_files_it_says_what_to_run_first(tasks: list[LocalTask]) -> None:
    tasks[0].prepare(JOBSSH)
    result = tasks[0].serve()
    assert result["msg"].endswith("sshd_config: no such file; run openpai.runtime.pai_ssh first")


def test_no_secret_is_shown_anywhere(tasks: list[LocalTask]) -> None:
    for task in tasks:
        task.start(JOBSSH)
    secret = (tasks[0].work.parents[1] / "ssh-secret").read_text()
    keys = [task.directory / name for task in tasks for name in ("job_key", "host_key")]
    bodies = [key.read_text().splitlines()[-2] for key in keys]
    hidden = [*bodies, secret]
    shown = json.dumps([task.results for task in tasks])
    for task in tasks:
        shown += Path(f"/proc/{task.results[-1]['pid']}/cmdline").read_text()
    top = tasks[0].job_file.parent
    for path in (path for path in top.rglob("*") if path.is_file()):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            shown += path.read_text(errors="replace")
    assert [value for value in hidden if value in shown] == []
    assert all(len(value) > 20 for value in hidden)


def test_keys_in_a_directory_of_everybodys_go_elsewhere(run_module: Run, tmp_path: Path) -> None:
    need_sshd()
    with safe_directory() as home:
        task = LocalTask(tmp_path, run_module)  # below /tmp
        task.work.mkdir(parents=True)
        task.work.parent.chmod(0o777)
        task.home = home
        task.start(JOBSSH)
        try:
            directory = Path(task.results[-1]["directory"])
            assert directory.parent == home
            assert task.ssh("Ps_1-0", "echo in").stdout == "in\n"
        finally:
            task.serve(state="stopped")
        assert f"remove {directory}" in task.write(state="absent")["actions"]
        assert not directory.exists()
