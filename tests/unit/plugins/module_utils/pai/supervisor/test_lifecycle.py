"""Start, command, exit: what each learns of the others, and what is left when one of ours fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[6]
REPORT = "Path(os.environ['PAI_RUNTIME_REPORT']).write_text(json.dumps({}))\n"


def report(phases=None, failure=None):
    """Return code that writes a playbook's report, as our callback plugin does."""
    return REPORT.replace("{}", repr({"phases": phases or {}, "failure": failure}))


def failure(**fields):
    return {"task": "t", "role": "git", "plugin": None, "exit_code": None, **fields}


def test_exit_playbook_learns_how_the_command_ended(runtime):
    finished = runtime.bash("exit 3")
    outcome = finished.outcome
    assert {
        "exitCode": 3,
        "signal": None,
        "stopped": False,
        "stage": "command",
        "plugin": None,
        "message": None,
    }.items() <= outcome.items()
    assert outcome["phases"].keys() == {"start", "command"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", outcome["startedAt"])
    assert outcome["startedAt"] <= outcome["endedAt"]


def test_phases_of_both_playbooks_are_in_the_result(runtime):
    runtime.hook("start", report({"runtime_env": 0.5, "plugin cmd": 0.25}))
    runtime.hook("exit", report({"plugin cmd": 0.125}))
    finished = runtime.run("true")
    phases = finished.exit["phases"]
    assert {
        "start/runtime_env": 0.5,
        "start/plugin cmd": 0.25,
        "exit/plugin cmd": 0.125,
    }.items() <= phases.items()
    assert {"start", "command", "exit"} <= phases.keys()
    assert "(runtime_env 0.50, plugin cmd 0.25)" in finished.stderr


def test_failed_start_skips_the_command_and_keeps_the_plugins_code(runtime, tmp_path):
    broken = failure(plugin="git", message="git: cannot clone", exit_code=128)
    runtime.hook("start", report(failure=broken) + "sys.exit(2)")
    finished = runtime.run("touch", str(tmp_path / "ran"))
    assert finished.code == 128
    expected = {"stage": "start", "plugin": "git", "message": "git: cannot clone", "exitCode": 128}
    assert expected.items() <= finished.outcome.items()
    assert not (tmp_path / "ran").exists()
    assert "the command does not run: git: cannot clone" in finished.runtime_log


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        pytest.param(
            "print('ERROR: the disk is gone'); sys.exit(4)",
            "the start playbook failed (exit code 4): playing .* | ERROR: the disk is gone",
            id="without a report its last lines are quoted",
        ),
        pytest.param("os.kill(os.getpid(), 9)", r"\(exit code 137\)", id="killed"),
        pytest.param(
            report(failure=failure(message="odd", exit_code=256)) + "sys.exit(2)",
            "odd",
            id="a code that is none counts as 1",
        ),
        pytest.param(
            "(logs / 'note').touch(); os._exit(0)",
            "the start playbook ended well but did not write .*process_env.nul",
            id="ended well without its files",
        ),
    ],
)
def test_start_that_fails_otherwise_is_1(runtime, hook, message):
    runtime.hook("start", hook)
    finished = runtime.run("true")
    assert finished.code == 1
    assert re.search(message, finished.outcome["message"])


def test_exit_codes_of_the_analysis_win(runtime):
    runtime.hook(
        "exit", "(logs / 'exit.json').write_text(json.dumps({'exitCode': 226})); sys.exit(0)"
    )
    assert runtime.bash("exit 1").code == 226


