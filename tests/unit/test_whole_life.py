"""The whole life of a task on this machine: job file in, command run, verdict out."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.jobs import document, role
from tests.unit.playbooks import ROOT, recap

EXTRAS = "com.microsoft.pai.runtimeplugin"
SECRET = "hunter2-hunter2-hunter2"
TEMPLATE = "{{ 7*7 }}"
#: Which Python runs the runtime; tests/tools/versions.sh names others.
PYTHON = os.environ.get("PAI_TEST_PYTHON", sys.executable)


class Life:
    """One run of pai-runtime in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logs = directory / "logs"
        self.work = directory / "work"

    def command(self, job: dict[str, Any] | str | None, *options: str) -> list[str]:
        arguments = [str(ROOT / "bin" / "pai-runtime"), "run"]
        if job is not None:
            text = job if isinstance(job, str) else yaml.safe_dump(job)
            (self.directory / "job.yml").write_text(text)
            arguments.append("job.yml")
        return [*arguments, "--work-dir", "work", "--log-dir", "logs", *options]

    def environment(self, **changes: str) -> dict[str, str]:
        base = {
            "PATH": os.environ["PATH"],
            "PAI_PYTHON": PYTHON,
            "HOME": str(self.directory),
        }
        return {**base, "TERM": "dumb", **changes}

    def run(
        self, job: dict[str, Any] | str | None, *options: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(job, *options),
            cwd=self.directory,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.logs / "exit.json").read_bytes())
        return found

    @property
    def message(self) -> dict[str, Any]:
        lines = (self.logs / "pai-termination-log").read_text().splitlines()
        assert (lines[0], lines[-1]) == ("[PAI_RUNTIME_ERROR_START]", "[PAI_RUNTIME_ERROR_END]")
        found: dict[str, Any] = yaml.safe_load("\n".join(lines[1:-1]))
        return found

    @property
    def runtime_log(self) -> str:
        return (self.logs / "runtime.log").read_text()

    def stdout(self) -> str:
        return (self.logs / "user-stdout" / "current").read_text()


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def job(
    *commands: str, plugins: list[dict[str, Any]] | None = None, **changes: Any
) -> dict[str, Any]:
    extras = {**changes.pop("extras", {}), **({EXTRAS: plugins} if plugins else {})}
    return document(taskRoles={"worker": role(commands=list(commands))}, extras=extras, **changes)


def test_a_command_runs_in_its_environment_and_succeeds(life: Life) -> None:
    done = life.run(
        job("echo $PAI_CURRENT_TASK_ROLE_NAME $PAI_TASK_INDEX $PWD"), "--task-index", "1"
    )
    assert (done.returncode, done.stdout) == (0, f"worker 1 {life.directory}\n"), done.stderr
    assert life.stdout() == done.stdout
    assert life.result["exitCode"] == 0
    assert life.result["phases"].keys() >= {
        "start",
        "command",
        "exit",
    }
    assert life.message["exitCode"] == 0
    assert "succeeded" in done.stderr
    assert "warning" not in life.runtime_log.lower()
    assert str(life.logs) in done.stderr


