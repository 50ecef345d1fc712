# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options of ``git clone`` a job may give.

It is a list of what is allowed: git takes abbreviations too (``--upl`` is ``--upload-pack``), so
that a list of what is refused could be got round.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from .errors import RuntimeConfigError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FLAGS = _names(
    """--also-filter-submodules --dissociate --ipv4 --ipv6 --local --no-checkout --no-hardlinks
    --no-local --no-progress --no-reject-shallow --no-remote-submodules --no-shallow-submodules
    --no-single-branch --no-tags --progress --quiet --recurse-submodules --recursive
    --reject-shallow --remote-submodules --shallow-submodules --shared --single-branch --sparse
    --tags --verbose"""
)
WITH_VALUE = _names(
    """--branch --depth --filter --jobs --origin --reference --reference-if-able --server-option
    --shallow-exclude --shallow-since"""
)
VALUE_MAY_FOLLOW = frozenset(["--recurse-submodules", "--recursive"])  # as --recursive=PATH only
SHORT = {
    "-4": "--ipv4",
    "-6": "--ipv6",
    "-b": "--branch",
    "-c": "--config",
    "-j": "--jobs",
    "-l": "--local",
    "-n": "--no-checkout",
    "-o": "--origin",
    "-q": "--quiet",
    "-s": "--shared",
    "-u": "--upload-pack",
    "-v": "--verbose",
}
# Settings that neither start a program nor can hold a credential; the clone keeps them.
SETTINGS = _names(
    """core.autocrlf core.compression core.eol core.filemode core.longpaths core.symlinks
    fetch.parallel http.lowspeedlimit http.lowspeedtime http.postbuffer http.sslverify http.version
    submodule.fetchjobs"""
)
_ONE_PLACE = "the clone is one directory with the files in it"
REFUSED = {
    "--bare": _ONE_PLACE,
    "--mirror": _ONE_PLACE,
    "--separate-git-dir": _ONE_PLACE,
    "--revision": "use the parameter branch, tag or commit",
    "--template": "hooks of that directory would run",
    "--upload-pack": "it names a program to run",
}


def read_options(given: Iterable[str]) -> tuple[str, ...]:
    """Return the options as single words, ``--name`` or ``--name=value``, in their order.

    >>> read_options(["--depth 1 -b main", "--no-tags"])
    ('--depth=1', '--branch=main', '--no-tags')

    Raises:
        RuntimeConfigError: an option that is unknown, refused or not complete.
    """
    return tuple(_options(word for text in given for word in _words(text)))


def values_of(options: Iterable[str], name: str) -> list[str]:
    """Return the values that an option has among options that ``read_options`` returned."""
    return [word[len(name) + 1 :] for word in options if word.startswith(f"{name}=")]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise RuntimeConfigError(f"options: {text!r}: {error}; write it as in a shell") from error


def _options(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        name, equals, value = _split(word)
        if name in REFUSED:
            raise RuntimeConfigError(f"options: {name} is refused: {REFUSED[name]}")
        if name in WITH_VALUE or name == "--config":
            value = value if equals else next(words, "")
            if not value:
                raise RuntimeConfigError(f"options: {name} has no value; write {name}=VALUE")
            _check_setting(name, value)
            yield f"{name}={value}"
        elif name in FLAGS and (not equals or name in VALUE_MAY_FOLLOW):
            yield word if equals else name
        else:
            raise RuntimeConfigError(
                f"options: {word!r} is not an option of git clone that can be given here, "
                f"in its full name: {', '.join(sorted(FLAGS | WITH_VALUE | {'--config'}))}"
            )


def _split(word: str) -> tuple[str, str, str]:
    if word.startswith("--"):
        return word.partition("=")
    name = SHORT.get(word[:2], word)
    attached = word[2:] if name in WITH_VALUE | {"--config", "--upload-pack"} else ""
    if name == word or (word[2:] and not attached):
        return word, "", ""
    return name, "=" if attached else "", attached


def _check_setting(name: str, value: str) -> None:
    key = value.partition("=")[0].lower()
    if name == "--config" and key not in SETTINGS:
        raise RuntimeConfigError(
            f"options: --config {key} is refused: settings may name programs to run or hold a "
            f"password that the clone would keep; allowed are {', '.join(sorted(SETTINGS))}"
        )
