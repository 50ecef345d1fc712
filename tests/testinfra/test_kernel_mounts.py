"""What is true after the guests of molecule/kernel_mounts have ended."""

import json
import re
from pathlib import Path

import pytest

SCENARIO = Path(__file__).resolve().parents[2] / "molecule/kernel_mounts"
RESULTS = Path(__file__).resolve().parents[2] / "build/molecule/kernel_mounts"
JOBS = ("works", "refused", "lost")
SECRETS = [
    *re.findall(r"^\w+: '(.*)'$", (SCENARIO / "files/secrets.yml").read_text(), re.M),
    "no-such-password",
]


def text(guest, name):
    return (RESULTS / guest / name).read_text()


def stdout(guest):
    return text(guest, "user-stdout/current")


def lines(content, word):
    """Return what follows a word at the beginning of a line."""
    return [line.removeprefix(f"{word} ") for line in content.splitlines() if line.startswith(word)]


def after(guest, word):
    return lines(text(guest, "after"), word)


def log(guest):
    return text(guest, "runtime.log")


def mounted(guest, mount_point):
    """Return filesystem, source and all options of a mount that the job saw."""
    (line,) = (one for one in lines(stdout(guest), "mountinfo") if f" {mount_point} " in one)
    first, second = line.split(" - ")
    filesystem, source, options = second.split()
    return filesystem, source, [*first.split()[5].split(","), *options.split(",")]


def step(name):
    """Return what a module returned in the guest "modules"."""
    return json.loads(text("modules", "modules.json"))[name]


def states(result):
    return {one["name"]: one["state"] for one in result["mounts"]}


def info(result, mount_point):
    (found,) = (one for one in result["mounts"] if one["mount_point"] == mount_point)
    return found


@pytest.mark.parametrize(("guest", "code"), [("works", 0), ("refused", 1), ("lost", 1)])
def test_only_what_cannot_be_mounted_or_written_fails(guest, code):
    assert int(text(guest, "exit_code")) == code


@pytest.mark.parametrize(
    ("storage", "file"),
    [
        ("nfs", "data/nfs"),
        ("nfs_made", "data/jobs/root~works/nfs_made"),
        ("samba", "share/samba"),
        ("samba_made", "share/jobs/root~works/samba_made"),
        ("azure", "files/azure"),
        ("azure_tunnel", "files/far/azure_tunnel"),
    ],
)
def test_what_a_job_writes_is_at_the_server_and_stays_there(storage, file):
    assert f"read back - written by the job at {storage}\n" in stdout("works")
    assert f"./{file}:written by the job at {storage}" in lines(stdout("works"), "at the server")
    assert f"/export/{file}:written by the job at {storage}" in after("works", "data")


def test_a_copy_goes_back_at_the_end():
    assert "copied 1 files (31 bytes) back" in log("works")
    assert "copied/nfs_copy" not in "".join(lines(stdout("works"), "at the server"))
    assert "/export/data/copied/nfs_copy:written by the job at nfs_copy" in after("works", "data")


def test_a_job_reads_what_others_have_written():
    assert "\nwritten at the server\n" in stdout("works")


@pytest.mark.parametrize("storage", ["nfs_read_only", "samba_read_only"])
def test_what_is_read_only_refuses_to_be_written(storage):
    refused = f"touch: cannot touch '/mnt/{storage}/refused': Read-only file system"
    assert refused in text("works", "user-stderr/current")


def test_a_missing_directory_is_made_for_all_to_write():
    directories = lines(stdout("works"), "directory")
    for path in ("./data/jobs", "./data/jobs/root~works", "./data/copied"):
        assert f"777 {path}" in directories


