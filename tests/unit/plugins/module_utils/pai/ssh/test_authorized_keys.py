"""Public keys: which are taken, what stays of them, and how others are refused."""

from __future__ import annotations

import base64
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.authorized_keys import (
    UnusableKeyError,
    parse,
    read_keys,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh.user_secrets import NamedKey


def field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def blob(kind: str, *fields: bytes) -> str:
    return base64.b64encode(b"".join(map(field, (kind.encode(), *fields)))).decode()


ED = blob("ssh-ed25519", bytes(32))
RSA = blob("ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * 256)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"ssh-ed25519 {ED}", f'command="/s" ssh-ed25519 {ED}'),
        (f"ssh-rsa {RSA} a b@c", f'command="/s" ssh-rsa {RSA} a b@c'),
        (f"  ssh-ed25519   {ED}\t a  ", f'command="/s" ssh-ed25519 {ED} a'),
        (f"no-pty ssh-ed25519 {ED} me", f'no-pty,command="/s" ssh-ed25519 {ED} me'),
        (
            f'from="10.0.0.1,::1",restrict,pty ssh-ed25519 {ED}',
            f'from="10.0.0.1,::1",restrict,pty,command="/s" ssh-ed25519 {ED}',
        ),
        (
            f'command="echo \\"a b\\" $X",NO-pty ssh-ed25519 {ED} c',
            f'NO-pty,command="/s \'echo \\"a b\\" $X\'" ssh-ed25519 {ED} c',
        ),
    ],
    ids=[
        "a key alone",
        "a comment of two words",
        "blanks",
        "an option",
        "options with values",
        "a command that the key is restricted to",
    ],
)
def test_what_of_a_key_is_kept(line: str, expected: str) -> None:
    assert parse(line).line("/s") == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hello", "does not begin with a type of key"),
        ("ssh-ed25519", "no key of type ssh-ed25519"),
        (f"ssh-ed25519 {ED[:-8]}", "damaged or cut short"),
        (f"ssh-ed25519 {ED[:-4]}", "damaged or cut short"),
        (f"ssh-ed25519 {ED}é", "damaged or cut short"),
        (f"ssh-ed25519 {RSA}", "no key of type ssh-ed25519"),
        (f"ssh-ed25519 {blob('ssh-ed25519', bytes(31))}", "damaged or cut short"),
        (f"ssh-rsa {blob('ssh-rsa', b'3', bytes(64) + b'1')}", "shorter than 1024 bits"),
        (f"ssh-dss {ED}", "does not begin with a type of key"),
        (f"fly ssh-ed25519 {ED}", "sshd knows no option 'fly' of this form"),
        (f'pty="1" ssh-ed25519 {ED}', "sshd knows no option 'pty' of this form"),
        (f"from=a ssh-ed25519 {ED}", "its options are not"),
        (f'from="a"pty ssh-ed25519 {ED}', "its options are not"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
    ],
    ids=lambda value: value[:24],
)
def test_a_malformed_key_says_what_is_wrong_and_shows_nothing(line: str, message: str) -> None:
    with pytest.raises(UnusableKeyError) as refused:
        parse(line)
    assert message in str(refused.value)
    assert ED[:20] not in str(refused.value)


def test_several_keys_in_one_text_and_the_others_work() -> None:
    text = f"# mine\n\nssh-ed25519 {ED} a\r\nssh-ed25519 AAAA b\nssh-rsa {RSA}\nssh-rsa {RSA}\n"
    keys, problems = read_keys([NamedKey("userssh.value", text), NamedKey("sshKeys entry 1", "-")])
    assert [key.kind for key in keys] == ["ssh-ed25519", "ssh-rsa"]
    assert problems == [
        "userssh.value, key 2: left out: its base64 text is damaged or cut short",
        "sshKeys entry 1: left out: does not begin with a type of key, such as ssh-ed25519 or"
        " ssh-rsa",
    ]


@given(some.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    keys, problems = read_keys([NamedKey("x", text)])
    assert len(keys) + len(problems) <= len(text.splitlines())


@given(some.text("a'\"\\ $`", max_size=12))
def test_a_restricting_command_comes_through_as_one_argument(command: str) -> None:
    inside = command.replace("\\", "").replace('"', '\\"')
    line = parse(f'command="{inside}" ssh-ed25519 {ED}').line("/s")
    quoted = line[len('command="') : line.rindex('" ssh-ed25519')]
    assert shlex.split(quoted.replace('\\"', '"')) == ["/s", command.replace("\\", "")]
