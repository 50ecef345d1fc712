"""What a machine is told so that it mounts storages by itself when it starts."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import boot, systemd
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.mountinfo import (
    MountEntry,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.sight import (
    Wish,
    make_wish,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.state import Record, Store
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import TOOLS
from tests.unit.storage_mounts import real_ways, request

POINT = Path("/mnt/my data")
SECRET = "hunter2-hunter2"
SERVERS: dict[str, dict[str, Any]] = {
    "nfs": {"address": "srv", "rootPath": "/exports"},
    "samba": {"address": "srv", "rootPath": "share", "userName": "u", "password": SECRET},
    "azurefile": {"fileShare": "share", "accountName": "acc", "key": SECRET},
    "hostpath": {"rootPath": "/srv"},
    "sftp": {"address": "srv", "userName": "u", "password": SECRET},
    "s3": {"bucket": "b", "accessKey": "a-key-id", "secretKey": SECRET},
    "pvc": {},
}
PROXY = {**SERVERS["azurefile"], "proxy": ["u@proxy", SECRET]}


def wish(store: Store, kind: str, point: Path = POINT, **changes: Any) -> Wish:
    server = changes.pop("server", SERVERS[kind])
    wanted = request(point, type=kind, server=server, **changes)
    return make_wish(wanted, store, real_ways(TOOLS))


def record(of: Wish, *, persistent: bool) -> Record:
    return Record(
        name="data",
        mount_point=str(of.request.mount_point),
        local=str(of.request.mount_point),
        target=str(of.request.mount_point),
        source=of.recipe.source,
        filesystems=of.recipe.filesystems,
        tool=of.recipe.tool,
        mode="mount",
        read_only=False,
        wanted=of.fingerprint,
        made=(),
        private=str(of.private),
        persistent=persistent,
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(boot, "FSTAB", tmp_path / "fstab")
    monkeypatch.setattr(systemd, "is_here", lambda: True)
    return Store(tmp_path / "state")


@pytest.mark.parametrize(
    ("kind", "changes", "src", "fstype", "opts"),
    [
        ("nfs", {"path": "a b"}, "srv:/exports/a b", "nfs4", "rw,retry=0,_netdev,nofail"),
        (
            "samba",
            {"read_only": True, "options": ("uid=7",)},
            "//srv/share",
            "cifs",
            "ro,credentials={private}/credentials,vers=3.0,uid=7,_netdev,nofail",
        ),
        (
            "azurefile",
            {},
            "//acc.file.core.windows.net/share",
            "cifs",
            "rw,credentials={private}/credentials,vers=3.0,dir_mode=0777,file_mode=0777,serverino,"
            "_netdev,nofail",
        ),
        ("hostpath", {"read_only": True}, "/srv", "none", "ro,bind,nofail"),
        ("hostpath", {"options": ("noexec",)}, "/srv", "none", "rw,noexec,bind,nofail"),
    ],
)
def test_what_the_kernel_mounts_gets_a_line(
    store: Store, kind: str, changes: dict[str, Any], src: str, fstype: str, opts: str
) -> None:
    wanted = wish(store, kind, **changes)
    told = boot.present([wanted], store, persistent=True)
    assert told.public() == {
        "fstab": [
            {
                "path": str(POINT),
                "src": src,
                "fstype": fstype,
                "opts": opts.format(private=store.private(POINT)),
                "state": "present",
            }
        ],
        "units": [],
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sftp", "/sshfs -f -F {private}/ssh_config -o rw,"),
        ("s3", "/rclone mount --devname=s3:amazonaws.com/b --cache-dir={private}/cache "),
    ],
)
def test_what_a_program_mounts_gets_a_unit(store: Store, kind: str, words: str) -> None:
    private = store.private(POINT)
    told = boot.present([wish(store, kind)], store, persistent=True).public()
    (unit,) = told["units"]
    assert told["fstab"] == []
    assert unit["name"] == "openpai-storage-mnt-my\\x20data.service"
    assert words.format(private=private) in unit["start"]
    assert unit["start"].endswith(' "/mnt/my data"')
    assert re.fullmatch(r'\S+/(fuser|u)mount3?( -u)? "/mnt/my data"', unit["stop"])
    assert unit["environment_file"] == f"{private}/environment"
    assert SECRET not in json.dumps(told)


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("nfs", {"mode": "copy"}, "a copy is made once; take the mode mount"),
        (
            "azurefile",
            {"server": PROXY},
            "its tunnel is open only as long as this runtime's ssh runs; leave out its proxy",
        ),
        ("pvc", {}, "the platform mounts it; see to it there"),
        (
            "nfs",
            {"path": "#1"},
            "a line of {fstab} cannot hold '#'; choose other names",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    store: Store, kind: str, changes: dict[str, Any], why: str
) -> None:
    wishes = [wish(store, "nfs", Path("/mnt/good")), wish(store, kind, **changes)]
    with pytest.raises(RuntimeConfigError) as refused:
        boot.refuse(wishes, store, (), "")
    expected = f"storage 'data' at {POINT} cannot be made persistent: {why}"
    assert str(refused.value) == expected.format(fstab=boot.FSTAB)


def test_a_program_needs_systemd(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes = [wish(store, "sftp"), wish(store, "nfs", Path("/mnt/good"))]
    boot.refuse(wishes, store, (), "")
    monkeypatch.setattr(systemd, "is_here", lambda: False)
    with pytest.raises(RuntimeConfigError) as refused:
        boot.refuse(wishes, store, (), "")
    assert str(refused.value) == (
        f"storage 'data' at {POINT} cannot be made persistent: the machine has no systemd, which"
        " would have to start it"
    )


def test_what_lies_below_a_programs_mount_is_refused(store: Store) -> None:
    outer, inner = wish(store, "sftp"), wish(store, "nfs", POINT / "inner")
    with pytest.raises(RuntimeConfigError, match="it lies below a storage that /etc/fstab does"):
        boot.refuse([outer, inner], store, (), "")
    boot.refuse([wish(store, "nfs"), wish(store, "nfs", POINT / "inner")], store, (), "")


def test_a_line_and_a_mount_of_somebody_else_are_refused(store: Store) -> None:
    wanted = wish(store, "nfs")
    line = "srv:{} /mnt/my\\040data nfs4 rw 0 0\n"
    boot.refuse([wanted], store, (), line.format("/exports"))
    with pytest.raises(RuntimeConfigError) as refused:
        boot.refuse([wanted], store, (), line.format("/other"))
    assert str(refused.value).endswith(
        f"{boot.FSTAB} mounts srv:/other there; remove that line or choose another mount point"
    )
    entry = MountEntry(POINT, "srv:/exports", "nfs4", ("rw",), "/", "0:45")
    with pytest.raises(RuntimeConfigError, match="is mounted there already, not by this runtime"):
        boot.refuse([wanted], store, [entry], "")
    with store.locked(1):
        store.put(record(wanted, persistent=False))
    boot.refuse([wanted], store, [entry], "")


@pytest.mark.parametrize(
    ("fstab", "expected"),
    [
        ("", None),
        ("#srv:/a /mnt/a nfs4\n", None),
        ("# srv:/a /mnt/a nfs4\n\n/mnt/a\n", None),
        ("srv:/a /mnt/ab nfs4 rw 0 0\n", None),
        ("srv:/x /x nfs4 rw 0 0\n  srv:/a\t/mnt/a nfs4 rw\n", "srv:/a"),
        ("srv:/a\\134b /mnt/a nfs4 rw 0 0\n", "srv:/a\\b"),
    ],
)
def test_fstab_is_read(fstab: str, expected: str | None) -> None:
    assert boot.fstab_source(fstab, "/mnt/a") == expected


def test_what_was_persistent_is_taken_back_and_no_line_of_somebody_else(store: Store) -> None:
    kernel, other = wish(store, "nfs"), wish(store, "nfs", Path("/mnt/other"))
    program = wish(store, "sftp", Path("/mnt/program"))
    boot.FSTAB.write_text(
        "srv:/exports /mnt/my\\040data nfs4 rw 0 0\nsrv:/x /mnt/other nfs4 rw 0 0\n"
    )
    wishes = [kernel, other, program]
    with store.locked(1):
        for one in wishes:
            store.put(record(one, persistent=False))
        assert boot.present(wishes, store, persistent=False) == boot.Boot()
        for one in wishes:
            store.put(record(one, persistent=True))
    expected = {
        "fstab": [{"path": str(POINT), "state": "absent"}],
        "units": [{"name": "openpai-storage-mnt-program.service", "state": "absent"}],
    }
    assert boot.present(wishes, store, persistent=False).public() == expected
    assert boot.absent(store.records(), (), boot.fstab_text()).public() == expected
    # an end that was interrupted has forgotten its records
    assert boot.absent((), wishes, boot.fstab_text()).public() == expected


@pytest.mark.skipif(shutil.which("rclone") is None, reason="no rclone here (package rclone)")
def test_a_unit_gets_its_environment_in_a_private_file(store: Store) -> None:
    wanted, later = wish(store, "s3"), time.monotonic() + 10
    file = wanted.private / "environment"
    with store.locked(1):
        boot.keep(wanted, store, True, later, anew=True)
        assert not file.exists()  # not ours
        store.put(record(wanted, persistent=False))
        wanted.private.mkdir(mode=0o700)
        boot.keep(wanted, store, True, later, anew=False)
        assert (file.stat().st_mode & 0o777, store.records()[0].persistent) == (0o600, True)
        assert f'RCLONE_CONFIG_SERVER_SECRET_ACCESS_KEY="{SECRET}"\n' in file.read_text()
        file.write_text("old")
        boot.keep(wanted, store, True, later, anew=False)
        assert file.read_text() == "old"
        boot.keep(wanted, store, True, later, anew=True)
        assert SECRET in file.read_text()
        boot.keep(wanted, store, False, later, anew=False)
        assert (file.exists(), store.records()[0].persistent) == (False, False)


def test_a_record_from_before_is_not_persistent(store: Store) -> None:
    known = dataclasses.asdict(record(wish(store, "nfs"), persistent=True))
    known.pop("persistent")
    store.directory.mkdir()
    store.path.write_text(json.dumps([known]))
    assert [one.persistent for one in store.records()] == [False]


ONE_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)


@given(ONE_LINE)
def test_a_shell_reads_an_environment_file_as_it_was_meant(value: str) -> None:
    script = systemd.environment_file({"VALUE": value}) + 'printf %s "$VALUE"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == value


@given(st.text(st.characters(exclude_characters="/", exclude_categories=("Cc", "Cs")), min_size=1))
def test_unit_names_are_those_of_systemd(name: str) -> None:
    unit = systemd.unit_name(f"/mnt/{name}")
    assert os.path.basename(unit) == unit
    assert unit.isascii()
    escaped = unit.removeprefix("openpai-storage-mnt-").removesuffix(".service")
    assert escaped.encode().decode("unicode_escape").encode("latin-1").decode() == name
