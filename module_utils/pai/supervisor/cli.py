# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of pai-runtime."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from ..errors import RuntimeConfigError
from . import lifecycle
from .fallback import write_early_message
from .settings import Options, find_path, find_termination_log, resolve, task_index

USAGE_ERROR = 2
DESCRIPTION = """\
Prepare the environment of a deep-learning task, run its command, explain its end.

pai-runtime [-- COMMAND...]            container entrypoint: settings come from PAI_* variables
pai-runtime run [JOB.yml] [OPTIONS] [-- COMMAND...]      one task of a job, on this machine
pai-runtime render [JOB.yml] [OPTIONS] [-- COMMAND...]   only write the files of the work directory
pai-runtime explain LOG...                               say why a command failed, from its logs
pai-runtime check-catalogue [DIR]                        check the entries of a failure catalogue
pai-runtime pod-failure-policy                           what exit codes mean to a Kubernetes Job
"""
FILES = ("job_file", "framework", "secrets", "exit_spec")


def main(argv: Sequence[str]) -> int:
    """Run pai-runtime and return its exit code."""
    _occupy_standard_descriptors()
    root = Path(os.path.abspath(__file__)).parents[3]
    container = dict(os.environb)
    umask = os.umask(0o022)
    # A signal that our caller blocked would never reach us.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    cwd = _current_directory()
    try:
        options = parse(argv, root)
        _find_files(options, cwd)
    except RuntimeConfigError as error:
        return _refuse(str(error), USAGE_ERROR)
    termination_log = find_termination_log(options, os.environ, cwd)
    try:
        settings = resolve(options, os.environ, root, cwd)
        life = lifecycle.begin(settings, container, umask)
    except (RuntimeConfigError, OSError) as error:
        write_early_message(termination_log, str(error))
        return _refuse(str(error), 1)
    try:
        return life.run()
    except (RuntimeConfigError, OSError) as error:
        return _refuse(str(error), 1)


def parse(argv: Sequence[str], root: Path) -> Options:
    """Return the options.

    Raises:
        RuntimeConfigError: they cannot be understood.
    """
    own, command = _split(argv)
    if own and own[0] in ("run", "render"):
        found = _parser(root).parse_intermixed_args(own[1:])
        task_index(found.task_index)
        return Options(own[0], **vars(found), command=command)
    if own and not own[0].startswith("-"):
        raise RuntimeConfigError(
            f"unknown action {own[0]!r}: use run, render, explain, check-catalogue or"
            f" pod-failure-policy, or put a command after --: pai-runtime -- {' '.join(own)}"
        )
    if own:
        _parser(root).parse_args(own)  # --help, --version, or an error
    return Options(action="entrypoint", command=command)


def _split(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in argv:
        return list(argv), ()
    at = list(argv).index("--")
    command = tuple(argv[at + 1 :])
    if not command:
        raise RuntimeConfigError(
            "there is no command after --: write one there, or leave out the --"
        )
    return list(argv[:at]), command


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse: NoReturn
        """Raise instead of printing the usage: one clear line is enough."""
        raise RuntimeConfigError(f"{message} (see pai-runtime --help)")


def _wide(prog: str) -> argparse.HelpFormatter:
    # With a width given argparse does not import shutil and the compression modules behind it.
    return argparse.RawDescriptionHelpFormatter(prog, width=100)


def _parser(root: Path) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pai-runtime",
        description=DESCRIPTION,
        usage="pai-runtime [run|render|explain] [JOB.yml] [OPTIONS] [-- COMMAND...]",
        formatter_class=_wide,
        allow_abbrev=False,
    )
    version = f"pai-runtime {_version(root)}"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument("job_file", nargs="?", metavar="JOB.yml", help="job file, protocol 2")
    for name, metavar, text in (
        ("--task-role", "ROLE", "which task role this is"),
        ("--task-index", "N", "which task of the role this is, from 0"),
        ("--framework", "FILE", "Framework object (JSON): where all tasks are"),
        ("--secrets", "FILE", "values of the job's secrets (YAML)"),
        ("--work-dir", "DIR", "where the runtime keeps its files"),
        ("--log-dir", "DIR", "where the logs and exit.json go"),
        ("--termination-log", "FILE", "where the platform reads the termination message"),
        ("--exit-spec", "FILE", "exit spec that decides the exit code"),
    ):
        parser.add_argument(name, metavar=metavar, help=text)
    return parser


def _version(root: Path) -> str:
    try:
        galaxy = (root / "galaxy.yml").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = re.search(r"^version:\s*[\"']?([^\"'\s#]+)", galaxy, re.MULTILINE)
    return found[1] if found else "unknown"


def _current_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path("/")


def _find_files(options: Options, cwd: Path) -> None:
    for name in FILES:
        text = getattr(options, name)
        path = find_path(text, cwd) if text else None
        if path is not None and not os.path.isfile(path):
            raise RuntimeConfigError(
                f"{name.replace('_', ' ')} {path}: there is no such file; name one that exists"
            )


def _occupy_standard_descriptors() -> None:
    """Open /dev/null for a closed stdin, stdout or stderr.

    Otherwise one of our own files would get its number, and the command's output would land there.
    """
    fd = os.open(os.devnull, os.O_RDWR)  # the lowest free number
    while fd <= 2:
        os.set_inheritable(fd, True)
        fd = os.open(os.devnull, os.O_RDWR)
    os.close(fd)


def _refuse(message: str, code: int) -> int:
    # By the descriptor: sys.stderr is None where it was closed when we started.
    with contextlib.suppress(OSError):
        os.write(2, f"pai-runtime: {message}\n".encode(errors="replace"))
    return code
