"""The user's options: replaced by name, and none that is the runtime's or holds a secret."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import types
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.types.options import merge
from tests.unit.storage_servers import PRIVATE, request

NAME = some.from_regex(r"[a-z]{1,3}", fullmatch=True).filter(lambda name: name not in ("ro", "rw"))
VALUE = some.from_regex(r"[A-Za-z0-9/:._=-]{0,5}", fullmatch=True)
OPTION = some.one_of(NAME, some.builds("{}={}".format, NAME, VALUE))


@given(some.lists(OPTION), some.lists(OPTION))
def test_each_name_comes_once_and_the_users_last_word_counts(
    defaults: list[str], users: list[str]
) -> None:
    merged = merge(request("nfs", "", *users), defaults)

    last = {option.partition("=")[0]: option for option in [*defaults, *users]}
    assert dict(zip(last, merged, strict=True)) == last


@given(some.lists(OPTION, min_size=1))
def test_one_text_with_commas_is_as_good_as_a_list(users: list[str]) -> None:
    assert merge(request("nfs", "", ", ".join(users)), ()) == merge(request("nfs", "", *users), ())


@pytest.mark.parametrize(
    ("type_name", "option", "message"),
    [
        ("nfs", "ro", "option 'ro'; say readOnly: true or false instead"),
        ("nfs", "a b=c", "option 'a b=c' is not NAME or NAME=VALUE; correct it"),
        ("nfs", "a=\x07", "is not NAME or NAME=VALUE; correct it"),
        ("samba", "password=x", "option 'password' may hold a secret; others can read options"),
        ("samba", "username=x", "option 'username' is set by the runtime itself; leave it out"),
        ("azurefile", "ip=10.0.0.1", "option 'ip' is set by the runtime itself; leave it out"),
        ("s3", "--config=/x", "option 'config' is set by the runtime itself; leave it out"),
        ("s3", "s3_secret_access_key=x", "option 's3-secret-access-key' may hold a secret"),
        ("sftp", "stricthostkeychecking=no", "option 'stricthostkeychecking' is set by the"),
        ("sftp", "password_stdin", "option 'password_stdin' may hold a secret"),
        ("hostpath", "uid=1", "option 'uid=1' does nothing here; it has noexec, nosuid"),
    ],
)
def test_an_option_that_cannot_be_is_refused(type_name: str, option: str, message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=re.escape(message)):
        types.check(request(type_name, "", option))


@pytest.mark.parametrize(
    ("type_name", "options", "expected"),
    [
        ("nfs", ["nolock,vers=4.1"], ("retry=0", "nolock", "vers=4.1")),
        ("nfs", ["retry=5"], ("retry=5",)),
        (
            "samba",
            ["vers=3.1.1", "sec=ntlmssp"],
            ("credentials=/run/pai/1/credentials", "vers=3.1.1", "sec=ntlmssp"),
        ),
        (
            "azurefile",
            ["file_mode=0644"],
            (
                "credentials=/run/pai/1/credentials",
                "vers=3.0",
                "dir_mode=0777",
                "file_mode=0644",
                "serverino",
            ),
        ),
        ("sftp", ["idmap=none", "compression=yes"], ("reconnect", "idmap=none", "compression=yes")),
        ("hostpath", ["noexec"], ("noexec",)),
    ],
)
def test_the_users_options_are_passed_through(
    type_name: str, options: list[str], expected: tuple[str, ...]
) -> None:
    assert types.recipe_for(request(type_name, "", *options), PRIVATE).options == expected


def test_options_of_rclone_are_its_flags_however_they_are_written() -> None:
    wish = request("s3", "", "vfs_write_back=9s", "--vfs-cache-max-size=10G", "no-modtime")

    options = types.recipe_for(wish, PRIVATE).options

    assert {"vfs-write-back=9s", "vfs-cache-max-size=10G", "no-modtime"} <= set(options)
    assert "vfs-write-back=1s" not in options
