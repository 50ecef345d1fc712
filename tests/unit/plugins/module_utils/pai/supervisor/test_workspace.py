"""The directories of an attempt: ready, and nothing of an earlier attempt lost."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest


def test_logs_of_earlier_attempts_are_moved_and_never_overwritten(runtime):
    for number in (1, 2, 3):
        finished = runtime.bash(f"echo attempt {number}")
    assert finished.log("user-stdout") == b"attempt 3\n"
    earlier = list(finished.logs.glob("prelog_*"))
    texts = sorted((folder / "user-stdout" / "current").read_text() for folder in earlier)
    assert texts == ["attempt 1\n", "attempt 2\n"]
    for folder in earlier:
        assert {"runtime.log", "exit.json", "user-all"} <= {path.name for path in folder.iterdir()}
    assert finished.runtime_log.count("USER COMMAND START") == 1


def test_the_page_of_an_earlier_failure_is_moved_with_its_logs(runtime):
    runtime.run("true")
    (runtime.logs / "failure.html").write_text("an earlier failure")
    finished = runtime.run("true")
    assert not (finished.logs / "failure.html").exists()
    (page,) = finished.logs.glob("prelog_*/failure.html")
    assert page.read_text() == "an earlier failure"


def test_files_of_others_in_the_log_directory_stay(runtime):
    runtime.logs.mkdir()
    (runtime.logs / "init.log").write_text("of this attempt's init container")
    (runtime.logs / "job.yml").write_text("the user's own")
    runtime.run("true")
    finished = runtime.run("true")
    assert (finished.logs / "init.log").read_text() == "of this attempt's init container"
    assert (finished.logs / "job.yml").exists()


def test_state_of_an_earlier_attempt_is_forgotten(runtime):
    runtime.run("true")
    (runtime.work / "state" / "folder").mkdir()
    (runtime.work / "state" / "folder" / "mark").touch()
    (runtime.work / "state" / "link").symlink_to(runtime.home)
    (runtime.work / "command.nul").write_bytes(b"stale\0")
    runtime.hook("start", "(work / 'user.sh').write_text('exit 3')")
    finished = runtime.run()
    assert finished.code == 3
    assert list((runtime.work / "state").iterdir()) == []
    assert not (runtime.work / "command.nul").exists()
    assert runtime.launcher.exists()


def test_files_of_an_earlier_attempt_are_not_taken_for_this_ones(runtime):
    runtime.run("true")
    earlier = ("process_env.nul", "user.sh", "runtime_env.sh", "runtime_env.full.sh")
    for name in (*earlier, "secrets.json"):
        (runtime.work / name).write_text("{}")
    (runtime.work / "job.json").write_text('{"name": "earlier", "current": {"taskRole": "old"}}')
    runtime.hook("start", "print('seen', sorted(os.listdir(work)), flush=True); os._exit(1)")
    runtime.hook("exit", "os._exit(1)")  # so that the supervisor's own words count
    for _attempt in range(2):
        finished = runtime.run("true")
        seen = finished.runtime_log.partition("seen ")[2].partition("\n")[0]
        assert [name for name in (*earlier, "job.json") if name in seen] == []
        assert "'job.earlier.json'" in seen
        assert "'secrets.json'" in seen
        assert (finished.exit["job"], finished.exit["taskRole"]) == (None, None)


def test_files_of_others_in_a_new_work_directory_stay_for_the_start(runtime):
    runtime.work.mkdir()
    for name in ("job.json", "user.sh"):
        (runtime.work / name).write_text("a person's own")
    assert runtime.run("true").code == 0
    assert {(runtime.work / name).read_text() for name in ("job.json", "user.sh")} == {
        "a person's own"
    }


def test_umask_of_the_container_is_handed_over(runtime):
    assert (runtime.run("true", umask=0o027).work / "umask").read_text() == "0027\n"


def test_directory_of_a_persons_own_keeps_its_mode(runtime, tmp_path):
    runtime.logs.mkdir()
    runtime.logs.chmod(0o750)
    assert runtime.run("true").code == 0
    assert stat.S_IMODE(runtime.logs.stat().st_mode) == 0o750
    places = {"PAI_RUNTIME_WORK_DIR": str(runtime.work), "PAI_RUNTIME_LOG_DIR": str(runtime.logs)}
    done = subprocess.run(
        [runtime.program, "--", "true"], env={**runtime.environment, **places}, capture_output=True
    )
    assert done.returncode == 0
    assert stat.S_IMODE(runtime.logs.stat().st_mode) == 0o777  # a volume of the container's


def test_somebody_elses_state_directory_is_refused_and_kept(runtime):
    (runtime.work / "state").mkdir(parents=True)
    (runtime.work / "state" / "model.pt").touch()
    finished = runtime.run("true")
    assert finished.code == 1
    assert finished.stderr == (
        f"pai-runtime: {runtime.work}/state is not empty and not ours:"
        " choose another directory with --work-dir\n"
    )
    assert (runtime.work / "state" / "model.pt").exists()


def test_modes_let_others_read_the_logs_under_any_umask(runtime):
    finished = runtime.run("true", umask=0o077)

    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(finished.logs) == 0o777
    for name in ("user-stdout", "user-stderr", "user-all"):
        assert mode(finished.logs / name) == 0o755
        assert mode(finished.logs / name / "current") == 0o644
    assert mode(finished.logs / "runtime.log") == 0o644


@pytest.mark.parametrize("option", ["--work-dir", "--log-dir"])
def test_directory_that_cannot_be_made_is_one_clear_line_and_1(runtime, tmp_path, option):
    (tmp_path / "file").touch()
    finished = runtime.run(
        "true",
        options=[option, str(tmp_path / "file" / "x"), "--termination-log", str(tmp_path / "m")],
    )
    assert finished.code == 1
    line = (
        f"{tmp_path}/file/x: Not a directory; choose other directories with --work-dir"
        " (PAI_RUNTIME_WORK_DIR) and --log-dir (PAI_RUNTIME_LOG_DIR)"
    )
    assert finished.stderr == f"pai-runtime: {line}\n"
    assert line in (tmp_path / "m").read_text()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_directory_without_permission_is_named(runtime, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    finished = runtime.run("true", options=["--log-dir", str(tmp_path / "locked" / "x")])
    assert finished.code == 1
    assert f"{tmp_path}/locked/x: Permission denied" in finished.stderr