def test_a_failure_comes_out_explained(life: Life) -> None:
    done = life.run(job("python3 -c 'import no_such_module'"))
    assert done.returncode == 1
    expected = {
        "phrase": "ContainerImportError",
        "fault": "user",
        "transient": False,
        "exitCode": 1,
    }
    assert expected.items() <= life.result.items()
    assert life.message["matchedUserLogString"] == (
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert "fault      user; a retry will not help" in done.stderr


def test_a_broken_job_file_is_refused_in_one_line_and_nothing_runs(life: Life) -> None:
    broken = job("echo ran > ran")
    broken["taskRoles"]["worker"]["instances"] = "two"
    done = life.run(broken)
    assert done.returncode == 1
    message = 'job.yml: taskRoles.worker.instances: "two" is not allowed; write a whole number'
    assert message in done.stderr
    assert message in json.dumps(life.message, ensure_ascii=False).replace("\\", "")
    assert not (life.directory / "ran").exists()
    expected = {"stage": "start", "phrase": "JobConfigRefused", "fault": "user", "transient": False}
    assert expected.items() <= life.result.items()
    assert message in life.message["reason"]
    assert "Traceback" not in done.stderr


def test_plugins_before_and_after_and_what_the_end_is_told(life: Life) -> None:
    events = [
        {
            "event": event,
            "commands": [
                f'echo "{event} $PAI_TASK_EXIT_CODE ${{PAI_TASK_FAILURE_PHRASE:-}}" >> events'
            ],
        }
        for event in ("taskSucceeds", "taskFails", "taskStopped", "taskCompletes")
    ]
    plugins = [
        {
            "plugin": "cmd",
            "parameters": {"preCommands": ["echo started > events", "cd /", "echo said"]},
        },
        {"plugin": "cmd", "parameters": {"callbacks": events}},
    ]
    done = life.run(job("pwd", "false", plugins=plugins))
    assert (done.returncode, done.stdout) == (1, f"{life.directory}\n")
    phrase = life.result["phrase"]
    assert (life.directory / "events").read_text().splitlines() == [
        "started",
        f"taskFails 1 {phrase}",
        f"taskCompletes 1 {phrase}",
    ]
    assert "[openpai-runtime] said" in life.runtime_log


@pytest.mark.parametrize(("policy", "code", "output"), [("fail", 3, ""), ("ignore", 0, "ran\n")])
def test_a_plugin_that_fails_ends_the_task_or_does_not(
    life: Life, policy: str, code: int, output: str
) -> None:
    plugin = {"plugin": "cmd", "failurePolicy": policy, "parameters": {"preCommands": ["exit 3"]}}
    done = life.run(job("echo ran", plugins=[plugin]))
    assert (done.returncode, done.stdout) == (code, output), done.stderr
    assert (life.result["stage"], life.result["plugin"]) == (
        ("start", "cmd") if code else ("command", None)
    )


@pytest.mark.parametrize(("policy", "code"), [("fail", 4), ("ignore", 0)])
def test_a_failing_post_command_fails_a_task_that_had_succeeded(
    life: Life, policy: str, code: int
) -> None:
    plugins = [
        {"plugin": "cmd", "parameters": {"postCommands": ["echo still > still"]}},
        {"plugin": "cmd", "failurePolicy": policy, "parameters": {"postCommands": ["exit 4"]}},
    ]
    done = life.run(job("true", plugins=plugins))
    assert done.returncode == code, done.stderr
    assert (life.directory / "still").exists()
    assert life.result["exitCode"] == life.message["exitCode"] == code
    if code:
        assert (life.result["stage"], life.result["plugin"]) == ("exit", "cmd")
        assert "plugin cmd" in life.result["message"]


def test_a_failing_analysis_neither_stops_the_plugins_nor_hides_a_failure(life: Life) -> None:
    events = [
        {"event": "taskSucceeds", "commands": ["exit 4"]},
        {"event": "taskCompletes", "commands": ["echo completed > event"]},
    ]
    plugins = [{"plugin": "cmd", "parameters": {"callbacks": [event]}} for event in events]
    # what stands where a result belongs cannot be replaced by a file
    done = life.run(job("mkdir -p logs/pai-termination-log/x", plugins=plugins))
    assert done.returncode == 4, done.stderr
    assert (life.directory / "event").read_text() == "completed\n"


def test_plugins_that_cannot_be_run_at_the_end_are_a_failure(life: Life) -> None:
    broken = life.directory / "own" / "broken" / "tasks" / "exit.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text("- [this is no task\n")
    plugins = [{"plugin": "cmd", "parameters": {"postCommands": ["true"]}}, {"plugin": "broken"}]
    done = life.run(job("true", plugins=plugins), PAI_PLUGIN_PATH=str(life.directory / "own"))
    assert done.returncode == 1, done.stderr
    assert (life.result["exitCode"], life.result["stage"]) == (1, "exit")
    assert life.result["originalUserExitCode"] == 0
    assert life.message["exitCode"] == 1


def test_a_talkative_background_process_holds_nothing_up(life: Life) -> None:
    talk = "(while echo some line of a daemon; do :; done) &"
    plugin = {"plugin": "cmd", "parameters": {"preCommands": [talk]}}
    done = life.run(job("echo ran", plugins=[plugin]), PAI_LOG_FILE_BYTES="1000000")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert sum(path.stat().st_size for path in life.logs.glob("runtime.log*")) < 4_000_000


def test_a_background_process_of_a_pre_command_lives_beside_the_command(life: Life) -> None:
    commands = ["(while true; do date > beat; sleep 0.1; done) &"]
    plugin = {"plugin": "cmd", "parameters": {"preCommands": commands}}
    done = life.run(job("while [ ! -s beat ]; do sleep 0.1; done; echo beat", plugins=[plugin]))
    assert (done.returncode, done.stdout) == (0, "beat\n"), done.stderr


def test_a_stopped_task_runs_what_is_for_a_stop(life: Life) -> None:
    callback = {"event": "taskStopped", "commands": ["echo stopped $PAI_TASK_EXIT_CODE > event"]}
    plugin = {"plugin": "cmd", "parameters": {"callbacks": [callback]}}
    command = life.command(job("trap 'exit 0' TERM; echo up; sleep 600 & wait", plugins=[plugin]))
    with subprocess.Popen(
        command,
        cwd=life.directory,
        env=life.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 0
    assert (life.directory / "event").read_text() == "stopped 0\n"
    assert life.result["stopped"] is True


def test_text_of_the_job_is_never_a_template(life: Life) -> None:
    callbacks = [{"event": "taskStarts", "commands": [f"echo '{TEMPLATE}' > started"]}]
    text = job(
        f"printf '%s\\n' '{TEMPLATE}' \"$TEXT\" \"$PAI_JOB_NAME\" '<% $parameters.text %>'",
        plugins=[{"plugin": "cmd", "parameters": {"callbacks": callbacks}}],
        parameters={"text": TEMPLATE},
        description=TEMPLATE,
    )
    text["extras"]["env"] = {"TEXT": TEMPLATE}
    done = life.run(text, PAI_JOB_NAME=TEMPLATE, PAI_USER_NAME=TEMPLATE)
    assert (done.returncode, done.stdout) == (0, f"{TEMPLATE}\n" * 4), done.stderr
    assert (life.directory / "started").read_text() == f"{TEMPLATE}\n"
    assert life.result["job"] == TEMPLATE
    assert life.run(None, USER_CMD=f"echo '{TEMPLATE}'").stdout == f"{TEMPLATE}\n"
    assert life.run(None, "--", "echo", TEMPLATE).stdout == f"{TEMPLATE}\n"


def test_a_command_alone_needs_no_job(life: Life) -> None:
    done = life.run(None, "--", "sh", "-c", 'echo "$0 $PAI_TASK_INDEX"', "a b")
    assert (done.returncode, done.stdout) == (0, "a b 0\n")
    assert "nothing to run; give a job file, USER_CMD or '-- COMMAND'" in life.run(None).stderr


def test_render_writes_the_files_and_runs_nothing(life: Life) -> None:
    plugin = {"plugin": "cmd", "parameters": {"preCommands": ["echo ran > ran"]}}
    command = life.command(job("echo ran > ran", plugins=[plugin]))
    command[1] = "render"
    done = subprocess.run(command, cwd=life.directory, env=life.environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert {"job.json", "runtime_env.sh", "user.sh"} <= {path.name for path in life.work.iterdir()}
    assert not (life.directory / "ran").exists()


def test_the_step_in_the_log_can_be_repeated_by_hand_and_changes_nothing(life: Life) -> None:
    plugin = {"plugin": "cmd", "parameters": {"preCommands": ["echo once >> once"]}}
    assert life.run(job("true", plugins=[plugin])).returncode == 0
    steps = re.findall(r"by hand: (.*)", life.runtime_log)
    assert len(steps) == 2
    for step in steps:
        plain = step.replace("ANSIBLE_STDOUT_CALLBACK=openpai.runtime.phases ", "")
        done = subprocess.run(
            ["sh", "-c", plain], env=life.environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert recap(done.stdout)["changed"] == 0, done.stdout
    assert (life.directory / "once").read_text() == "once\n"


def test_the_secret_is_in_private_files_only(life: Life) -> None:
    callbacks = [
        {"event": "taskStarts", "commands": ["echo pre <% $secrets.token %>"]},
        {"event": "taskFails", "commands": ["echo post <% $secrets.token %>"]},
    ]
    secret = job(
        'test "$TOKEN" = "<% $secrets.token %>" && echo same',
        'echo "RuntimeError: bad token $TOKEN" >&2; exit 1',
        plugins=[{"plugin": "cmd", "parameters": {"callbacks": callbacks}}],
        secrets={"token": SECRET},
    )
    secret["extras"]["env"] = {"TOKEN": "<% $secrets.token %>"}
    done = life.run(secret)
    assert (done.returncode, done.stdout) == (1, "same\n"), done.stderr
    ours = done.stderr.replace(f"RuntimeError: bad token {SECRET}\n", "", 1)
    assert SECRET not in ours, [line for line in ours.splitlines() if SECRET in line]
    assert "pre ******" in ours
    assert "bad token ******" in life.message["errorLogs"]["user"]
    for step in re.findall(r"by hand: (.*)", life.runtime_log):
        (life.work / "state" / "x").unlink(missing_ok=True)
        plain = step.replace("ANSIBLE_STDOUT_CALLBACK=openpai.runtime.phases ", "") + " -vvv --diff"
        shown = subprocess.run(
            ["sh", "-c", plain], env=life.environment(), capture_output=True, text=True
        )
        assert SECRET not in shown.stdout + shown.stderr
    captured = {life.logs / f"user-{name}" / "current" for name in ("stderr", "all")}
    for path in life.directory.rglob("*"):
        if not path.is_file() or path in captured or path.name == "job.yml":
            continue
        private = stat.S_IMODE(path.stat().st_mode) == 0o600
        assert private or SECRET.encode() not in path.read_bytes(), path


def test_the_first_error_is_known_after_its_log_file_was_deleted(life: Life) -> None:
    """The only error stands in a deleted file; what follows it are complaints of others."""
    fill = "seq -f '[rank0]: WARNING: rank 3 does not answer, attempt %08.0f' 1 10000"
    failing = job(
        'python3 -c \'raise ValueError("label " + __import__("os").environ["TOKEN"])\' || true',
        fill,
        "until [ -e logs/user-all/earlier.json ]; do sleep 0.05; done",
        f"{fill}; {fill}; exit 1",
        secrets={"token": SECRET},
    )
    failing["extras"]["env"] = {"TOKEN": "<% $secrets.token %>"}
    done = life.run(failing, PAI_LOG_FILE_BYTES="300000", PAI_LOG_FILES_KEPT="1")
    assert done.returncode == 1, done.stderr
    logs = life.logs / "user-all"
    first = json.loads((logs / "earlier.json").read_bytes())["files"][0]["name"]
    assert not (logs / first).exists()
    assert all(
        b"ValueError" not in path.read_bytes() for path in [*logs.glob("@*"), logs / "current"]
    )
    assert life.result["phrase"] == "PythonValueWrong"
    assert f"user log, {first}, line 3: ValueError: label ******" in life.result["trigger"]
    assert "ValueError: label ******" in life.message["errorLogs"]["user"]
    shown = [path for path in life.logs.iterdir() if path.is_file()]
    assert all(SECRET.encode() not in path.read_bytes() for path in shown)
    assert stat.S_IMODE((logs / "earlier.json").stat().st_mode) == 0o600
    explained = subprocess.run(
        [ROOT / "bin" / "pai-runtime", "explain", "--json", life.logs, "--exit-code", "1"],
        env=life.environment(),
        capture_output=True,
        text=True,
    )
    line = json.loads(explained.stdout)["evidence"][0]
    assert (line["file"], line["line"]) == (str(logs / first), 3), explained.stderr


def test_an_exit_spec_chooses_the_code_and_the_catalogue_the_words(life: Life) -> None:
    spec = [
        {"containerExitCode": 231, "patterns": [{"userLogRegex": "(?i)no such thing"}]},
        {
            "containerExitCode": 232,
            "patterns": [{"exitCode": 1, "userLogRegex": "ModuleNotFoundError"}],
        },
    ]
    (life.directory / "spec.yaml").write_text(yaml.safe_dump(spec))
    done = life.run(job("python3 -c 'import no_such_module'"), "--exit-spec", "spec.yaml")
    assert done.returncode == 232
    assert life.message["originUserExitCode"] == 1
    assert life.message["phrase"] == "ContainerImportError"


def test_failure_patterns_of_the_job_and_of_the_cluster_explain_its_end(life: Life) -> None:
    def pattern(phrase: str, words: str, **more: Any) -> dict[str, Any]:
        rules = [{"userLogRegex": words}]
        texts = {"reason": f"{TEMPLATE}: {phrase}.", "solution": ["Wait."]}
        rest = {"pattern": {"runtimeContainerPatterns": rules}, "weight": 80, **more}
        return {"code": 237, "phrase": phrase, **texts, **rest}

    (life.directory / "own").mkdir()
    of_cluster = [pattern("SolverBusy", "SOLVER: busy", category="network", weight=90)]
    (life.directory / "own" / "a.yml").write_text(yaml.safe_dump(of_cluster))
    of_job = [pattern("NoSeat", "LICENSE ERROR"), pattern("Broken", "(seat")]
    commands = "echo LICENSE ERROR: no free seat; exit 3"
    for command, code, phrase in (
        (commands, 237, "NoSeat"),
        (f"echo SOLVER: busy; {commands}", 237, "SolverBusy"),
    ):
        task = job(command, extras={"failurePatterns": of_job})
        done = life.run(task, PAI_FAILURE_PATTERNS="own", PAI_EXIT_CODE_MODE="catalogue")
        assert done.returncode == code, done.stderr
        assert life.result["phrase"] == phrase
        assert life.result["reason"] == f"{TEMPLATE}: {phrase}."
        assert life.message["solution"] == "Wait."
        told = [line for line in life.runtime_log.splitlines() if "failure pattern" in line]
        assert "extras.failurePatterns: Broken: pattern 1: userLogRegex '(seat'" in told[0]
    assert "PAI_FAILURE_PATTERNS=" in life.runtime_log


def test_an_earlier_jobs_plugins_and_name_are_forgotten(life: Life) -> None:
    callbacks = [{"event": "taskCompletes", "commands": ["echo run >> completed"]}]
    earlier = job("true", plugins=[{"plugin": "cmd", "parameters": {"callbacks": callbacks}}])
    assert life.run(earlier).returncode == 0
    assert life.run("not: [yaml").returncode == 1
    assert (life.directory / "completed").read_text() == "run\n"
    assert life.result["job"] is None


def test_an_earlier_attempts_logs_are_moved_away(life: Life) -> None:
    for text in ("first", "second"):
        life.run(job(f"echo {text}"))
    earlier = list(life.logs.glob("prelog_*"))
    assert len(earlier) == 1
    assert (earlier[0] / "user-stdout" / "current").read_text() == "first\n"
    assert life.stdout() == "second\n"


def test_a_signal_during_the_start_ends_it_and_the_exit_still_runs(life: Life) -> None:
    callbacks = [
        {"event": "taskStarts", "commands": ["echo $$ > pid", "sleep 600"]},
        {"event": "taskStopped", "commands": ["echo stopped > event"]},
    ]
    command = life.command(
        job("true", plugins=[{"plugin": "cmd", "parameters": {"callbacks": callbacks}}])
    )
    with subprocess.Popen(
        command, cwd=life.directory, env=life.environment(), stderr=subprocess.DEVNULL
    ) as running:
        deadline = time.monotonic() + 60
        while not (life.directory / "pid").exists() or not (life.directory / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 143
    assert (life.directory / "event").read_text() == "stopped\n"
    pid = int((life.directory / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()
