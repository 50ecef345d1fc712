"""The module pai_storage: what it writes, when it asks, and that no secret gets out."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import mountinfo
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.requests import read
from ansible_collections.openpai.runtime.plugins.modules import pai_env, pai_plugins, pai_storage
from tests.unit.jobs import document
from tests.unit.kubernetes_api import TOKEN, serve
from tests.unit.playbooks import ROOT

Result = dict[str, Any]
PLUGINS = "com.microsoft.pai.runtimeplugin"
PASSWORD = "hunter2-hunter2"
SMALL = "pw7"
SERVERS = [
    {"spn": "nfs", "type": "nfs", "address": "10.0.0.1", "rootPath": "/export"},
    {
        "spn": "smb",
        "type": "samba",
        "address": "10.0.0.2",
        "rootPath": "share",
        "userName": "u",
        "password": PASSWORD,
        "domain": "",
    },
    {
        "spn": "small",
        "type": "samba",
        "address": "10.0.0.3",
        "rootPath": "share",
        "userName": "u",
        "password": SMALL,
    },
]
CONFIGS = [
    {"name": "home", "default": True, "mountInfos": [{"server": "nfs", "path": "h/%USER"}]},
    {"name": "team", "mountInfos": [{"server": "smb", "mountPoint": "/team"}]},
    {"name": "small", "mountInfos": [{"server": "small"}]},
]


class Task:
    """A task whose job uses a storage plugin; the files that pai_env and pai_plugins write."""

    def __init__(self, directory: Path, run: Callable[..., Result]) -> None:
        self.directory = directory
        self.work = directory / "work"
        self.work.mkdir()
        self.run = run
        self.environment = {"PATH": "/usr/bin", "PAI_USER_NAME": "alice"}
        self.storage_file: Path | None = directory / "storage.yml"
        self.describe({"servers": SERVERS, "configs": CONFIGS})

    def describe(self, value: Any) -> None:
        assert self.storage_file is not None
        self.storage_file.write_text(yaml.safe_dump(value))

    def prepare(
        self, plugin: str | None, extras: Any = None, env: Any = None, **parameters: Any
    ) -> None:
        uses = [{"plugin": plugin, "parameters": parameters}] if plugin else []
        job = document(
            extras={PLUGINS: uses, "storages": extras, "env": env or {}},
            secrets={"key": "hunter2-of-the-job"},
        )
        entries = [f"{name}={value}" for name, value in self.environment.items()]
        (self.work / "container_env.nul").write_bytes("\0".join([*entries, ""]).encode())
        file = self.directory / "job.yml"
        file.write_text(yaml.safe_dump(job))
        here = {"work_dir": str(self.work)}
        for main, args in (
            (pai_env.main, {**here, "job_file": str(file), "cwd": "/data"}),
            (pai_plugins.main, {**here, "built_in": str(ROOT / "roles")}),
        ):
            result = self.run(main, args)
            assert not result.get("failed"), result

    def storage(self, check: bool = False, **options: Any) -> Result:
        args = {"work_dir": str(self.work), "position": 0, **options}
        args.setdefault("service_account", str(self.directory / "account"))
        if self.storage_file is not None:
            args["storage_file"] = str(self.storage_file)
        return self.run(pai_storage.main, args, check=check, diff=True)

    @property
    def file(self) -> Path:
        return self.work / "storage" / "position-0.json"


@pytest.fixture
def task(tmp_path: Path, run_module: Callable[..., Result]) -> Task:
    return Task(tmp_path, run_module)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_check_run_check_run(task: Task) -> None:
    task.prepare("storage", storageConfigNames=["home", "team"])
    before = {path.name for path in task.work.iterdir()}
    first = task.storage(check=True)
    assert {path.name for path in task.work.iterdir()} == before
    runs = [first, *(task.storage(check=check) for check in (False, True, False))]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    written = ["write secrets_of_plugins.json", "write position-0.json"]
    assert [run["actions"] for run in runs] == [written, written, [], []]
    assert {run["count"] for run in runs} == {2}
    assert {run["file"] for run in runs} == {str(task.file)}
    assert runs[0]["diff"] == runs[1]["diff"]
    assert [run["diff"] for run in runs[2:]] == [[], []]


def test_what_is_written_is_private_and_complete(task: Task) -> None:
    task.prepare("storage", storageConfigNames=["home", "team"])
    result = task.storage()
    home, team = read(task.file)
    assert (home.type, home.path, home.mount_point) == ("nfs", "h/alice", Path("/mnt/home"))
    assert (team.type, team.server["password"]) == ("samba", PASSWORD)
    assert team.mount_point == Path("/team")
    assert (mode(task.file), mode(task.file.parent)) == (0o600, 0o700)
    assert mode(task.work / "secrets_of_plugins.json") == 0o600
    assert result["directory"] == str(task.file.parent)
    assert result["left_out"] == []


def test_a_directory_that_was_open_is_closed_before_anything_is_in_it(task: Task) -> None:
    task.prepare("storage")
    task.file.parent.mkdir(mode=0o755)
    task.storage()
    assert mode(task.file.parent) == 0o700


@pytest.mark.parametrize(("name", "secret"), [("team", PASSWORD), ("small", SMALL)])
def test_no_result_and_no_diff_shows_a_secret(task: Task, name: str, secret: str) -> None:
    task.prepare("storage", storageConfigNames=[name])
    first = task.storage()
    task.prepare("storage", storageConfigNames=["home"])
    second = task.storage()  # the secret is in the diff's other side now
    assert '"password": "******"' in first["diff"][0]["after"]
    assert '"password": "******"' in second["diff"][0]["before"]
    assert secret not in json.dumps([first, second])


def test_the_secrets_are_masked_from_now_on_and_after_the_end(task: Task) -> None:
    task.prepare("storage", storageConfigNames=["team"])
    shown = f"mount error: {PASSWORD} and hunter2-of-the-job"
    masked = "mount error: ****** and ******"
    task.storage()
    assert Masker.from_file(task.work / "secrets.json").text(shown) == masked
    task.storage(state="absent")
    assert not task.file.exists()
    assert Masker.from_file(task.work / "secrets.json").text(shown) == masked


def test_absent_twice(task: Task) -> None:
    task.prepare("storage")
    task.storage()
    runs = [task.storage(check, state="absent") for check in (True, False, True, False)]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    assert [run["actions"] for run in runs] == [["remove position-0.json"]] * 2 + [[], []]


def test_check_mode_on_a_fresh_container_says_what_it_waits_for(task: Task) -> None:
    result = task.storage(check=True)
    assert result["changed"] is True
    assert result["actions"] == [
        f"look up the job's storages, once {task.work}/plugins.json is written"
    ]
    assert list(task.work.iterdir()) == []


def test_without_plugins_a_run_is_refused(task: Task) -> None:
    assert task.storage()["msg"].startswith(f"{task.work}/plugins.json: there is no such file yet")


def test_a_failure_names_the_plugin_and_writes_nothing(task: Task) -> None:
    task.prepare("storage", storageConfigNames=["home", "old"])
    result = task.storage()
    assert result["msg"] == (
        "plugin storage (number 1 of the job's list): storageConfigNames[1]: there is no storage "
        f"config 'old' in storage file {task.storage_file}; write one of: home, small, team"
    )
    assert result["refused"] is True
    assert not task.file.parent.exists()


def test_a_server_that_its_type_does_not_accept_is_refused(task: Task) -> None:
    own = {"name": "x", "type": "samba", "rootPath": "share", "password": PASSWORD}
    task.prepare("storage", storages=[own])
    result = task.storage()
    assert result["msg"].startswith(
        "plugin storage (number 1 of the job's list): storages[0]: storage 'x' (type samba): field "
        "'address' is missing; "
    )
    assert PASSWORD not in json.dumps(result)


def test_what_is_granted_the_container_says_and_not_the_job(task: Task) -> None:
    task.environment["STORAGE_CONFIGS"] = '["home"]'
    task.prepare("storage", env={"STORAGE_CONFIGS": '["team"]'}, storageConfigNames=["team"])
    assert "granted (STORAGE_CONFIGS): home; name one of these" in task.storage()["msg"]


def test_variables_of_the_job_may_be_in_its_paths(task: Task) -> None:
    task.prepare(
        "storage", env={"RUN": "run-7"}, storages=[{"name": "home", "path": "%JOB/${RUN}"}]
    )
    task.storage()
    assert read(task.file)[0].path == "h/alice/alice~test/run-7"


def test_storages_of_the_job_need_no_plugin(task: Task) -> None:
    own = {**SERVERS[1], "name": "own", "mountPath": "/own", "password": "<% $secrets.key %>"}
    task.prepare(None, extras=[own, {"name": "nowhere"}])
    result = task.storage()
    assert [r.server["password"] for r in read(task.file)] == ["hunter2-of-the-job"]
    (left_out,) = result["left_out"]
    assert left_out.startswith(
        "extras.storages[1]: there is no storage config 'nowhere' in storage"
    )
    told = f"plugin teamwise_storage (number 1 of the job's list): {left_out}"
    assert told in json.dumps(result["warnings"])
    assert "hunter2" not in json.dumps(result)


def test_jinja_in_a_job_stays_text(task: Task) -> None:
    task.prepare("storage", storages=[{"name": "home", "path": "{{ 7*7 }}"}])
    task.storage()
    assert read(task.file)[0].path == "h/alice/{{ 7*7 }}"


def mounted_somewhere() -> Path:
    """Return a mount point that every Linux has."""
    assert mountinfo.at(mountinfo.read(), Path("/proc"))
    return Path("/proc")


def test_what_the_platform_has_mounted_is_looked_at_only(task: Task) -> None:
    point = str(mounted_somewhere())
    task.storage_file = None
    task.prepare("teamwise_storage", extras=[{"name": "home", "mountPath": point}])
    runs = [task.storage() for _ in range(2)]
    assert [run["changed"] for run in runs] == [True, False]
    (request,) = read(task.file)
    assert (request.type, str(request.mount_point), request.read_only) == ("pvc", point, True)


def test_what_we_have_mounted_ourselves_is_not_the_platforms(task: Task) -> None:
    point = str(mounted_somewhere())
    task.prepare("storage", extras=[{"name": "home", "mountPath": point}])
    task.storage()
    task.prepare("teamwise_storage", extras=[{"name": "home", "mountPath": point}])
    assert task.storage()["changed"] is False
    assert read(task.file)[0].type == "nfs"


@pytest.mark.parametrize(
    ("kubernetes", "words"),
    [
        ("no", "PAI_STORAGE_FILE names no file, and PAI_STORAGE_KUBERNETES=no"),
        ("auto", "PAI_STORAGE_FILE names no file, and there is no service account of a cluster in"),
        ("yes", "no Kubernetes API to ask for storages: there is no token in"),
    ],
)
def test_where_nothing_describes_storages(task: Task, kubernetes: str, words: str) -> None:
    task.storage_file = None
    task.prepare("teamwise_storage", storageConfigNames=["nowhere"])
    result = task.storage(kubernetes=kubernetes)
    assert (result["count"], len(result["left_out"])) == (0, 1)
    begin = "storageConfigNames[0]: /mnt/nowhere is not mounted, and no description of 'nowhere': "
    assert result["left_out"][0].startswith(begin + words)
    task.prepare("storage", storageConfigNames=["nowhere"])
    strict = task.storage(kubernetes=kubernetes)
    assert words in strict["msg"]
    assert strict["refused"] is False  # the job is right, the place is not


def test_a_cluster_is_asked_for_what_it_grants(task: Task) -> None:
    task.storage_file = None
    with serve(task.directory / "account") as cluster:
        task.environment.update(cluster.environment)
        task.prepare("storage", storageConfigNames=["home"])
        assert "granted (STORAGE_CONFIGS): none" in task.storage()["msg"]
        task.environment["STORAGE_CONFIGS"] = '["home"]'
        task.prepare("storage", storageConfigNames=["home"])
        runs = [task.storage() for _ in range(2)]
    assert [run["changed"] for run in runs] == [True, False]
    assert [str(r.mount_point) for r in read(task.file)] == ["/mnt/home"]
    assert TOKEN not in json.dumps(runs)
    files = [path for path in task.work.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN in path.read_text()]


def test_a_cluster_that_refuses_stops_the_strict_plugin_only(task: Task) -> None:
    task.storage_file = None
    with serve(task.directory / "account") as cluster:
        cluster.status = 403
        task.environment.update(cluster.environment)
        task.prepare("storage", storageConfigNames=["nowhere"])
        assert "status 403: the pod's service account may not read it" in task.storage()["msg"]
        task.prepare("teamwise_storage", storageConfigNames=["nowhere"])
        assert "status 403: " in task.storage()["left_out"][0]


def test_a_cluster_is_not_asked_where_nothing_is_to_be_looked_up(task: Task) -> None:
    task.storage_file = None
    own = {"name": "own", "type": "nfs", "address": "10.0.0.1", "rootPath": "/x"}
    with serve(task.directory / "account") as cluster:
        task.environment.update(cluster.environment)
        task.prepare("storage", storages=[own])
        assert task.storage()["count"] == 1
        assert cluster.asked == []


def test_a_relative_file_is_refused(task: Task) -> None:
    task.prepare("storage")
    result = task.run(
        pai_storage.main,
        {"work_dir": str(task.work), "position": 0, "storage_file": "storage.yml"},
    )
    assert "PAI_STORAGE_FILE: storage.yml: write an absolute path" in result["msg"]


def test_a_damaged_file_of_secrets_is_not_shown(task: Task) -> None:
    task.prepare("storage", storageConfigNames=["team"])
    (task.work / "secrets_of_plugins.json").write_text(f'["{PASSWORD}"]')
    result = task.storage()
    assert result["failed"] is True
    assert PASSWORD not in json.dumps(result)