@pytest.mark.parametrize(
    ("written", "command", "code"),
    [
        pytest.param("256", "exit 1", 255, id="256 would end as success"),
        pytest.param("-1", "exit 1", 255, id="a negative code"),
        pytest.param("0", "exit 9", 9, id="a failure never ends as success"),
        pytest.param("3", "exit 0", 3, id="a failing plugin of the end fails a success"),
    ],
)
def test_status_after_a_failure_is_1_to_255(runtime, written, command, code):
    runtime.hook(
        "exit", f"(logs / 'exit.json').write_text('{{\"exitCode\": {written}}}'); sys.exit(0)"
    )
    finished = runtime.bash(command)
    assert finished.code == finished.exit["exitCode"] == code


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        pytest.param("raise SystemExit('no space')", "no space", id="it fails"),
        pytest.param("os._exit(0)", "the exit playbook wrote no exit.json", id="it writes nothing"),
        pytest.param(
            "(logs / 'exit.json').write_text('{'); os._exit(0)",
            "the exit playbook wrote no exit.json",
            id="it writes half of it",
        ),
        pytest.param("os.kill(os.getpid(), 11)", "exit code 139", id="it crashes"),
    ],
)
@pytest.mark.parametrize("code", [0, 7])
def test_failed_exit_keeps_code_and_logs_and_says_what_failed(runtime, tmp_path, hook, says, code):
    runtime.hook("exit", hook)
    (tmp_path / "message").write_text("of an earlier attempt")
    finished = runtime.bash(
        f"echo the words; exit {code}", options=["--termination-log", str(tmp_path / "message")]
    )
    assert finished.code == code
    assert finished.log("user-stdout") == b"the words\n"
    assert {"exitCode": code, "originalUserExitCode": code}.items() <= finished.exit.items()
    assert says in finished.exit["message"]
    text = (tmp_path / "message").read_text()
    assert text == (finished.logs / "pai-termination-log").read_text()
    lines = text.splitlines()
    assert lines[0] == "[PAI_RUNTIME_ERROR_START]"
    assert lines[-1] == "[PAI_RUNTIME_ERROR_END]"
    message = yaml.safe_load("\n".join(lines[1:-1]))
    assert message["exitCode"] == message["originUserExitCode"] == code
    assert says in message["caughtException"]
    assert message["errorLogs"]["user"] == "the words"
    assert says in finished.stderr


def test_analysis_counts_also_when_the_playbook_fails_after_it(runtime):
    runtime.hook(
        "exit",
        "(logs / 'exit.json').write_text(json.dumps({'exitCode': 5, 'reason': 'analysed'}))\n"
        "sys.exit('disk full')",
    )
    finished = runtime.bash("exit 5")
    assert finished.code == 5
    assert finished.exit["reason"] == "analysed"
    assert "disk full" in finished.exit["message"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param({"exitCode": 226, "transient": "maybe"}, 226, id="a word for a boolean"),
        pytest.param({"exitCode": 226, "solution": 5}, 226, id="what the summary cannot show"),
    ],
)
def test_nothing_after_the_analysis_costs_its_code(runtime, content, code):
    runtime.hook("exit", f"(logs / 'exit.json').write_text({json.dumps(content)!r}); sys.exit(0)")
    finished = runtime.bash("echo words; exit 1")
    assert finished.code == finished.exit["exitCode"] == code
    assert str(code) in finished.stderr.splitlines()[-1] + finished.stderr.split("exit code")[-1]


def test_capture_that_is_impossible_is_told_in_the_termination_message(runtime, tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/module_utils')\n"
        "from pai.supervisor import cli, lifecycle\n"
        "def refuse(*_arguments): raise OSError(28, 'No space left on device')\n"
        "lifecycle.Capture = refuse\n"
        "raise SystemExit(cli.main(sys.argv[2:]))"
    )
    runtime.hook("exit", "os._exit(1)")
    places = ["--work-dir", str(runtime.work), "--log-dir", str(runtime.logs)]
    root, message = runtime.launcher.parents[1], tmp_path / "message"
    options = [*places, "--termination-log", str(message), "--", "true"]
    done = subprocess.run(
        [sys.executable, "-c", program, root, "run", *options],
        env=runtime.environment,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "No space left on device" in message.read_text()
    assert "No space left on device" in (runtime.work / "outcome.json").read_text()


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="at the end"),
        pytest.param({"PAI_EXIT_CODE_MODE": "foo"}, id="before the start"),
    ],
)
def test_pipe_that_nobody_reads_as_termination_log_holds_nothing_up(runtime, tmp_path, environ):
    runtime.hook("exit", "sys.exit('no space')")
    os.mkfifo(tmp_path / "pipe")
    options = ["--termination-log", str(tmp_path / "pipe")]
    finished = runtime.bash("exit 1", options=options, env=environ)
    assert finished.code == 1
    if not environ:
        says = f"termination message not written to {tmp_path}/pipe: No such device or address"
        assert says in finished.runtime_log


