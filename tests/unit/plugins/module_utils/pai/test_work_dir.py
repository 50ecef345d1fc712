from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.errors import RuntimeConfigError
from ansible_collections.openpai.runtime.plugins.module_utils.pai.work_dir import (
    read_job,
    read_json,
    read_plugins,
)

SECRET = "hunter2-hunter2"


def test_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert read_json(tmp_path / "secrets.json", dict) is None
    assert read_json(tmp_path / "plugins.json", list) is None
    assert read_plugins(tmp_path) == []


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "plugins.json").write_text('[{"name": "git"}]')
    assert read_plugins(tmp_path) == [{"name": "git"}]


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        pytest.param(f'{{"a": {SECRET}', dict, "no JSON object; remove it and run", id="cut off"),
        pytest.param(f'["{SECRET}"]', dict, "no JSON object; remove it", id="no object"),
        pytest.param(f'{{"a": "{SECRET}"}}', list, "no JSON list; remove it", id="no list"),
        pytest.param(f"\udcff{SECRET}", dict, "no JSON object; remove it", id="not UTF-8"),
        pytest.param(None, dict, "Is a directory; remove it", id="a directory"),
    ],
)
def test_a_damaged_file_is_named_and_not_quoted(
    tmp_path: Path, content: str | None, kind: type, message: str
) -> None:
    path = tmp_path / "secrets.json"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RuntimeConfigError, match=message) as caught:
        read_json(path, kind)
    assert str(caught.value).startswith(f"{path}: ")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "read"),
    [("plugins.json", read_plugins), ("secrets.json", lambda place: read_job(place, False))],
)
def test_every_reader_says_which_file_is_damaged(
    tmp_path: Path, name: str, read: Callable[[Path], Any]
) -> None:
    (tmp_path / "job.json").write_text("{}")
    (tmp_path / name).write_text("{")
    with pytest.raises(RuntimeConfigError, match=f"{name}: no JSON"):
        read(tmp_path)