@pytest.mark.parametrize(
    ("mount_point", "filesystem", "source", "options"),
    [
        ("/mnt/nfs", "nfs4", "127.0.0.1:/data", ["rw", "vers=4.2", "hard"]),
        ("/mnt/nfs_read_only", "nfs4", "127.0.0.1:/data", ["ro"]),
        (
            "/mnt/nfs_made",
            "nfs4",
            "127.0.0.1:/data/jobs/root~works",
            ["vers=4.1", "acregmin=7", "soft"],
        ),
        ("/mnt/samba", "cifs", "//127.0.0.1/share", ["rw", "vers=3.0", "username=researcher"]),
        ("/mnt/samba_read_only", "cifs", "//127.0.0.1/share", ["ro"]),
        (
            "/mnt/samba_made",
            "cifs",
            "//127.0.0.1/share/jobs/root~works",
            ["vers=3.1.1", "file_mode=0640"],
        ),
        (
            "/mnt/azure",
            "cifs",
            "//account.file.core.windows.net/files",
            ["vers=3.0", "dir_mode=0777", "file_mode=0777", "serverino", "username=account"],
        ),
        (
            "/mnt/azure_tunnel",
            "cifs",
            "//second.file.core.windows.net/files/far",
            ["vers=3.0", "username=second", "addr=127.0.0.1"],
        ),
    ],
)
def test_the_kernel_mounts_with_the_options_of_type_and_user(
    mount_point, filesystem, source, options
):
    found = mounted("works", mount_point)
    assert found[:2] == (filesystem, source)
    assert set(options) <= set(found[2])


def test_azures_proxy_is_what_talks_to_the_server():
    connections = "\n".join(lines(stdout("works"), "connection"))
    assert re.search(r"127\.0\.0\.1:microsoft-ds +users:\(\(\"sshd", connections)


def test_a_second_start_changes_nothing():
    repeated = text("works", "repeated_start")
    assert "changed=0" in repeated
    assert "failed=0" in repeated
    assert "TASK [openpai.runtime.storage : Mount them]" in repeated


@pytest.mark.parametrize("guest", ["works", "refused", "modules", "lost"])
def test_nothing_is_mounted_or_at_work_at_the_end(guest):
    assert after(guest, "mounted") == []
    assert after(guest, "process") == []


def test_mount_points_that_were_made_are_gone_but_a_copy_stays():
    assert after("works", "mount point") == ["/mnt/nfs_copy", "/mnt/nfs_copy/nfs_copy"]
    for guest in ("refused", "modules", "lost"):
        assert after(guest, "mount point") == []


@pytest.mark.parametrize("guest", ["works", "refused", "lost"])
def test_no_password_of_a_storage_is_left_at_the_end(guest):
    kept = "\n".join(after(guest, "kept"))
    assert "mounts.lock" in kept
    assert "credentials" not in kept
    assert "password" not in kept
    assert "position-0.json" not in kept


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        (
            "no_export",
            "mount.nfs4: mounting 127.0.0.1:/nowhere failed, reason given by server: "
            "No such file or directory",
        ),
        (
            "not_made",
            "mount.nfs4: mounting 127.0.0.1:/data/absent failed, reason given by server: "
            "No such file or directory",
        ),
        ("squashed", "it was mounted but cannot be used (write: Permission denied)"),
        ("no_server", "mount.nfs4: Connection refused"),
        ("wrong_password", "mount error(13): Permission denied"),
        ("no_share", "mount error(2): No such file or directory"),
        ("wrong_proxy", "job@127.0.0.1: Permission denied (publickey,password"),
    ],
)
def test_the_tools_own_words_reach_log_result_and_termination_message(storage, words):
    expected = f"storage '{storage}' at /mnt/{storage}: {words}"
    assert expected in log("refused")
    assert expected in json.loads(text("refused", "exit.json"))["message"]


def test_all_that_fails_is_named_in_one_line_and_the_command_does_not_run():
    (line,) = (one for one in log("refused").splitlines() if "the command does not run: " in one)
    assert line.count("storage '") == 7
    assert "the command runs" not in log("refused")
    assert "storage 'no_export' at /mnt/no_export" in text("refused", "termination")


def test_what_could_be_mounted_beside_it_is_unmounted():
    assert "plugin storage: unmount good at /mnt/good (" in log("refused")


def test_without_its_servers_a_start_fails_in_time_and_says_of_which_storages():
    found = text("lost", "without_servers")
    assert "storage 'nfs' at /mnt/nfs: mount was not ready in time and was killed" in found
    # or the kernel takes its session of the mount before for granted, and finds nobody there
    refused = r"mount error\(111\): could not connect|.*mount error\(112\): Host is down"
    assert re.search(f"storage 'samba' at /mnt/samba: (?:{refused})", found)
    assert "failed=1" in found