def test_missing_ansible_is_told_and_nothing_hangs(runtime):
    runtime.launcher.unlink()
    finished = runtime.run("true")
    assert finished.code == 1
    assert "No such file or directory" in finished.exit["message"]


def test_python_without_ansible_is_named(runtime, tmp_path):
    """The real launcher, with a Python that has only its standard library."""
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    program = str(bare / "bin" / "python")
    shutil.copy(ROOT / "bin" / "pai-playbook", runtime.launcher)
    finished = runtime.run("true", env={"PAI_PYTHON": program})
    assert finished.code == 1
    says = "has no ansible-core (No module named 'ansible'): name one that has in PAI_PYTHON"
    assert f"{program} {says}" in finished.exit["message"]


def test_real_ansible_runs_in_hostile_surroundings(runtime, tmp_path):
    """A POSIX locale, no home, the user's own settings, a current directory open to everybody."""
    shutil.copy(ROOT / "bin" / "pai-playbook", runtime.launcher)
    for name, source, target in (
        ("start", "work/container_env.nul", "work/process_env.nul"),
        ("exit", "work/outcome.json", "logs/exit.json"),
    ):
        copy = {
            "ansible.builtin.command": {
                "argv": ["cp", *(f"{tmp_path}/{p}" for p in (source, target))]
            }
        }
        play = {"hosts": "all", "gather_facts": False, "tasks": [{"name": "Copy", **copy}]}
        (runtime.launcher.parents[1] / "playbooks" / f"{name}.yml").write_text(json.dumps([play]))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    environ = {
        "LC_ALL": "POSIX",
        "HOME": "/nonexistent",
        "ANSIBLE_CONFIG": "/nonexistent",
        "ANSIBLE_STRATEGY": "nonsense",
        "PYTHONHOME": "/nonexistent",
    }
    finished = runtime.bash(
        "echo $HOME $ANSIBLE_STRATEGY; exit 3", env=environ, cwd=tmp_path / "open"
    )
    assert finished.code == 3, finished.stderr
    assert finished.stdout == b"/nonexistent nonsense\n"
    assert finished.exit["stage"] == "command"
    assert list((tmp_path / "open").iterdir()) == []


def test_playbooks_get_a_built_environment(runtime, tmp_path):
    foreign = {
        "ANSIBLE_FORCE_COLOR": "1",
        "PYTHONPATH": "/nowhere",
        "LD_PRELOAD": "",
        "LC_ALL": "POSIX",
        "BASH_ENV": "/nowhere",
        "RUNTIME_LOG_PIPE": "/nowhere",
        "HOME": "/nonexistent",
        "PAI_PLUGIN_PATH": "mine:/theirs",
        "PAI_EXIT_CODE_MODE": "preserve",
        "PAI_RUNTIME_FRAMEWORK": "relative.json",
    }
    runtime.hook("start", "(work / 'seen.json').write_text(json.dumps(dict(os.environ)))")
    finished = runtime.run("true", env=foreign)
    seen = json.loads((finished.work / "seen.json").read_bytes())
    work = str(finished.work)
    assert {
        "ANSIBLE_HOME": f"{work}/ansible",
        "ANSIBLE_LOCAL_TEMP": f"{work}/ansible/tmp",
        "ANSIBLE_STDOUT_CALLBACK": "openpai.runtime.phases",
        "HOME": f"{work}/ansible",
        "LC_ALL": "C.UTF-8",
        "PAI_EXIT_CODE_MODE": "preserve",
        "PAI_PLUGIN_PATH": f"{tmp_path}/mine:/theirs",
        "PAI_RUNTIME_CWD": str(tmp_path),
        "PAI_RUNTIME_FRAMEWORK": f"{tmp_path}/relative.json",
        "PAI_RUNTIME_LOG_DIR": str(finished.logs),
        "PAI_RUNTIME_WORK_DIR": work,
        "PAI_TERMINATION_GRACE_SECONDS": "30",
        "RUNTIME_LOG_PIPE": f"{work}/runtime_log_pipe",
    }.items() <= seen.items()
    assert not {"ANSIBLE_FORCE_COLOR", "PYTHONPATH", "LD_PRELOAD", "BASH_ENV"} & seen.keys()


