"""The plugin's configuration files: what OpenSSH itself reads out of them."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import configs
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.material import (
    Material,
    find_material,
)
from tests.unit.jobs import document, framework, load, role

needs_ssh = pytest.mark.skipif(
    shutil.which("ssh") is None, reason="no ssh here; Debian's package openssh-client has it"
)


def material(aliases: dict[str, tuple[str, int]], directory: Path = Path("/d")) -> Material:
    return Material(directory, aliases, tuple(aliases)[:1], ())


@needs_ssh
@pytest.mark.parametrize(
    ("alias", "place"),
    [
        ("worker-0", ("10.0.0.1", 2222)),
        ("Ps_1-12", ("fd00::1", 40000)),
        ("w-0", ("fe80::1%eth0", 22)),
        ("w-1", ("node-7.example.org", 22)),
    ],
    ids=["an address", "a role name with _ and IPv6", "IPv6 with a zone", "a host name"],
)
def test_what_ssh_makes_of_an_alias(tmp_path: Path, alias: str, place: tuple[str, int]) -> None:
    others = {f"other-{i}": ("10.9.9.9", 9) for i in range(200)}
    path = tmp_path / "ssh_config"
    path.write_text(configs.ssh_config(material({**others, alias: place}), "root"))
    done = subprocess.run(["ssh", "-G", "-F", path, alias], capture_output=True, text=True)
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert done.returncode == 0, done.stderr
    wanted = {
        "hostname": place[0],
        "port": str(place[1]),
        "user": "root",
        "hostkeyalias": alias.lower(),
        "stricthostkeychecking": "true",
        "userknownhostsfile": "/dev/null",
        "globalknownhostsfile": "/d/known_hosts",
        "identitiesonly": "yes",
        "identityfile": "/d/job_key",
    }
    found["stricthostkeychecking"] = found["stricthostkeychecking"].replace("yes", "true")
    assert wanted.items() <= found.items()
    assert found["kexalgorithms"].startswith("curve25519-sha256")


@needs_ssh
def test_no_other_host_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "ssh_config"
    path.write_text(configs.ssh_config(material({"worker-0": ("10.0.0.1", 2222)}), "root"))
    done = subprocess.run(["ssh", "-G", "-F", path, "worker-00"], capture_output=True, text=True)
    assert "/d/known_hosts" not in done.stdout
    assert "hostname worker-00\n" in done.stdout


def test_only_the_jobs_names_are_trusted() -> None:
    names = {f"W-{i}": ("10.0.0.1", i) for i in range(120)}
    lines = configs.known_hosts(material(names), "ssh-ed25519 AAAA").splitlines()
    found = [name for line in lines for name in line.split()[1].split(",")]
    assert sorted(found) == sorted(name.lower() for name in names)
    assert all(line.startswith("@cert-authority w-") for line in lines)
    assert all(line.endswith(" ssh-ed25519 AAAA") for line in lines)
    assert max(map(len, lines)) < 8000


def test_a_thousand_tasks_are_all_there_once(tmp_path: Path) -> None:
    job = document(taskRoles={"worker": role(instances=1000)})
    known = find_material(load(tmp_path, job, framework(1000, {"ssh": 1}, job)), Path("/d"))
    names = [f"worker-{index}" for index in range(1000)]
    assert sorted(known.aliases) == sorted(names)
    lines = configs.ssh_config(known, "root").splitlines()
    assert sorted(line.split()[1] for line in lines if "HostKeyAlias" in line) == sorted(names)
    # what is common to all stands there once per 50 names
    assert sum("IdentityFile" in line for line in lines) == 20
    trusted = configs.known_hosts(known, "ssh-ed25519 AAAA").splitlines()
    assert len(trusted) == 20
    assert sorted(",".join(line.split()[1] for line in trusted).split(",")) == sorted(names)


ALIASES = some.from_regex("[a-zA-Z0-9_]{1,9}-[0-9]{1,3}", fullmatch=True)
PLACES = some.tuples(some.ip_addresses().map(str), some.integers(1, 65535))


@needs_ssh
@settings(max_examples=30)
@given(some.dictionaries(ALIASES, PLACES, min_size=1, max_size=5))
def test_every_alias_leads_to_its_own_task(
    tmp_path_factory: pytest.TempPathFactory, aliases: dict[str, tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("ssh") / "ssh_config"
    path.write_text(configs.ssh_config(material(aliases), "root"))
    for alias, (host, port) in aliases.items():
        done = subprocess.run(["ssh", "-G", "-F", path, alias], capture_output=True, text=True)
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        reached = ipaddress.ip_address(found["hostname"]), int(found["port"])
        assert reached == (ipaddress.ip_address(host), port), done.stderr
        assert found["hostkeyalias"] == alias.lower()


def test_both_names_of_a_role_and_what_is_left_out(tmp_path: Path) -> None:
    roles = {"Ps_1": role(instances=1), "worker": role(instances=2)}
    placed = framework(1, {"ssh": 1}, document(taskRoles=roles))
    placed["spec"]["taskRoles"][0]["name"] = "ps1"
    placed["status"]["attemptStatus"]["taskRoleStatuses"][0]["name"] = "ps1"
    placed["spec"]["taskRoles"].append(
        {**placed["spec"]["taskRoles"][0], "name": "worker", "taskNumber": 2}
    )
    known = find_material(load(tmp_path, document(taskRoles=roles), placed), Path("/d"))
    assert sorted(known.aliases) == ["Ps_1-0", "ps1-0"]
    assert known.own_aliases == ("Ps_1-0", "ps1-0")
    assert known.left_out == (
        ("worker-0", "its host is not known yet"),
        ("worker-1", "its host is not known yet"),
    )


@given(some.dictionaries(some.from_regex("[A-Z_]{1,3}", fullmatch=True), some.text(max_size=9)))
def test_the_session_has_the_jobs_values_as_they_are(variables: dict[str, str]) -> None:
    usable = {
        name: value.replace("\0", "").encode("utf-8", "ignore").decode()
        for name, value in variables.items()
    }
    usable = {f"V{name}": value for name, value in usable.items()}
    script = configs.environment_lines(usable) + b"env -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, env={"PATH": "/usr/bin:/bin"})
    found = dict(entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if entry)
    assert {n: found[n.encode()] for n in usable} == {n: v.encode() for n, v in usable.items()}


def test_a_login_keeps_what_is_its_own() -> None:
    given_environment = {"SHELL": "/x", "TERM": "x", "SSH_TTY": "x", "BASH_FUNC_a%%": "x", "A": "1"}
    text = configs.environment_lines(given_environment).decode()
    assert text.splitlines()[1:] == ["export A=1"]


@pytest.mark.parametrize(
    ("host", "listens"),
    [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("node-7", False), (None, False)],
)
def test_only_a_task_of_this_machine_listens_to_it_alone(host: str | None, listens: bool) -> None:
    text = configs.sshd_config(material({}), (host, 22), "root", True, None)
    assert (f"ListenAddress {host}\n" in text) is listens
