# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What finished files of a log said, in little: it is still known when they are deleted.

``earlier.json`` beside the log keeps of each file the lines around what the catalogue knows, as
they were written. Logs hold what programs print, perhaps secrets: the file is its owner's alone,
and what is shown of it is masked like the log itself.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import RuntimeConfigError
from ...files import PRIVATE
from ...replacing import replace

#: The file beside the log.
NAME = "earlier.json"
#: Bytes that it may have; the first files may take half of them, the newest get the rest.
IN_ALL = 1 << 20
#: So many of the newest files are known where nothing was found in them.
_EMPTY = 16

#: What reading a document of another form, too deep or with too large numbers raises.
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)

#: A line that shows work, and where it begins in the file, in bytes.
Step = tuple[int, str]


@dataclasses.dataclass(frozen=True)
class Extract:
    """Whole lines of a file: where they begin there, in bytes, and the number of the first.

    Without a ``number`` it was not counted.
    """

    place: int
    text: bytes
    number: int | None = None


@dataclasses.dataclass(frozen=True)
class Digest:
    """Of one file its name and size, how many bytes of it were searched, and what is kept."""

    name: str
    size: int
    searched: int
    extracts: tuple[Extract, ...] = ()
    steps: tuple[Step, ...] = ()


def read(directory: Path) -> tuple[Digest, ...]:
    """Return the digests of the log in ``directory``, the oldest first; none where it has none.

    Raises:
        RuntimeConfigError: the file cannot be read or is damaged.
    """
    path = directory / NAME
    try:
        rows = json.loads(path.read_bytes())["files"]
        return tuple(_digest(row) for row in rows)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise RuntimeConfigError(f"{path}: {error.strerror}") from error
    except _DAMAGED as error:
        raise RuntimeConfigError(f"{path}: damaged; what it kept is not known") from error


def add(directory: Path, digest: Digest) -> None:
    """Keep the digest with those that are there; a damaged file begins anew.

    Raises:
        OSError: it cannot be written.
    """
    try:
        known = read(directory)
    except RuntimeConfigError:
        known = ()
    rows = bounded([_row(each) for each in (*known, digest)])
    replace(directory / NAME, _document(rows), PRIVATE)


def bounded(rows: Sequence[dict[str, Any]], most: int = IN_ALL) -> list[dict[str, Any]]:
    """Return the rows that are kept: the first ones up to half of the room, and the newest.

    The first error of an endless log is known for ever, and so is what was found last.
    """
    told = [row for row in rows[:-_EMPTY] if row["lines"]]
    told += [_fitting(row, most // 2) for row in rows[-_EMPTY:]]
    sizes = [len(_text(row)) + 2 for row in told]
    first = room = 0
    while first < len(told) and room + sizes[first] <= most // 2:
        room += sizes[first]
        first += 1
    last = len(told)
    while last > first and room + sizes[last - 1] <= most:
        last -= 1
        room += sizes[last]
    return told[:first] + told[last:]


def _fitting(row: dict[str, Any], most: int) -> dict[str, Any]:
    """Return the row with as many of its first lines as have room: as JSON some grow sixfold."""
    while row["lines"] and len(_text(row)) + 2 > most:
        row = {**row, "lines": row["lines"][: len(row["lines"]) // 2]}
    return row


def _document(rows: Sequence[dict[str, Any]]) -> bytes:
    return b'{"version": 1, "files": [\n' + b",\n".join(map(_text, rows)) + b"\n]}\n"


def _text(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _row(digest: Digest) -> dict[str, Any]:
    lines = [[each.place, each.number, each.text.decode()] for each in digest.extracts]
    row = {"name": digest.name, "size": digest.size, "searched": digest.searched}
    return {**row, "lines": lines, "steps": [list(step) for step in digest.steps]}


def _digest(row: dict[str, Any]) -> Digest:
    extracts = [
        Extract(int(place), text.encode(), None if number is None else int(number))
        for place, number, text in row["lines"]
    ]
    steps = [(int(place), str(line)) for place, line in row["steps"]]
    return Digest(
        str(row["name"]), int(row["size"]), int(row["searched"]), tuple(extracts), tuple(steps)
    )
