"""The command line, and what bin/pai-runtime makes of its surroundings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.cli import parse
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.limits import LogLimits
from ansible_collections.openpai.runtime.plugins.module_utils.pai.supervisor.settings import (
    Options,
    resolve,
)

ROOT = Path(__file__).resolve().parents[6]
CWD = Path("/here")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param([], Options("entrypoint"), id="alone it is the entrypoint"),
        pytest.param(
            ["--", "python", "-c", "--", "x"],
            Options("entrypoint", command=("python", "-c", "--", "x")),
            id="everything after the first -- is the command",
        ),
        pytest.param(["run"], Options("run"), id="run without a job file"),
        pytest.param(
            ["run", "--task-role", "worker", "job.yml", "--task-index", "3", "--", "run", "--help"],
            Options(
                "run", "job.yml", task_role="worker", task_index="3", command=("run", "--help")
            ),
            id="options stand before and after the job file",
        ),
        pytest.param(
            ["render", "--work-dir=w"], Options("render", work_dir="w"), id="render, with ="
        ),
    ],
)
def test_command_line(argv, expected):
    assert parse(argv, ROOT) == expected


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["start"], "unknown action 'start': use run, render", id="unknown action"),
        pytest.param(["python", "x.py"], "pai-runtime -- python x.py", id="a forgotten --"),
        pytest.param(
            ["run", "--"], "there is no command after --: write one there", id="nothing after --"
        ),
        pytest.param(["run", "--task", "x"], "unrecognized arguments: --task", id="no shortened"),
        pytest.param(["run", "a.yml", "b.yml"], "unrecognized arguments: b.yml", id="two files"),
        pytest.param(["run", "--work-dir"], "expected one argument", id="an option without value"),
    ],
)
def test_bad_command_line_is_one_clear_line(argv, message):
    with pytest.raises(RuntimeConfigError) as raised:
        parse(argv, ROOT)
    assert message in str(raised.value)


def settings(action="run", environ=None, **options):
    return resolve(Options(action, **options), environ or {}, ROOT, CWD)


def test_run_keeps_everything_below_the_current_directory():
    found = settings(job_file="jobs/hello.yml")
    assert found.work_dir == Path("/here/.pai/hello/task-0/work")
    assert found.log_dir == Path("/here/.pai/hello/task-0/logs")
    assert found.job_file == Path("/here/jobs/hello.yml")
    named = settings(job_file="/hello.yml", task_role="worker", task_index="2")
    assert named.work_dir == Path("/here/.pai/hello/worker-2/work")


def test_container_uses_the_fixed_places():
    found = settings("entrypoint", {"FC_POD_UID": "uid"})
    assert found.work_dir == Path("/usr/local/pai/runtime.d")
    assert found.log_dir == Path("/usr/local/pai/logs/uid")
    assert settings("entrypoint").log_dir == Path("/usr/local/pai/logs")


@pytest.mark.skipif(os.path.exists("/dev/termination-log"), reason="runs in a pod")
def test_termination_log_of_a_pai_pod():
    on_pai = settings("entrypoint", {"FC_POD_UID": "uid"})
    assert on_pai.termination_log == Path("/tmp/pai-termination-log")
    assert settings("entrypoint").termination_log is None
    assert settings("run", {"FC_POD_UID": "uid"}).termination_log is None


def test_option_wins_over_its_variable_and_both_over_the_default():
    environ = {"PAI_RUNTIME_WORK_DIR": "/variable", "PAI_RUNTIME_TASK_INDEX": "4"}
    assert settings(environ=environ).work_dir == Path("/variable")
    assert settings(environ=environ, work_dir="/option").work_dir == Path("/option")
    assert settings(environ=environ).task_index == "4"
    assert settings(environ=environ, task_index="0").task_index == "0"
    assert settings(environ={"PAI_RUNTIME_LOG_DIR": ""}).log_dir.parts[:3] == ("/", "here", ".pai")


def test_total_for_the_logs_is_shared_by_their_files():
    assert settings().limits == LogLimits(256 * 1024 * 1024, 2)
    assert settings(environ={"PAI_LOG_TOTAL_BYTES": "900"}).limits == LogLimits(100, 2)
    both = {"PAI_LOG_TOTAL_BYTES": "900", "PAI_LOG_FILES_KEPT": "0"}
    assert settings(environ=both).limits == LogLimits(300, 0)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"PAI_TERMINATION_GRACE_SECONDS": "soon"},
            "PAI_TERMINATION_GRACE_SECONDS='soon': give a number of seconds, for example 30",
        ),
        ({"PAI_TERMINATION_GRACE_SECONDS": "-1"}, "PAI_TERMINATION_GRACE_SECONDS='-1'"),
        ({"PAI_TERMINATION_GRACE_SECONDS": "inf"}, "PAI_TERMINATION_GRACE_SECONDS='inf'"),
        ({"PAI_RUNTIME_TASK_INDEX": "first"}, "task index 'first': give a whole number from 0 up"),
        ({"PAI_LOG_FILE_BYTES": "0"}, "PAI_LOG_FILE_BYTES='0': give a whole number from 1 up"),
    ],
)
def test_bad_value_is_named(environ, message):
    with pytest.raises(RuntimeConfigError) as raised:
        settings(environ=environ)
    assert message in str(raised.value)


@pytest.mark.parametrize("option", ["--framework", "--secrets", "--exit-spec"])
def test_file_that_does_not_exist_is_a_usage_error(runtime, option):
    finished = runtime.run("true", options=[option, "no-such-file"])
    assert finished.code == 2
    name = option.strip("-").replace("-", " ")
    path = f"{runtime.home}/no-such-file"
    assert (
        finished.stderr
        == f"pai-runtime: {name} {path}: there is no such file; name one that exists\n"
    )
    assert not runtime.logs.exists()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param(
            {"PAI_EXIT_CODE_MODE": "foo"},
            "PAI_EXIT_CODE_MODE='foo': write one of spec, preserve, catalogue",
            id="a word that is none",
        ),
        pytest.param(
            {"PAI_RUNTIME_TASK_INDEX": "first"},
            "task index 'first': give a whole number from 0 up",
            id="a number that is none",
        ),
    ],
)
def test_refused_setting_is_1_and_told_where_the_platform_reads(
    runtime, tmp_path, environ, message
):
    runtime.logs.mkdir()  # of an earlier attempt, which is not to be quoted
    (runtime.logs / "runtime.log").write_text("earlier words\n")
    told = {"PAI_RUNTIME_TERMINATION_LOG": str(tmp_path / "message")}
    finished = runtime.run("true", env={**environ, **told})
    assert (finished.code, finished.stderr) == (1, f"pai-runtime: {message}\n")
    text = (tmp_path / "message").read_text()
    assert message in text
    assert "exitCode: 1\n" in text
    assert "earlier words" not in text


def test_refused_option_is_a_usage_error(runtime):
    finished = runtime.run("true", options=["--task-index", "first"])
    assert finished.code == 2
    assert finished.stderr == ("pai-runtime: task index 'first': give a whole number from 0 up\n")


def test_home_of_an_unknown_user_is_a_name(runtime):
    finished = runtime.run("true", options=["--secrets", "~no-such-user/x"])
    assert finished.code == 2
    assert f"{runtime.home}/~no-such-user/x: there is no such file" in finished.stderr


def test_environment_does_not_choose_which_program_runs_as_our_playbook(runtime, tmp_path):
    (tmp_path / "other.py").write_text("raise SystemExit('not ours')")
    other = {
        "PAI_RUNTIME_LAUNCHER": str(tmp_path / "other.py"),
        "PAI_RUNTIME_PLAYBOOK_DIR": str(tmp_path),
    }
    finished = runtime.run("true", env=other)
    assert finished.code == 0
    assert f"{tmp_path}/root/playbooks/start.yml" in finished.runtime_log


def test_version_and_help():
    def output(option):
        done = subprocess.run([ROOT / "bin" / "pai-runtime", option], capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    assert output("--version").startswith("pai-runtime ")
    assert "pai-runtime run [JOB.yml] [OPTIONS] [-- COMMAND...]" in output("--help")


def test_it_finds_itself_through_links(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "first").symlink_to(ROOT / "bin" / "pai-runtime")
    (tmp_path / "bin" / "second").symlink_to("../first")
    environ = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "CDPATH": "/"}
    done = subprocess.run(["second", "--version"], env=environ, cwd="/", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_hostile_python_variables_and_directory_do_not_matter(runtime, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "json.py").write_text("raise SystemExit('the wrong json')")
    environ = {"PYTHONPATH": ".", "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "/nowhere"}
    finished = runtime.bash("echo $PYTHONHOME; exit 3", env=environ, cwd=tmp_path / "here")
    assert finished.code == 3
    assert finished.log("user-stdout") == b"/nowhere\n"


def test_without_a_python_it_says_what_to_set():
    environ = {**os.environ, "PAI_PYTHON": "/no/python"}
    done = subprocess.run([ROOT / "bin" / "pai-runtime"], env=environ, capture_output=True)
    assert done.returncode == 1
    assert done.stderr == (
        b"pai-runtime: there is no /no/python: name a Python with ansible-core in PAI_PYTHON\n"
    )


def test_removed_current_directory_does_not_matter(runtime, tmp_path):
    (tmp_path / "gone").mkdir()
    finished = runtime.run(
        "pwd", cwd=tmp_path / "gone", preexec_fn=lambda: os.rmdir(tmp_path / "gone")
    )
    assert finished.code == 0
    assert finished.stdout == b"/\n"
