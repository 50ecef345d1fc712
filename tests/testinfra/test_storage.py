"""What is true after the tasks of molecule/storage have ended; containers and servers are there."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/storage"
KEPT = RESULTS / "kept"
ENDED = {
    name: code
    for path in sorted(RESULTS.glob("exit_codes_*.json"))
    for name, code in json.loads(path.read_text()).items()
}
MODES = {
    "files": "fuse.sshfs",
    "files-cached": "fuse.rclone",
    "files-copy": "fuse.sshfs",
    "key": "fuse.sshfs",
    "s3": "fuse.rclone",
    "s3-cached": "fuse.rclone",
    "s3-copy": "fuse.rclone",
    "azure": "fuse.rclone",
    "azure-cached": "fuse.rclone",
    "azure-copy": "fuse.rclone",
    "disk": None,
}
COPIES = {name for name in MODES if name.endswith("-copy")}


def text(name, file):
    return (RESULTS / name / "logs" / file).read_text()


def output(name):
    return text(name, "user-all/current")


def runtime_log(name):
    return text(name, "runtime.log")


def record(name):
    return json.loads(text(name, "exit.json"))


def module(name, label):
    """Return (how it ended, result) of a module that a task has run under a label."""
    said = output(name).partition(f"== {label}\n")[2]
    found = re.search(r"^localhost \| (\w+)!? => ", said, re.M)
    return found[1], json.JSONDecoder().raw_decode(said, found.end())[0]


def left(name):
    """Return what the task told of its end: name → words."""
    told = re.findall(r"([^\]]*) at the end: \[(.*)\]$", runtime_log(name), re.M)
    return {label.strip(): words.split() for label, words in told}


def on_server(host, path):
    """Return the names of a directory of the ssh server."""
    command = f"podman exec openpai-storage-server-files ls -A /srv/data/{shlex.quote(path)}"
    return set(host.check_output(command).split())


def secrets():
    """Return every secret, in the forms in which a text could hold it."""
    known = yaml.safe_load((KEPT / "secrets.yaml").read_text())
    values = [value for name, value in known.items() if "public" not in name]
    # of a private key the lines that are its own
    return [line for value in values for line in value.splitlines()[2:-1] or [value]]


@pytest.mark.parametrize(
    "name",
    ["write", "read", "killed", "dying", "busy", "ignored", "teamwise", "defaults", "timings"],
)
def test_the_task_succeeds(name):
    assert ENDED[name] == 0


@pytest.mark.parametrize("storage", MODES)
def test_what_one_container_writes_another_reads(storage):
    said = output("read").splitlines()
    assert f"from write at /mnt/{storage}" in said
    data = re.search(rf"^[0-9a-f]{{64}}  /mnt/{storage}/deep/data$", output("write"), re.M)
    assert data[0] in said


def test_a_file_can_be_appended_to():
    assert "from write at /mnt/s3\nappended to it\n" in output("read")


@pytest.mark.parametrize("storage", MODES.keys() - COPIES)
def test_a_read_only_storage_refuses_to_be_written(storage):
    said = output("read")
    assert f"touch: cannot touch '/mnt/{storage}/refused': Read-only file system\n" in said
    assert f"rm: cannot remove '/mnt/{storage}/greeting': Read-only file system\n" in said


def test_a_read_only_copy_is_not_copied_back(host):
    assert on_server(host, "files-copy") == {"deep", "greeting", "stopped"}


def test_no_file_of_a_probe_or_a_copy_stays_on_the_server(host):
    found = host.check_output("podman exec openpai-storage-server-files find /srv/data -name '.*'")
    assert found == ""


def test_a_second_start_changes_nothing():
    how, result = module("write", "a second start")
    assert (how, result["changed"], result["actions"]) == ("SUCCESS", False, [])
    assert {one["name"]: one["state"] for one in result["mounts"]} == dict.fromkeys(
        MODES, "unchanged"
    )
    recap = re.search(r"^localhost +: ok=\d+ +(changed=\d+) .*(failed=\d+)", output("write"), re.M)
    assert recap.groups() == ("changed=0", "failed=0")


def test_what_is_mounted_is_listed_with_its_size():
    mounts = module("write", "what is mounted")[1]["mounts"]
    ours = {one["name"]: one for one in mounts if one["ours"]}
    assert ours.keys() == MODES.keys()
    for name, filesystem in MODES.items():
        one = ours[name]
        assert one["alive"]
        assert one["free_bytes"] > 0
        assert one["filesystem"] == (filesystem or one["filesystem"])
    assert ours["files"]["source"] == "10.213.78.10:/srv/data/files"
    assert ours["s3"]["source"] == "s3:10.213.78.11:5000/data/s3"
    assert any(not one["ours"] and one["mount_point"] == "/" for one in mounts)


def test_a_directory_of_the_users_own_is_made_and_mounted_by_default(host):
    assert on_server(host, "users/tester/tester~defaults") == {"written"}
    assert "mount usual at /mnt/tester" in runtime_log("defaults")


def test_what_is_cached_or_a_copy_is_written_back_when_the_task_is_stopped():
    assert ENDED["stopped"] == 143
    assert record("stopped")["stopped"] is True
    assert output("read").count("written in time\n") == 2


def test_a_mount_whose_process_was_killed_is_repaired():
    said = output("killed")
    for storage in ("s3-cached", "files"):
        # rclone dies with a request on its way: then the first one is aborted
        words = "Transport endpoint is not connected|Software caused connection abort"
        assert re.search(rf"ls: cannot access '/mnt/{storage}': ({words})\n", said)
    how, result = module("killed", "after the kill")
    assert how == "CHANGED"
    for one in result["mounts"]:
        assert (one["state"], "Transport endpoint is not connected" in one["msg"]) == (
            "repaired",
            True,
        )
    assert module("killed", "once more")[1]["changed"] is False
    assert "on its server\n" in said


def test_what_a_killed_process_had_in_its_cache_is_not_lost():
    assert "1 file (0.0 MB) is not on the server yet: data/s3-cached/killed" in output("killed")
    assert "kept by its cache\n" in output("read")


def test_a_server_that_died_is_told_and_mounted_when_it_is_back():
    how, result = module("dying", "the server is dead")
    assert how == "FAILED"
    refused = "ssh: connect to host 127.0.0.1 port 2222: Connection refused"
    assert result["msg"] == f"storage 'mortal' at /mnt/mortal: {refused}"
    assert "mounted: 0\n" in output("dying")
    assert module("dying", "the server is back")[1]["mounts"][0]["state"] == "mounted"
    assert output("dying").endswith("before it died\n")


def test_the_end_does_not_wait_for_a_server_that_hangs():
    log = runtime_log("dying")
    assert (
        "warning: mortal: /mnt/mortal was unmounted lazily, since an orderly unmount was not "
        "possible: "
    ) in log
    assert "unmount mortal at /mnt/mortal: it did not work any more: it did not answer" in log
    # the time limit of this case
    assert float(re.search(r"did not answer .* \(([0-9.]+) s\)$", log, re.M)[1]) < 25
    assert left("dying") == {"mounted": [], "in /mnt": [], "kept": ["./mounts.lock"], "at work": []}


def test_what_could_not_be_flushed_is_told_and_kept():
    message = record("unflushed")["message"]
    assert (
        "storage 'mortal-cached' at /mnt/mortal-cached: not all that was written is with" in message
    )
    assert "1 file (0.0 MB) is not on the server yet: srv/data/mortal-cached/written" in message
    assert "give the end more time (PAI_TERMINATION_GRACE_SECONDS)" in message
    assert message in runtime_log("unflushed")
    assert left("unflushed")["mounted"] == left("unflushed")["at work"] == []
    assert any(
        path.endswith("/cache/vfs") or "/cache/vfs/" in path for path in left("unflushed")["kept"]
    )


def test_a_mount_in_use_is_unmounted_lazily_and_its_user_named(host):
    assert re.search(
        r"warning: files: /mnt/files was unmounted lazily, since an orderly unmount was not "
        r"possible: .*[Bb]usy.*; in use by sleep \(\d+\)\n",
        runtime_log("busy"),
    )
    assert left("busy")["mounted"] == []
    assert "busy" in on_server(host, "files")


REFUSED = {
    "wrong_credentials": [
        r"storage 'wrong-files' at /mnt/wrong-files: job@10\.213\.78\.10: Permission denied \(",
        "storage 'wrong-s3' at /mnt/wrong-s3: SignatureDoesNotMatch: The request signature we "
        "calculated does not match",
        r"storage 'wrong-azure' at /mnt/wrong-azure: ===== RESPONSE ERROR "
        r"\(ServiceCode=AuthorizationFailure\) =====; RESPONSE Status: 403 Server failed to "
        "authenticate the request",
    ],
    "server_down": [
        "storage 'nowhere' at /mnt/nowhere: ssh: connect to host 10.213.78.99 port 22: No route to",
        "storage 'down-files' at /mnt/down-files: ssh: connect to host 10.213.78.10 port 2: "
        "Connection refused",
        "storage 'down-s3' at /mnt/down-s3: .*10.213.78.11:2: connect: connection refused",
    ],
    "same_point": [
        r"^plugin storage \(number 2 of the job's list\): storages\[1\] .*: the mount point "
        r"/mnt/data is that of storage 's3' \(.*\) already; give one of them another$"
    ],
    "foreign": [
        r"^storage 'files' at /mnt/files: tmpfs \(tmpfs\) is mounted at /mnt/files already; "
        "unmount it or choose another mount point$"
    ],
    "not_granted": [
        r"^plugin storage \(number 2 of the job's list\): storageConfigNames\[0\]: user 'tester' "
        r"may not use storage config 'azure'; granted \(STORAGE_CONFIGS\): key, s3; name one of "
        "these, or ask the cluster's administrator$"
    ],
    "no_fuse": [
        r"storage 'files' at /mnt/files: the device /dev/fuse is missing; give it to the "
        r"container \(--device /dev/fuse; on Kubernetes",
        "storage 's3' at /mnt/s3: the device /dev/fuse is missing",
    ],
    "no_right": [
        rf"storage '{name}' at /mnt/{name}: this process lacks the capability CAP_SYS_ADMIN, which "
        r"mounting needs; give it to the container \(--cap-add SYS_ADMIN; on Kubernetes"
        for name in ("files", "s3", "disk", "smb")
    ],
    "no_program": [
        "storage 'files' at /mnt/files: the program sshfs is missing; install it in the image "
        r"\(package sshfs, on RHEL fuse-sshfs\)",
        r"storage 's3' at /mnt/s3: the program rclone is missing; install it in the image \(pack",
    ],
    "samba_no_right": [
        "^storage 'smb' at /mnt/smb: Unable to apply new capability set. cifs also needs the "
        r"capability CAP_DAC_READ_SEARCH \(--cap-add DAC_READ_SEARCH; on Kubernetes"
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_mounted_is_told_in_one_line_wherever_people_look(name):
    found = record(name)
    assert (ENDED[name], found["exitCode"], found["plugin"]) == (1, 1, "storage")
    assert "\n" not in found["message"]
    for part in REFUSED[name]:
        assert re.search(part, found["message"])
    assert f"plugin storage: FAILED: {found['message']}\n" in runtime_log(name)
    assert found["message"][:200] in text(name, "termination")
    assert "never reached" not in (RESULTS / name / "container.log").read_text()


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_be_mounted_leaves_nothing(name):
    mounted = {"/mnt/files"} if name == "foreign" else set()
    assert left(name) == {
        "mounted": sorted(mounted),
        "in /mnt": [Path(path).name for path in mounted],
        "kept": ["./mounts.lock"],
        "at work": [],
    }


def test_without_fuse_what_needs_none_is_not_named():
    assert "disk" not in record("no_fuse")["message"]


def test_the_kernels_smb_client_mounts_or_what_the_node_lacks_is_told(host):
    if host.run("grep -w cifs /proc/filesystems").rc == 0:
        assert ENDED["samba"] == 0
        assert on_server(host, "smb") == {"samba"}
    else:
        assert record("samba")["message"] == (
            "storage 'smb' at /mnt/smb: mount error: cifs filesystem not supported by the system; "
            "mount error(19): No such device; the kernel has no cifs: load its module on the node"
        )
        assert left("samba")["in /mnt"] == []


def test_a_failure_that_is_ignored_leaves_the_other_storages():
    assert "plugin storage: FAILED: storage 'wrong-files' at /mnt/wrong-files: " in runtime_log(
        "ignored"
    )
    assert "the others work\n" in output("read")
    assert output("ignored").endswith("\ns3\n")
    assert left("ignored")["mounted"] == left("ignored")["in /mnt"] == []


def test_a_storage_of_a_cluster_that_is_not_to_be_had_is_told_and_the_task_goes_on():
    warnings = re.findall(r"warning: (.*absent.*)", runtime_log("teamwise"))
    assert warnings == [
        "plugin teamwise_storage (number 2 of the job's list): storageConfigNames[1]: /mnt/absent "
        "is not mounted, and no description of 'absent': PAI_STORAGE_FILE names no file, and there "
        "is no service account of a cluster in /var/run/secrets/kubernetes.io/serviceaccount"
    ]
    assert output("teamwise").split() == [".", "..", "team"]
    # what the platform has mounted stays
    assert left("teamwise")["mounted"] == ["/mnt/team"]


@pytest.mark.parametrize("name", ["write", "read", "stopped", "killed", "ignored", "defaults"])
def test_the_end_leaves_nothing_but_copies(name):
    found = left(name)
    assert (found["mounted"], found["at work"]) == ([], [])
    assert set(found["in /mnt"]) <= COPIES
    assert all(
        re.fullmatch(r"\./(mounts\.lock|mount-\w+\.copy\.json)", one) for one in found["kept"]
    )


def test_files_with_secrets_belong_to_their_user_alone():
    found = dict(
        reversed(line.split()[2:]) for line in re.findall(r"^secret in .*", output("write"), re.M)
    )
    assert any(path.endswith("/storage/position-1.json") for path in found)
    assert any(path.endswith("/identity") for path in found)
    assert set(found.values()) == {"600"}


def test_no_secret_is_in_what_the_containers_have_left():
    left_behind = [path for name in ENDED for path in (RESULTS / name).rglob("*") if path.is_file()]
    names = {path.name for path in left_behind}
    assert names >= {"container.log", "runtime.log", "exit.json", "current", "termination"}
    assert len(secrets()) > 10
    for path in left_behind:
        content = path.read_text()
        assert [path for secret in secrets() if secret in content] == []


def test_no_secret_is_in_a_command_line():
    noted = (RESULTS / "command_lines").read_text()
    for program in ("rclone mount ", "rclone lsf ", "sshfs -f ", "ssh ", r"/playbooks/start\.yml$"):
        assert re.search(program, noted, re.M)
    assert [secret[:4] for secret in secrets() if secret in noted] == []


def test_no_secret_is_in_what_the_engine_shows(host):
    shown = host.check_output(
        "podman inspect " + " ".join(f"openpai-storage-{name}" for name in ENDED)
    )
    assert [secret[:4] for secret in secrets() if secret in shown] == []


def test_the_timings_are_kept():
    found = [json.loads(line) for line in (RESULTS / "timings.json").read_text().splitlines()]
    assert [(one["kind"], one["mounts"]) for one in found] == [
        (kind, number) for kind in ("files", "s3") for number in (1, 4, 16)
    ]
    assert all(one["first"]["seconds"] > 0 and one["second"]["of_tools"] == 0 for one in found)
