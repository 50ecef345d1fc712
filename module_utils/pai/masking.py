# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace secret values, plain or encoded, in whatever the runtime itself writes."""

from __future__ import annotations

import json
import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import AnyStr
from urllib.parse import quote, quote_plus

from .errors import RuntimeConfigError

MASK = "******"
# A shorter value occurs in ordinary text by chance: masking "1" would maim every address.
SHORTEST = 6


class Masker:
    """Masks the given secret values, also where they stand quoted or encoded.

    >>> Masker(["hunter2-hunter2"]).text("login with hunter2-hunter2 failed")
    'login with ****** failed'
    """

    def __init__(self, values: Iterable[str]) -> None:
        """Prepare every form of every value once; masking is called for each line of a log."""
        forms = {form for value in values for part in _parts(value) for form in _forms(part)}
        self._texts = sorted((form for form in forms if len(form) >= SHORTEST), key=len)[::-1]
        self._bytes = sorted((_encode(form) for form in self._texts), key=len)[::-1]

    @classmethod
    def from_file(cls, path: str | Path) -> Masker:
        """Read the secrets of ``secrets.json``, and what plugins have learned beside it.

        Without these files there is nothing to mask.

        Raises:
            RuntimeConfigError: a file is damaged; to go on would show what it should hide.
        """
        return cls(value for file in secret_files(path) for value in texts(_read(file)))

    def text(self, text: str) -> str:
        """Return ``text`` with every known form of a secret replaced."""
        return _mask(text, self._texts, MASK, 0, len(text))

    def data(self, data: bytes) -> bytes:
        """Return ``data`` with every known form of a secret replaced."""
        return _mask(data, self._bytes, MASK.encode(), 0, len(data))

    def part(self, data: bytes, start: int, end: int) -> bytes:
        """Return ``data[start:end]`` masked, also of secrets of which it holds a piece only."""
        margin = len(self._bytes[0]) if self._bytes else 0
        first = max(0, start - margin)
        around = data[first : end + margin]
        return _mask(around, self._bytes, MASK.encode(), start - first, end - first)


def _mask(text: AnyStr, forms: list[AnyStr], mask: AnyStr, start: int, end: int) -> AnyStr:
    # All spans are collected first: replacing form by form would leave the rest of an overlap.
    spans = sorted(span for form in forms for span in _spans(text, form))
    pieces: list[AnyStr] = []
    done = start
    for first, last in spans:
        if last <= done or first >= end:
            continue
        if first >= done:
            pieces.append(text[done:first])
        if first >= done or done == start:
            pieces.append(mask)
        done = last
    pieces.append(text[done:end])
    return text[:0].join(pieces)


def _spans(text: AnyStr, form: AnyStr) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _parts(value: str) -> set[str]:
    """Return the value and, because logs are masked line by line, each of its lines."""
    lines = {line.strip() for line in value.splitlines()}
    return {part for part in {value, value.strip(), *lines} if len(part) >= SHORTEST}


def _forms(part: str) -> Iterator[str]:
    yield part
    encoded = _encode(part)
    for safe in ("", "/", "~/:@!$&'()*+,;="):
        yield quote(encoded, safe=safe)
    yield quote_plus(encoded)
    yield json.dumps(part)[1:-1]
    yield json.dumps(part, ensure_ascii=False)[1:-1]
    yield repr(part)[1:-1]
    yield part.replace("'", "'\"'\"'")
    yield part.replace("'", "'\\''")
    yield re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", part)
    yield from _base64_forms(encoded)


def _base64_forms(encoded: bytes) -> Iterator[str]:
    """Yield what every base64 text that contains the value contains, for each of three offsets."""
    for offset in range(3):
        text = b2a_base64(bytes(offset) + encoded, newline=False).decode()
        # A character holds 6 bits; the first and last ones also hold bits of a neighbour.
        inner = text[-(-offset * 8 // 6) : (offset + len(encoded)) * 8 // 6]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def secret_files(path: str | Path) -> tuple[Path, Path]:
    """Return the files whose values are masked: ``secrets.json`` and the one beside it."""
    return Path(path), learned_file(Path(path).parent)


def learned_file(work_dir: Path) -> Path:
    """Return the file of the secrets that are not the job's: those of a cluster's storages."""
    return work_dir / "secrets_of_plugins.json"


def learned(work_dir: Path, owner: str, secrets: list[str]) -> str | None:
    """Return the text of that file once ``owner`` knows these secrets; None where it is empty.

    Raises:
        RuntimeConfigError: the file is damaged.
    """
    known = {**_read(learned_file(work_dir)), owner: secrets}
    kept = {name: values for name, values in sorted(known.items()) if values}
    return json.dumps(kept) if kept else None


def _read(path: Path) -> dict[str, object]:
    """Return the object that a file of secrets holds; an empty one where there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RuntimeConfigError(
            f"secrets file {path}: {error.strerror}; let the start write it again"
        ) from error
    return _parse(content, path)


def _parse(content: bytes, path: str | Path) -> dict[str, object]:
    try:
        secrets = json.loads(content)
    except ValueError:
        secrets = None
    if not isinstance(secrets, dict):
        # "from None": the error of the parser would quote the file, which holds secrets.
        raise RuntimeConfigError(
            f"secrets file {path}: not a JSON object of names and values; "
            "remove it or let the start write it again"
        ) from None
    return secrets


def texts(value: object) -> Iterator[str]:
    """Yield every text in ``value``, at any depth: what of a job's secrets is to be masked."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
