"""Programs: their words without noise and secrets, their time, their environment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.tools import (
    needs,
    programs,
)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "mount error(13): Permission denied\nRefer to the mount.cifs(8) manual page\n",
            "mount error(13): Permission denied",
        ),
        (
            "Warning: Permanently added '[h]:22' (ED25519) to the list of known hosts.\n"
            "me@h: Permission denied (password).\nread: Connection reset by peer\n"
            "write: Broken pipe\n",
            "me@h: Permission denied (password).",
        ),
        (
            "2026/11/24 11:22:00 ERROR : : error listing: down\ncaused by: refused\n"
            "2026/11/24 11:22:00 Failed to lsf with 2 errors: down\ncaused by: refused\n",
            ": error listing: down; Failed to lsf with 2 errors: down; caused by: refused",
        ),
        (
            "2026/11/24 12:00:44 Failed to lsf: -> github.com/Azure/azure-storage-blob-go/x.go:42\n"
            "===== RESPONSE ERROR (ServiceCode=AuthorizationFailure) =====\nDescription=\n"
            ", Details: \n   Code: \n   GET http://h:1/data\n   ------\n"
            "   RESPONSE Status: 403 Server failed to authenticate the request.\n   Server: [A]\n",
            "===== RESPONSE ERROR (ServiceCode=AuthorizationFailure) =====; "
            "RESPONSE Status: 403 Server failed to authenticate the request.",
        ),
        ("Error: bad\nUsage:\n  --help\n\n", "Error: bad"),
        ("one\ntwo\nthree\nfour\n", "two; three; four"),
        ("login with hunter2-secret failed\n", "login with ****** failed"),
        ("", ""),
    ],
)
def test_the_last_words_are_quoted(output: str, expected: str) -> None:
    assert programs.quote(output.encode(), ["hunter2-secret"]) == expected


def test_a_long_quote_keeps_its_end() -> None:
    said = programs.quote(b"x" * 1000 + b" the end", [])

    assert said.startswith("…x")
    assert said.endswith(" the end")
    assert len(said) == 401


def test_a_program_ends_with_its_code_and_words() -> None:
    ended = programs.run(["sh", "-c", "echo out; echo err >&2; exit 3"], deadline=soon())

    assert ended == programs.Ended(3, "out; err")
    assert str(programs.failed("sh", ended)) == "out; err"


def test_a_program_that_says_nothing_is_told_by_its_code() -> None:
    ended = programs.run(["sh", "-c", "exit 3"], deadline=soon())

    assert str(programs.failed("sh", ended)) == "sh ended with exit code 3 and said nothing"


def test_a_program_that_does_not_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {fifo}; echo trying; wait"

    ended = programs.run(["sh", "-c", script], deadline=soon(2.0))

    assert str(programs.failed("sh", ended)) == (
        "sh was not ready in time and was killed; it said: trying"
    )
    child = Path("/proc", fifo.read_text().strip(), "cmdline")
    until = soon()
    while child.exists() and child.read_bytes() and time.monotonic() < until:
        time.sleep(0.01)
    assert not child.exists() or not child.read_bytes()


def test_what_the_image_sets_does_not_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "HTTPS_PROXY", "RCLONE_CONFIG", "LD_PRELOAD"):
        monkeypatch.setenv(name, "surprise")

    found = programs.environment_for({"A": "b"})

    assert found["A"] == "b"
    assert "surprise" not in found.values()
    assert set(found) == {"PATH", "LC_ALL", "HOME", "A"}


def test_a_helper_is_found_where_the_path_does_not_lead(tmp_path: Path) -> None:
    path = programs.with_system_path({"PATH": str(tmp_path)})["PATH"].split(":")

    assert path[0] == str(tmp_path)
    assert {"/usr/sbin", "/sbin"} <= set(path)


def test_either_of_two_programs_will_do(tmp_path: Path) -> None:
    (tmp_path / "second").touch(0o755)
    here = {"PATH": str(tmp_path)}

    assert needs.program(["first", "second"], "p", "p", here) is None
    assert needs.program(["first", "third"], "p", "q", here) == (
        "the program first or third is missing; install it in the image (package p, on RHEL q)"
    )


@pytest.mark.parametrize(
    ("effective", "lacks"), [("000001ffffffffff", False), ("00000000a80425fb", True)]
)
def test_the_right_to_mount_is_a_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: str, lacks: bool
) -> None:
    status = tmp_path / "status"
    status.write_text(f"CapEff:\t{effective}\nCapBnd:\t{effective}\n")
    monkeypatch.setattr(needs, "_STATUS", status)

    told = needs.right_to_mount()

    assert (told is not None) == lacks
    assert not told or "lacks the capability CAP_SYS_ADMIN, which mounting needs; give it" in told


def test_fuse_needs_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_FUSE", tmp_path / "fuse")

    told = needs.fuse({})

    assert told
    assert told.startswith(f"the device {tmp_path}/fuse is missing; give it to the container")