def test_playbooks_have_no_stdin_no_terminal_and_a_blocking_stdout(runtime):
    runtime.hook(
        "start",
        "facts = [sys.stdin.read(), os.get_blocking(1), os.get_blocking(2), os.getsid(0)]\n"
        "(work / 'facts.json').write_text(json.dumps([*facts, os.getpid()]))",
    )
    finished = runtime.run("true")
    read, *blocking, session, pid = json.loads((finished.work / "facts.json").read_bytes())
    assert (read, blocking) == ("", [True, True])
    assert session == pid


def test_runtime_log_shows_how_to_repeat_a_step_by_hand(runtime):
    log = runtime.run("true", env={"PAI_PLUGIN_PATH": "my plugins"}).runtime_log
    line = next(line for line in log.splitlines() if "by hand: " in line)
    command = line.partition("by hand: ")[2]
    assert command.startswith("cd ")
    assert " env ANSIBLE_CONFIG=" in command
    assert f" 'PAI_PLUGIN_PATH={runtime.home}/my plugins' " in command
    assert command.endswith("playbooks/start.yml")
    assert "ansible-playbook -c local -i localhost, " in command


def test_lines_of_the_steps_are_stamped_and_shown(runtime):
    runtime.hook(
        "start",
        "with open(os.environ['RUNTIME_LOG_PIPE'], 'w') as log:\n"
        "    print('from a step', file=log)\n"
        "print('from ansible')\n"
        "print('without an end', end='')",
    )
    finished = runtime.run("true")
    for text in ("from a step", "from ansible", "without an end"):
        pattern = rf"\[\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\] \[openpai-runtime\] {text}\n"
        assert re.search(pattern, finished.runtime_log)
        assert re.search(pattern, finished.stderr)
    assert finished.runtime_log.index("from a step") < finished.runtime_log.index("USER COMMAND")


def test_secrets_are_masked_in_what_we_write_but_not_in_captured_output(runtime):
    runtime.hook(
        "start",
        "(work / 'secrets.json').write_text(json.dumps({'token': 'hunter2-hunter2'}))\n"
        "print('ansible says hunter2-hunter2', flush=True)\n"
        "with open(os.environ['RUNTIME_LOG_PIPE'], 'w') as log:\n"
        "    print('a step says hunter2-hunter2', file=log)",
    )
    runtime.hook("exit", "sys.exit('exit says hunter2-hunter2')")
    finished = runtime.bash("echo hunter2-hunter2; exit 1")
    assert finished.log("user-stdout") == b"hunter2-hunter2\n"
    assert "hunter2" not in finished.runtime_log
    assert "hunter2" not in finished.stderr
    assert "hunter2" not in json.dumps(finished.exit)
    assert "hunter2" not in (finished.logs / "pai-termination-log").read_text()
    for says in ("ansible says ******", "a step says ******", "exit says ******"):
        assert says in finished.runtime_log


