# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a log that stand before its searched end, perhaps in a file that is deleted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

_CHUNK = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some lines: ``place`` tells where they are in the log, and is negative before its text.

    ``offset`` tells where they are in the file ``path``, both in bytes; ``number`` is that of the
    first line in the file, None where it has to be counted there.
    """

    text: bytes
    place: int
    path: Path
    offset: int
    number: int | None = None

    def line(self, position: int) -> int:
        """Return the line number in the file of a position in the log.

        Raises:
            OSError: it has to be counted, and the file cannot be read.
        """
        number = self.number or 1 + lines_in(self.path, self.offset)
        return number + self.text.count(b"\n", 0, position - self.place)


def lines_in(path: Path, size: int) -> int:
    """Count the line ends in the first ``size`` bytes.

    Raises:
        OSError: the file cannot be read.
    """
    lines = 0
    if size:
        with path.open("rb") as file:
            while size > 0 and (piece := file.read(min(size, _CHUNK))):
                lines += piece.count(b"\n")
                size -= len(piece)
    return lines
