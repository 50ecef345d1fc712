"""Secrets disappear from text in every form in which programs print them."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import (
    MASK,
    Masker,
    learned,
    learned_file,
)

SECRET = "p/ss wörd+'\"\\&1"
KEY = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXk\nAAAAB3NzaC1yc2E\n-----END KEY-----\n"

secrets = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=6, max_size=40)
around = st.text(max_size=30)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(urllib.parse.quote(SECRET), id="in a URL's path"),
        pytest.param(urllib.parse.quote(SECRET, safe=""), id="in a URL, fully quoted"),
        pytest.param(urllib.parse.quote_plus(SECRET), id="in a form"),
        pytest.param(json.dumps(SECRET), id="in JSON"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False), id="in JSON that keeps letters"),
        pytest.param(shlex.quote(SECRET), id="quoted for the shell"),
        pytest.param(repr(SECRET), id="in a traceback"),
    ],
)
def test_a_quoted_secret_is_masked(shown: str) -> None:
    masked = Masker([SECRET]).text(f"before {shown} after")
    assert masked in {f"before {quote}{MASK}{quote} after" for quote in ("", "'", '"')}


def test_what_bash_prints_is_masked() -> None:
    script = 'set -x; : "$1"; set +x; printf "%q\\n" "$1" >&2'
    secret = "p ss'word$1;x"
    shown = subprocess.run(
        ["bash", "-c", script, "bash", secret], stderr=subprocess.PIPE, check=True, text=True
    ).stderr
    masked = Masker([secret]).text(shown)
    assert masked.count(MASK) == 2
    assert "word" not in masked


@given(before=st.binary(max_size=7), secret=secrets, after=st.binary(max_size=7))
def test_base64_hides_a_secret_at_every_offset(before: bytes, secret: str, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    url_safe = base64.urlsafe_b64encode(before + secret.encode() + after).decode()
    masker = Masker([secret])
    assert MASK in masker.text(encoded)
    assert MASK in masker.text(url_safe)


@given(before=around, secret=secrets, after=around)
def test_no_secret_survives(before: str, secret: str, after: str) -> None:
    masker = Masker([secret])
    text = f"{before}{secret}{after}"
    assert secret not in masker.text(text).replace(MASK, "")
    assert masker.data(text.encode()) == masker.text(text).encode()


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    masked = Masker([KEY]).text("key: b3BlbnNzaC1rZXk\nthen AAAAB3NzaC1yc2E")
    assert masked == f"key: {MASK}\nthen {MASK}"


def test_a_longer_secret_wins_over_one_inside_it() -> None:
    assert Masker(["secret", "secret-and-more"]).text("secret-and-more") == MASK


def test_overlapping_secrets_leave_nothing_between() -> None:
    assert Masker(["abcdef", "defghi"]).text("abcdefghi!") == f"{MASK}!"


def test_short_values_stay() -> None:
    assert Masker(["12345", ""]).text("port 12345") == "port 12345"


def test_bytes_that_are_no_text_stay() -> None:
    assert Masker(["abcdef"]).data(b"\xff\xfeabcdef\x00") == b"\xff\xfe" + MASK.encode() + b"\x00"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(0, 17, b"key ****** is old", id="the secret in it"),
        pytest.param(6, 17, b"****** is old", id="the secret's end"),
        pytest.param(0, 7, b"key ******", id="the secret's beginning"),
        pytest.param(6, 8, b"******", id="the secret's middle"),
        pytest.param(10, 17, b" is old", id="nothing of the secret"),
    ],
)
def test_a_part_hides_pieces_of_a_secret(start: int, end: int, expected: bytes) -> None:
    assert Masker(["abcdef"]).part(b"key abcdef is old", start, end) == expected


def test_secrets_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"token": "abcdef123", "nested": {"list": ["ghijkl456", 7654321]}}))
    masker = Masker.from_file(path)
    assert masker.text("abcdef123 ghijkl456 7654321") == f"{MASK} {MASK} {MASK}"


def test_without_a_file_nothing_is_masked(tmp_path: Path) -> None:
    assert Masker.from_file(tmp_path / "none.json").text("anything") == "anything"


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "\udcff"])
def test_a_damaged_file_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RuntimeConfigError) as caught:
        Masker.from_file(path)
    assert str(caught.value) == (
        f"secrets file {path}: not a JSON object of names and values; "
        "remove it or let the start write it again"
    )


def test_what_plugins_have_learned_is_masked_too(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.json"
    for owner, values in (("a", ["of-storage-1"]), ("b", ["of-storage-2"]), ("a", [])):
        text = learned(tmp_path, owner, values)
        learned_file(tmp_path).write_text(text or "{}")
    assert json.loads(learned_file(tmp_path).read_text()) == {"b": ["of-storage-2"]}
    assert Masker.from_file(secrets).text("of-storage-1 of-storage-2") == f"of-storage-1 {MASK}"
    secrets.write_text('{"token": "abcdef123"}')
    assert Masker.from_file(secrets).text("abcdef123 of-storage-2") == f"{MASK} {MASK}"
    assert learned(tmp_path, "b", []) is None


def test_a_damaged_file_of_what_was_learned_is_named(tmp_path: Path) -> None:
    learned_file(tmp_path).write_text("[]")
    with pytest.raises(RuntimeConfigError, match=r"secrets_of_plugins\.json: not a JSON object"):
        Masker.from_file(tmp_path / "secrets.json")
