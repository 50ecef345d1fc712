"""What is true after the containers of molecule/default have ended."""

import json
from pathlib import Path

import pytest
import yaml

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/default"
START, END = "[PAI_RUNTIME_ERROR_START]", "[PAI_RUNTIME_ERROR_END]"
ENDED = json.loads((RESULTS / "exit_codes.json").read_text())


class Case:
    """One container's remains."""

    def __init__(self, name):
        self.directory = RESULTS / name
        self.code = ENDED[name]

    def text(self, name):
        return (self.directory / name).read_text()

    @property
    def stdout(self):
        return self.text("user-stdout/current")

    @property
    def runtime_log(self):
        return self.text("runtime.log")

    @property
    def exit(self):
        return json.loads(self.text("exit.json"))

    @property
    def message(self):
        before, start, rest = self.text("termination").partition(START)
        body, end, after = rest.partition(END)
        assert (before, start, end, after.strip()) == ("", START, END, "")
        return yaml.safe_load(body)


CODES = {
    "success": 0,
    "failing_command": 3,
    "unknown_command": 127,
    "orphans": 0,
    "plugin_fails": 7,
    "plugin_ignored": 0,
    "broken_job_file": 1,
    "stopped_in_time": 0,
    "stopped_by_force": 137,
    "idempotence": 0,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_the_container_ends_with_the_contracts_code(name, code):
    case = Case(name)
    assert (case.code, case.exit["exitCode"]) == (code, code)


@pytest.mark.parametrize("name", CODES)
def test_phases_are_timed_in_every_exit_record(name):
    assert {"start", "exit"} <= Case(name).exit["phases"].keys()


@pytest.mark.parametrize("name", CODES)
def test_our_own_playbooks_do_not_fail(name):
    assert "could not be analysed" not in Case(name).runtime_log


@pytest.mark.parametrize("name", [name for name, code in CODES.items() if code])
def test_a_failures_message_fits_and_says_the_code(name):
    case = Case(name)
    assert len(case.text("termination").encode()) <= 4096
    assert case.message["exitCode"] == case.code
    assert case.message["reason"]
    assert case.message["solution"]


def test_the_command_of_a_success_sees_the_job_and_its_own_environment():
    lines = Case("success").stdout.splitlines()
    for expected in (
        "PAI_JOB_NAME=success",
        "PAI_CURRENT_TASK_ROLE_NAME=worker",
        "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX=1",
        "PAI_TASK_ROLE_TASK_COUNT_worker=2",
        "PAI_TASK_ROLE_COUNT=2",
        "FROM_OUTSIDE=kept as it is",
    ):
        assert expected in lines


def test_the_text_of_a_parameter_arrives_unchanged():
    assert 'greeting: it\'s "$HOME" and {{ 7*7 }}' in Case("success").stdout.splitlines()


def test_both_streams_are_kept_apart_together_and_passed_on():
    case = Case("success")
    assert case.text("user-stderr/current") == "to stderr\n"
    assert "to stderr" not in case.stdout
    assert "to stderr\n" in case.text("user-all/current")
    assert case.stdout.splitlines()[0] in case.text("user-all/current")
    assert "to stderr" in case.text("container.log")


def test_what_we_leave_is_as_readable_as_it_should_be(host):
    directory = RESULTS / "success"
    assert host.file(str(directory)).mode & 0o007 == 0o007
    assert host.file(str(directory / "user-stdout")).mode & 0o005 == 0o005
    assert host.file(str(directory / "runtime.log")).mode == 0o644


def test_a_failing_commands_last_words_are_in_the_message():
    case = Case("failing_command")
    assert case.message["originUserExitCode"] == 3
    assert "ValueError: the loss is not a number" in case.message["errorLogs"]["user"]
    assert "never reached" not in case.text("user-all/current")


def test_an_unknown_command_is_named():
    assert "no-such-program" in Case("unknown_command").message["errorLogs"]["user"]


def test_what_the_command_left_in_its_group_is_ended_before_the_exit():
    case = Case("orphans")
    assert case.stdout == "the command ends\n"
    # the daemon shows that the list of the exit callback would have named the others
    assert "sleep 1003" in case.runtime_log
    assert "sleep 1001" not in case.runtime_log
    assert "sleep 1002" not in case.runtime_log


def test_a_failing_plugin_of_policy_fail_ends_the_task_before_its_command():
    case = Case("plugin_fails")
    assert (case.exit["stage"], case.exit["plugin"]) == ("start", "cmd")
    assert "the plugin says something" in case.runtime_log
    assert not (case.directory / "user-stdout/current").exists() or case.stdout == ""


def test_a_failing_plugin_of_policy_ignore_is_logged_and_the_command_runs():
    case = Case("plugin_ignored")
    assert case.stdout == "the command runs\n"
    assert "the plugin says something" in case.runtime_log


def test_a_broken_job_file_is_refused_by_file_place_value_and_remedy():
    case = Case("broken_job_file")
    assert case.exit["stage"] == "start"
    for expected in ("/job.yml", "taskRoles.worker.instances", "several", "whole number"):
        assert expected in case.message["caughtException"]


def test_a_command_that_saves_when_told_to_stop_has_succeeded():
    case = Case("stopped_in_time")
    assert case.stdout == "ready\nsaved\n"
    assert case.exit["stopped"] is True


def test_a_command_that_does_not_stop_is_killed_within_the_grace_period():
    case = Case("stopped_by_force")
    assert "ignored" in case.stdout
    assert (case.exit["stopped"], case.exit["signal"]) == (True, 9)


def test_a_start_that_is_repeated_by_hand_changes_nothing():
    case = Case("idempotence")
    assert "PLAY RECAP" in case.text("repeated_start")
    assert "changed=0" in case.text("repeated_start")
    assert "failed=0" in case.text("repeated_start")
    assert case.runtime_log.count("once") == 1
