"""Reading /proc/self/mountinfo."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import mountinfo

NFS = b"50 27 0:45 / /mnt/a rw,relatime shared:9 master:2 - nfs4 srv:/a rw,vers=4.2,addr=10.0.0.1"
AUTOFS = b"51 27 0:46 / /mnt/a rw,relatime - autofs systemd-1 rw,fd=40"
BIND = b"52 27 254:0 /data/x /mnt/b ro,relatime - ext4 /dev/vda rw,discard"
ROOT = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard"
OVERLAY = b"30 1 0:40 / / rw,relatime - overlay overlay rw,lowerdir=/l\\054x,upperdir=/u"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (NFS, ("/mnt/a", "srv:/a", "nfs4", "/", "0:45", False)),
        (BIND, ("/mnt/b", "/dev/vda", "ext4", "/data/x", "254:0", True)),
        (OVERLAY, ("/", "overlay", "overlay", "/", "0:40", False)),
        (
            b"1 2 0:9 / /mnt/a\\040b\\011c\\134d rw - tmpfs  rw",
            ("/mnt/a b\tc\\d", "", "tmpfs", "/", "0:9", False),
        ),
        (
            b"1 2 0:9 / /mnt/\xff rw - fuse.rclone a\\043b:c ro",
            ("/mnt/\udcff", "a#b:c", "fuse.rclone", "/", "0:9", True),
        ),
    ],
    ids=["optional fields", "bind, read-only", "overlay", "escapes, no source", "not UTF-8"],
)
def test_a_line(line: bytes, wanted: tuple[str | bool, ...]) -> None:
    (entry,) = mountinfo.parse(line + b"\n")
    read = (str(entry.mount_point), entry.source, entry.filesystem, entry.root, entry.major_minor)
    assert (*read, entry.read_only) == wanted


def test_options_are_those_of_mount_and_file_system_once() -> None:
    assert mountinfo.parse(BIND)[0].options == ("ro", "relatime", "discard")


@pytest.mark.parametrize("line", [b"", b"1 2 3", b"27 1 254:0 / / rw ext4 /dev/vda rw"])
def test_what_is_no_entry_is_left_out(line: bytes) -> None:
    assert mountinfo.parse(line + b"\n" + ROOT + b"\n") == mountinfo.parse(ROOT)


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        ([ROOT], None),
        ([ROOT, NFS], "srv:/a"),
        ([ROOT, AUTOFS], None),
        ([ROOT, AUTOFS, NFS], "srv:/a"),
        ([ROOT, NFS, NFS.replace(b"srv:/a", b"srv:/b")], "srv:/b"),
    ],
    ids=["nothing", "one", "autofs that waits", "autofs that has mounted", "the last one is seen"],
)
def test_what_is_seen_at_a_mount_point(lines: list[bytes], source: str | None) -> None:
    entry = mountinfo.at(mountinfo.parse(b"\n".join(lines)), Path("/mnt/a"))
    assert (entry.source if entry else None) == source


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", ("254:0", "/")),
        ("/data", ("254:0", "/data")),
        ("/mnt/a/deep/er", ("0:45", "/deep/er")),
        ("/mnt/b/y", ("254:0", "/data/x/y")),
    ],
)
def test_where_a_bind_mount_of_a_path_comes_from(path: str, wanted: tuple[str, str]) -> None:
    entries = mountinfo.parse(b"\n".join([ROOT, NFS, BIND]))
    assert mountinfo.origin(entries, Path(path)) == wanted


def escaped(text: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in text)


@given(name=st.binary(min_size=1, max_size=30).filter(lambda name: not {0, 47} & set(name)))
def test_every_name_is_read_as_the_kernel_wrote_it(name: bytes) -> None:
    line = b"1 2 0:9 / /" + escaped(name) + b" rw - tmpfs " + escaped(name) + b" rw\n"
    (entry,) = mountinfo.parse(line)
    assert (
        bytes(entry.mount_point) == b"/" + name
        if name != b"."
        else bytes(entry.mount_point) == b"/"
    )
    assert entry.source.encode("utf-8", "surrogateescape") == name


def test_what_is_mounted_here() -> None:
    assert any(entry.filesystem == "proc" for entry in mountinfo.read())