@pytest.mark.parametrize("token", ["hunter2-hunter2", None], ids=["a job with secrets", "without"])
def test_what_a_plugin_learns_is_masked_as_soon_as_it_is_written(runtime, token):
    first = f"(work / 'secrets.json').write_text(json.dumps({{'token': {token!r}}}))\n"
    runtime.hook(
        "start",
        (first if token else "")
        + "print('before: hunter2-hunter2', flush=True)\n"
        + "known = {'position-0': ['of-a-storage']}\n"
        + "(work / 'secrets_of_plugins.json').write_text(json.dumps(known))\n"
        + "print('after: of-a-storage hunter2-hunter2', flush=True)",
    )
    runtime.hook("exit", "sys.exit('exit: of-a-storage')")
    finished = runtime.run("true")
    shown = "******" if token else "hunter2-hunter2"
    for line in (f"before: {shown}", f"after: ****** {shown}", "exit: ******"):
        assert line in finished.runtime_log
    assert "of-a-storage" not in finished.runtime_log + finished.stderr + json.dumps(finished.exit)


def test_secrets_are_masked_in_the_failure_of_a_playbook_that_was_analysed(runtime):
    runtime.hook("start", "(work / 'secrets.json').write_text('{\"token\": \"hunter2-hunter2\"}')")
    broken = failure(plugin="cmd", message="no hunter2-hunter2", exit_code=3)
    runtime.hook(
        "exit",
        report(failure=broken)
        + "(logs / 'exit.json').write_text('{\"exitCode\": 3}')\nsys.exit(2)",
    )
    finished = runtime.run("true")
    assert finished.code == 3
    assert finished.exit["message"] == "no ******"


def test_container_entrypoint_takes_everything_from_the_environment(runtime, tmp_path):
    places = {"PAI_RUNTIME_WORK_DIR": str(runtime.work), "PAI_RUNTIME_LOG_DIR": "logs"}
    done = subprocess.run(
        [runtime.program, "--", "bash", "-c", "echo words; exit 3"],
        env={**runtime.environment, **places},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (3, b"words\n")
    assert (tmp_path / "logs" / "exit.json").exists()


def test_without_a_fifo_steps_are_told_to_write_directly(runtime):
    runtime.work.mkdir()
    (runtime.work / "runtime_log_pipe").mkdir()  # in the way
    runtime.hook("start", "print('pipe', os.environ.get('RUNTIME_LOG_PIPE'))")
    finished = runtime.run("true")
    assert finished.code == 0
    assert "cannot make the FIFO" in finished.runtime_log
    assert "pipe None" in finished.runtime_log


def test_render_runs_the_start_playbook_without_what_acts(runtime, tmp_path):
    runtime.hook("start", "(work / 'user.sh').touch()")
    finished = runtime.finish(runtime.start("touch", str(tmp_path / "ran"), action="render"))
    assert finished.code == 0
    assert "playing -c local -i localhost, --skip-tags run" in finished.stderr
    assert str(finished.work / "user.sh") in finished.stderr
    assert not (tmp_path / "ran").exists()
    assert not (finished.logs / "exit.json").exists()


def test_failing_render_says_why(runtime):
    runtime.hook("start", report(failure=failure(message="job.yml: no")) + "sys.exit(2)")
    finished = runtime.finish(runtime.start(action="render"))
    assert finished.code == 1
    assert "Rendering failed\n  reason     job.yml: no\n" in finished.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root for a process namespace")
def test_as_pid_1_it_reaps_and_ends_everything(runtime, tmp_path):
    unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("process namespaces are not allowed here")
    directories = ["--work-dir", str(runtime.work), "--log-dir", str(runtime.logs)]
    program = str(runtime.program)
    script = "echo parent $PPID; setsid sleep 1000 & exit 3"
    done = subprocess.run(
        [*unshare, program, "run", *directories, "--", "bash", "-c", script],
        env=runtime.environment,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert done.stdout == b"parent 1\n"
