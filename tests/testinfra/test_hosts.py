"""What is true on the machine of molecule/hosts after each play; in the end all is unmounted."""

import json
import re
from pathlib import Path

import pytest
import testinfra

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/hosts"
KEPT = RESULTS / "kept"
PLAYS = {
    "checked": True,
    "mounted": True,
    "checked_again": False,
    "mounted_again": False,
    "checked_absent": True,
    "absent": True,
    "checked_absent_again": False,
    "absent_again": False,
}
SOURCES = {
    "/mnt/local data": "overlay",  # of the container, as every bind mount tells
    "/mnt/100% results": "10.213.79.10:data/new/results",
    "/mnt/cached": "ssh:store@10.213.79.10:22:data",
}
UNITS = {
    "openpai-storage-mnt-100\\x25\\x20results.service",
    "openpai-storage-mnt-cached.service",
}
STATE = "/var/lib/openpai/storage/"


def said(play):
    return (RESULTS / f"{play}.log").read_text()


def seen(moment):
    return json.loads((RESULTS / f"{moment}.json").read_text())


def secrets():
    key = (KEPT / "user_key").read_text().splitlines()[2:-1]
    vault = (KEPT / "vault_password").read_text().strip()
    return [(KEPT / "login").read_text().strip().split(":")[1], vault, *key]


@pytest.mark.parametrize("play", PLAYS)
def test_check_run_check_run_both_ways(play):
    recap = re.search(r"^openpai-hosts-managed .*", said(play), re.M)[0]
    assert re.search(r"changed=0 ", recap) is None if PLAYS[play] else "changed=0 " in recap
    for nothing in ("unreachable=0 ", "failed=0 "):
        assert nothing in recap


def test_a_check_and_a_refusal_change_nothing():
    before = seen("before")
    assert before["mounts"] == before["units"] == before["wanted"] == before["state"] == {}
    assert before["directories"] == []
    assert "/mnt" not in before["fstab"]


def test_what_cannot_be_persistent_is_named_in_one_line():
    expected = (
        "storage 'copied' at /mnt/copied cannot be made persistent: a copy is made once; take the"
        " mode mount; storage 'volume' at /mnt/volume cannot be made persistent: the platform"
        " mounts it; see to it there"
    )
    assert f'"msg": "{expected}"' in said("refused")


@pytest.mark.parametrize("moment", ["mounted", "started_again"])
def test_the_storages_are_mounted_and_seen(moment):
    found = seen(moment)
    assert {place: mount[0] for place, mount in found["mounts"].items()} == SOURCES
    assert found["mounts"]["/mnt/local data"][2].startswith("ro,")
    assert found["files"]["/mnt/local data"] == ["file"]
    assert "file" in found["files"]["/mnt/cached"]


def test_the_machine_mounts_them_by_itself_when_it_starts():
    assert seen("mounted")["active"] == dict.fromkeys(UNITS, "inactive")
    assert seen("started_again")["active"] == dict.fromkeys(UNITS, "active")


@pytest.mark.parametrize("moment", ["mounted", "started_again"])
def test_fstab_and_the_units_say_what_is_to_be_mounted(moment):
    found = seen(moment)
    line = "/srv/local\\040data /mnt/local\\040data none ro,bind,nofail 0 0"
    assert found["fstab"].splitlines().count(line) == 1
    assert set(found["units"]) == UNITS
    assert found["wanted"] == {unit: f"/etc/systemd/system/{unit}" for unit in UNITS}
    assert re.findall(r" (\w+)(?= +enabled$)", found["loaded"], re.M) == ["enabled"] * 2
    assert found["verified"] == [""] * 2  # systemd-analyze has nothing to say


def test_files_with_secrets_are_roots_alone():
    found = seen("mounted")
    assert set(found["secrets"].values()) == {"-rw-------"}
    assert len(found["secrets"]) >= 2
    assert all(path.startswith(STATE) for path in found["secrets"])
    assert found["state"][STATE.rstrip("/")] == "drwx------"
    environment = [mode for path, mode in found["state"].items() if path.endswith("/environment")]
    assert environment == ["-rw-------"] * 2


def test_no_secret_is_in_what_the_plays_say_or_write():
    for path in (*RESULTS.glob("*.log"), *RESULTS.glob("*.json"), *RESULTS.glob("inventory/*")):
        content = path.read_text()
        assert [secret[:3] for secret in secrets() if secret in content] == [], path.name
    assert '"password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in said("mounted")


def test_no_secret_is_in_a_command_line():
    noted = (RESULTS / "command_lines").read_text()
    for program in ("/usr/bin/sshfs -f ", "/usr/bin/rclone mount ", "^/usr/bin/python3"):
        assert re.search(program, noted, re.M)
    assert [secret[:3] for secret in secrets() if secret in noted] == []


@pytest.mark.parametrize("moment", ["absent", "end"])
def test_the_end_leaves_nothing_behind(moment):
    found = seen(moment)
    assert found["mounts"] == found["units"] == found["wanted"] == found["secrets"] == {}
    assert found["directories"] == []
    assert "/mnt" not in found["fstab"]
    assert found["loaded"] == ""
    assert set(found["state"]) == {"/var/lib/openpai", STATE.rstrip("/"), f"{STATE}mounts.lock"}


def test_no_program_that_mounts_is_left(host):
    running = host.check_output("ps -e -o args=")
    assert "systemd" in running
    assert not re.search(r"^\S*(sshfs|rclone) ", running, re.M)


def test_what_was_written_is_with_the_server_and_no_data_is_deleted(host):
    server = testinfra.get_host("podman://openpai-hosts-server")
    assert server.file("/home/store/data/late").content_string == "written late\n"
    assert server.file("/home/store/data/file").content_string == "a file of the server\n"
    assert server.file("/home/store/data/new/results").is_directory
    assert host.file("/srv/local data/file").content_string == "a file of the machine\n"


def test_the_machine_needs_no_package_of_ansibles(host):
    assert host.run("python3 -c 'import yaml'").rc == 1
    assert host.run("python3 -c 'import ansible'").rc == 1
