"""The fields of a server: what is accepted, and what is said of the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage import types
from ansible_collections.openpai.runtime.plugins.module_utils.pai.storage.types import fields
from tests.unit.storage_servers import PRIVATE, SERVERS, request


@pytest.mark.parametrize("type_name", types.TYPES)
def test_every_type_takes_a_complete_server_and_what_pais_secrets_carry(type_name: str) -> None:
    carried = {"spn": "x", "type": type_name, "extension": {}, "name": "y"}

    types.check(request(type_name, **carried))


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        (one.name, name)
        for one in types.TYPES.values()
        for name, field in one.fields.items()
        if field.required
    ],
)
def test_a_missing_field_is_named_with_what_it_is(type_name: str, name: str) -> None:
    what = types.TYPES[type_name].fields[name].what

    with pytest.raises(
        RuntimeConfigError,
        match=re.escape(
            f"storage.yml, server 1: storage 'data' (type {type_name}): "
            f"field '{name}' is missing; give it: {what}"
        ),
    ):
        types.check(request(type_name, **{name: None}))


def test_an_unknown_field_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        RuntimeConfigError,
        match="field 'adress' is unknown; a nfs server has address, rootPath",
    ):
        types.check(request("nfs", adress="nfs-1"))


def test_an_unknown_type_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        RuntimeConfigError, match="storage 'data': type 'ntfs' is unknown; the types are nfs, samba"
    ):
        types.recipe_for(request("ntfs"), PRIVATE)


@pytest.mark.parametrize(
    ("type_name", "changes", "message"),
    [
        ("nfs", {"address": "a b"}, "field 'address': the value 'a b' is not a name without"),
        ("nfs", {"address": "-o"}, "field 'address': the value '-o' is not a name without"),
        ("nfs", {"address": "a/b"}, "field 'address': the value 'a/b' is not the name or address"),
        ("nfs", {"address": True}, "field 'address': the value True is not a text"),
        ("nfs", {"rootPath": "/a/../b"}, "the value '/a/../b' is not a path without '..'"),
        ("nfs", {"rootPath": "/a\nb"}, "is not a text without line breaks"),
        ("samba", {"password": "a\nb"}, "field 'password': its value is not a text without line"),
        ("samba", {"userName": "a,b"}, "field 'userName': the value 'a,b' is not a name without"),
        ("samba", {"rootPath": "/"}, "field 'rootPath' names no share; give SHARE"),
        ("azurefile", {"proxy": "me@host"}, "field 'proxy': its value is not a list of USER@HOST"),
        ("azurefile", {"proxy": ["me@host:99999", "p"]}, "its value is not a port between 1 and"),
        (
            "s3",
            {"endpoint": "minio:9000"},
            "field 'endpoint': the value 'minio:9000' is not an add",
        ),
        ("s3", {"endpoint": "http://me:pw@minio"}, "is not an address such as https://HOST:PORT"),
        ("s3", {"secretKey": None}, "it is not clear how to log in; give accessKey and secretKey"),
        ("s3", {"anonymous": True}, "it is not clear how to log in; give accessKey and secretKey"),
        ("s3", {"pathStyle": "maybe"}, "field 'pathStyle': the value 'maybe' is not true or false"),
        ("gcs", {"serviceAccountKey": "{"}, "field 'serviceAccountKey': its value is not a JSON"),
        (
            "gcs",
            {"serviceAccountKey": None},
            "it is not clear how to log in; give serviceAccountKey",
        ),
        ("sftp", {"port": 0}, "field 'port': the value 0 is not a port between 1 and 65535"),
        (
            "azureblob",
            {"endpoint": "http://acc.store.example"},
            "field 'endpoint': rclone speaks only HTTPS to http://acc.store.example; begin it with "
            "https://",
        ),
        ("sftp", {"password": None}, "it is not clear how to log in; give password or privateKey"),
        ("sftp", {"hostKey": "rubbish"}, "is not a public host key such as 'ssh-ed25519"),
        ("sftp", {"mode": "cached"}, "mode cached accepts no unknown host key; give hostKey"),
        ("hostpath", {"rootPath": "data"}, "field 'rootPath': 'data' is relative; begin it with"),
    ],
)
def test_a_value_that_cannot_be_is_told(
    type_name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuntimeConfigError, match=re.escape(message)):
        types.check(request(type_name, **changes))


def test_the_platforms_volume_takes_neither_path_nor_options() -> None:
    with pytest.raises(RuntimeConfigError, match="the path 'a' cannot be chosen here; leave the"):
        types.check(request("pvc", "a"))
    with pytest.raises(RuntimeConfigError, match="options cannot be chosen here; leave the"):
        types.check(request("pvc", "", "noatime"))


@pytest.mark.parametrize(
    ("read", "given", "expected"),
    [
        (fields.text, 12345678, "12345678"),
        (fields.host, "[::1]", "::1"),
        (fields.host, "fe80::1%eth0", "fe80::1%eth0"),
        (fields.directory, "//a/./b//", "/a/b"),
        (fields.directory, "a b/c", "a b/c"),
        (fields.block, " a \r\nb\r\n\r\n", "a\nb\n"),
        (fields.port, "2222", 2222),
        (fields.flag, "No", False),
        (fields.json_object, {"a": "b"}, '{"a": "b"}'),
        (fields.json_object, '{"a":"b"}', '{"a": "b"}'),
        (fields.url, "https://minio:9000/base/", "https://minio:9000/base"),
    ],
)
def test_values_are_read(read: Callable[[Any], Any], given: Any, expected: Any) -> None:
    assert read(given) == expected


@given(some.text(), some.lists(some.text(some.characters(exclude_characters="/"), min_size=1)))
def test_a_joined_path_has_no_empty_part_and_keeps_its_root(first: str, rest: list[str]) -> None:
    joined = fields.join(first, *rest)

    assert joined.startswith("/") == first.startswith("/")
    assert not joined.endswith("/") or joined == "/"
    assert joined.split("/")[-len(rest) :] == rest or not rest


@pytest.mark.parametrize(
    ("type_name", "changes", "expected"),
    [
        ("nfs", {}, ()),
        ("samba", {}, ("hunter2-secret",)),
        ("azurefile", {"proxy": ["me@host", "pw-of-proxy"]}, ("a2V5LWtleS1rZXk=", "pw-of-proxy")),
        ("azureblob", {}, ("a2V5LWtleS1rZXk=",)),
        ("s3", {"sessionToken": "session-1"}, ("access-key-1", "secret-key-1", "session-1")),
        ("ssh", {}, ("-----BEGIN\nsecret-key-2\n",)),
    ],
)
def test_secrets_are_those_of_the_secret_fields(
    type_name: str, changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    wish = request(type_name, **changes)

    assert types.secret_values(wish) == expected
    assert types.recipe_for(wish, PRIVATE).secrets == expected


def test_a_service_accounts_key_is_secret_as_a_whole_and_in_its_parts() -> None:
    secrets = types.secret_values(request("gcs"))

    assert secrets[1] == "line-one\nline-two\n"
    assert '"type": "service_account"' in secrets[0]


def test_a_server_with_mistakes_keeps_its_secrets() -> None:
    wish = request("samba", passwrd="in-a-wrong-field", address=None)

    assert set(types.secret_values(wish)) == {"hunter2-secret", "in-a-wrong-field"}
    assert types.secret_values(request("smb", password="of-no-type")) == ("of-no-type",)


@pytest.mark.parametrize("type_name", types.TYPES)
def test_no_secret_is_in_what_a_process_list_or_repr_shows(type_name: str) -> None:
    wish = request(type_name, "" if type_name == "pvc" else "a/b")
    recipe = types.recipe_for(wish, PRIVATE)

    for secret in types.secret_values(wish):
        for line in secret.split():
            assert line not in repr((recipe.tool, recipe.source, recipe.options))
            assert line not in repr(recipe)
            assert line not in repr(wish)


def test_every_type_has_a_server_in_these_tests() -> None:
    assert set(SERVERS) == set(types.TYPES)
