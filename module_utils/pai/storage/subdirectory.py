# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the directory on the server that a mount asks for and that is not there yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..files import PRIVATE
from ..replacing import replace
from . import child_look
from .child import ask
from .model import Recipe, Request
from .tools.tool import MountError, Tool
from .unmounting import ROOT, ROOT_FILES


def make_path(
    tool: Tool,
    recipe_for: Callable[[Request, Path], Recipe],
    root: Request,
    path: str,
    private: Path,
    deadline: float,
) -> None:
    """Mount the server's ``root`` for a moment and make ``path`` in it, for all to write.

    Raises:
        MountError: the root cannot be mounted or the directories cannot be made.
    """
    files, mount_point = private / ROOT_FILES, private / ROOT
    recipe = recipe_for(root, files)
    for directory in (files, mount_point):
        directory.mkdir(mode=0o700, exist_ok=True)
    for name, content in recipe.files.items():
        replace(files / name, content.encode("utf-8", "surrogateescape"), PRIVATE)
    try:
        facts = tool.mount(recipe, files, mount_point, False, deadline)
    except MountError as error:
        raise MountError(
            f"there is no directory {path} on the server, and to make it the server's root cannot"
            f" be mounted: {error}"
        ) from error
    try:
        seconds = max(deadline - time.monotonic(), 1.0)
        answer = ask(child_look, "make_directories", str(mount_point), path, seconds=seconds)
        problem = f"no answer within {seconds:.3g} seconds" if answer is None else None
        if answer is not None and "errno" in answer:
            problem = f"{answer['step']}: {answer['error']}"
        problem = problem or tool.flush(facts, files, mount_point, deadline)
    finally:
        # what stays mounted is found by name, and detached, when the attempt is undone
        left = tool.unmount(facts, files, mount_point, deadline)
        if left is None:
            for name in recipe.files:  # a second copy of the credentials
                (files / name).unlink(missing_ok=True)
    if problem or left:
        raise MountError(
            f"there is no directory {path} on the server, and it cannot be made there:"
            f" {problem or left}; make it on the server, or correct its permissions"
        )