def test_with_its_servers_back_a_start_mounts_again():
    found = text("lost", "with_servers")
    assert "changed=1" in found
    assert "failed=0" in found
    assert stdout("lost") == "written in time\n" * 2


def test_the_end_without_servers_is_a_lazy_unmount_that_is_told():
    # a newer umount lets go of NFS in an orderly way, without its server
    told = "samba: /mnt/samba was unmounted lazily, since an orderly unmount was not possible: "
    assert told in log("lost")


def test_an_end_that_cannot_send_all_is_a_failure():
    record = json.loads(text("lost", "exit.json"))
    assert (record["phrase"], record["plugin"]) == ("RuntimePluginFailed", "storage")
    assert "storage 'nfs' at /mnt/nfs: not all that was written is with the server" in log("lost")


def test_a_lost_server_keeps_what_it_had():
    for path in ("/export/data/kept", "/export/share/kept"):
        assert f"{path}:written in time" in after("lost", "data")
        assert f"{path}:written again" in after("lost", "data")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("would_mount", True),
        ("mounted", True),
        ("would_keep", False),
        ("kept", False),
        ("would_unmount", True),
        ("unmounted", True),
        ("would_leave", False),
        ("left", False),
    ],
)
def test_each_state_is_announced_made_and_kept(name, changed):
    assert step(name)["changed"] is changed


def test_check_mode_makes_nothing():
    assert step("made") == [False, False, False]


def test_the_info_module_tells_what_is_mounted_and_how_full_it_is():
    nfs, samba = (info(step("info"), path) for path in ("/mnt/deep/down/nfs", "/mnt/samba"))
    assert (nfs["source"], nfs["filesystem"], nfs["read_only"]) == (
        "127.0.0.1:/renewed",
        "nfs4",
        False,
    )
    assert (samba["source"], samba["filesystem"], samba["read_only"]) == (
        "//127.0.0.1/share",
        "cifs",
        True,
    )
    for found, option in ((nfs, "vers=4.2"), (samba, "vers=3.0")):
        assert option in found["options"]
        assert found["ours"]
        assert found["alive"]
        assert 0 < found["free_bytes"] <= found["total_bytes"]


def test_a_stale_handle_is_seen_and_repaired():
    stale = info(step("stale"), "/mnt/deep/down/nfs")
    assert (stale["alive"], stale["problem"]) == (False, "statvfs: Stale file handle")
    assert states(step("repaired")) == {"nfs": "repaired", "samba": "unchanged"}
    (action,) = step("repaired")["actions"]
    assert action == "mount again nfs at /mnt/deep/down/nfs: stat: Stale file handle"
    assert step("read") == "new\n"


def test_another_source_at_a_mount_point_is_refused():
    assert step("other")["msg"] == (
        "storage 'nfs' at /mnt/deep/down/nfs: 127.0.0.1:/renewed (nfs4) is mounted at "
        "/mnt/deep/down/nfs already; unmount it or choose another mount point"
    )


def test_no_secret_is_in_a_command_line():
    noted = text("works", "command_lines")
    for program in ("mount.cifs", "mount.nfs4", "ssh -F"):
        assert program in noted
    assert [secret[:4] for secret in SECRETS if secret in noted] == []


def test_files_with_secrets_belong_to_their_user_alone():
    found = lines(stdout("works"), "secret in")
    assert any(re.fullmatch(r"600 \S+/storage/mount-\w+/credentials", one) for one in found)
    assert any(re.fullmatch(r"600 \S+/storage/mount-\w+/password", one) for one in found)
    for line in [*found, *after("works", "secret in"), *after("refused", "secret in")]:
        assert line.startswith("600 ")
    modes = dict(reversed(line.split(" ", 1)) for line in lines(stdout("works"), "kept"))
    assert modes[""] == "700"


@pytest.mark.parametrize("guest", [*JOBS, "modules"])
def test_no_secret_is_in_what_a_guest_has_left(guest):
    left = [path for path in (RESULTS / guest).rglob("*") if path.is_file()]
    assert {path.name for path in left} >= {"after", "console", "kernel"}
    for path in left:
        content = path.read_text(errors="replace")
        assert [(path, secret[:4]) for secret in SECRETS if secret in content] == []
