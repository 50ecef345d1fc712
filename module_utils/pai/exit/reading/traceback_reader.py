# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put tracebacks together from lines that come one by one, each process for itself."""

from __future__ import annotations

import dataclasses
import re

from .line_level import level
from .raised import Frame, Raised, Traceback

_BEGIN = re.compile(r"Traceback \(most recent call last\)")
_NOTEBOOK = re.compile(r"^(\w[\w.]*) {2,}Traceback \(most recent call last\)")
_FRAME = re.compile(r"^\s+File \"([^\"]+)\", line (\d{1,9})(?:, in (.*))?$")
_OTHER_FRAME = re.compile(r"^(?:│ |File )?([^\s:]+\.\w+):(\d{1,9})(?:,)? in ")
_RAISED = re.compile(r"^((?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?:\([\w.]+\))?)(?:: ?(.*))?$")
_SURE = re.compile(r"(?:[Ee]rror|Exception|Warning|Interrupt|Exit|Group|Iteration|[Tt]imeout)$")
#: An exception without its traceback: as Hydra tells one, and as pytest does.
_BARE = re.compile(r"^((?:[A-Za-z_]\w*\.)+\w*(?:Error|Exception)): (\S.*)$")
_PYTEST = re.compile(r"^(\S+\.py):(\d{1,9}): ((?:\w+\.)*[A-Z]\w*)$")
_PYTEST_MESSAGE = re.compile(r"^E +(?:[\w.]+: )?")
_LINKED = ("During handling of the above exception", "The above exception was the direct cause")
_LOGGED, _IGNORED = "--- Logging error ---", "Exception ignored "
_FAILED = re.compile(r"(?i)error|exception|fail|could not|cannot")
#: What a program says of an exception that it tells, but does not mind.
_WENT_ON = re.compile(
    r"(?i)\b(?:ignor(?:ed|ing)|skipp(?:ed|ing)|put back|re-?queued|fall(?:ing)? ?back|non-?fatal|"
    r"continuing|replaced|dropped)\b"
)
#: What begins a message of another kind, and so ends that of an exception.
_NEWS = re.compile(
    r"^(?:[IWEF]\d{4} |\[[IWEF]\d* |\d{4}[-/]\d\d[-/]\d\d[ T]|\[\d{4}-|\[?(?:INFO|WARN|ERROR)|"
    r"wandb: |srun: |slurmstepd|\+ |E\d{4} |terminate called|Killing subprocess|={20}|-{20}$)"
)
#: Lines that do not belong to a traceback and are passed over: two may be written at once.
_FOREIGN = 30
_MESSAGE_LINES = 40
#: Frames of a child that was being started.
_CHILD = re.compile(
    r"multiprocessing/(?:spawn|forkserver)\.py\W.{0,200}\bin (?:spawn_main|_main|main)\b"
)
_LIBRARY = re.compile(r"/(?:site|dist)-packages/|/lib(?:64)?/python\d|^<|\.pyx$")


class _Block:
    """A traceback that is being read."""

    def __init__(self, place: int, process: str, before: str) -> None:
        self.process = process
        went_on = _FAILED.search(before) and _WENT_ON.search(before)
        self.ignored = before.startswith(_IGNORED) or bool(went_on)
        warned = _FAILED.search(before) and level(before) == -1
        self.handled = self.ignored or before.startswith(_LOGGED) or bool(warned)
        self.chain: list[Raised] = []
        self.notebook = ""
        self.begin(place)

    def begin(self, place: int) -> None:
        self.first, self.state, self.foreign = place, "frames", 0
        self.frames: list[Frame] = []
        self.indented = False  # whether the line before was one of the traceback's own

    def raised(self, place: int, kind: str, message: str) -> None:
        own = [frame for frame in self.frames if not _LIBRARY.search(frame.file)]
        frames = own or self.frames
        frame = frames[-1] if frames else None
        self.chain.append(Raised(kind, message.strip(), place, self.first, place, frame))
        self.state, self.foreign = "message", 0

    def extend(self, place: int) -> None:
        self.chain[-1] = dataclasses.replace(self.chain[-1], last=place)


class Reader:
    """Reads lines one by one; what is finished is kept until ``finish``."""

    def __init__(self) -> None:
        self._open: dict[str, _Block] = {}
        self._done: list[Traceback] = []
        self._before: dict[str, str] = {}
        self._assertion: dict[str, str] = {}

    def feed(self, place: int, process: str, line: str) -> None:
        """Read the next line, which begins at ``place`` and was written by ``process``."""
        block = self._open.get(process)
        if _BEGIN.search(line):
            self._begin(block, place, process, line)
        elif block is None:
            if _FRAME.match(line) or line.startswith("ray::"):
                self._begin(None, place, process, line)
                self._frame(self._open[process], place, line)
            else:
                self._bare(place, process, line)
        else:
            steps = {"frames": self._frame, "message": self._message, "after": self._after}
            steps[block.state](block, place, line)
        if line:
            self._before[process] = line

    def finish(self) -> list[Traceback]:
        """Return all tracebacks that were read."""
        for block in list(self._open.values()):
            self._close(block)
        return self._done

    def _bare(self, place: int, process: str, line: str) -> None:
        """Read an exception that has no traceback, if the line is one."""
        bare = _BARE.match(line)
        tested = _PYTEST.match(line)
        if bare:
            raised = Raised(bare[1], bare[2], place, place, place)
        elif tested:
            message = _PYTEST_MESSAGE.sub("", self._assertion.pop(process, ""))
            frame = Frame(tested[1], int(tested[2]))
            raised = Raised(tested[3], message.strip(), place, place, place, frame)
        else:
            if _PYTEST_MESSAGE.match(line):
                self._assertion.setdefault(process, line)
            return
        self._done.append(Traceback((raised,), process))

    def _begin(self, block: _Block | None, place: int, process: str, line: str) -> None:
        if block and block.state == "after" and block.foreign < 0:
            block.begin(place)  # linked to the one before
            return
        if block:
            self._close(block)
        block = self._open[process] = _Block(place, process, self._before.get(process, ""))
        notebook = _NOTEBOOK.match(line)
        block.notebook = notebook[1] if notebook else ""

    def _close(self, block: _Block) -> None:
        del self._open[block.process]
        if block.chain:
            chain = tuple(block.chain)
            self._done.append(Traceback(chain, block.process, block.handled, block.ignored))

    def _frame(self, block: _Block, place: int, line: str) -> None:
        frame = _FRAME.match(line) or _OTHER_FRAME.match(line)
        if frame:
            block.frames.append(Frame(frame[1], int(frame[2])))
            # what a child that was being started sees of its parent's failure, told after it
            block.handled |= bool(_CHILD.search(line))
        if frame or not line or line[0] in " \t│╰╭^" or line.startswith("ray::"):
            block.indented = bool(line)
            return
        raised = _RAISED.match(line)
        if raised and self._is_exception(block, raised):
            block.raised(place, raised[1], raised[3] or "")
            return
        block.indented = False
        block.foreign += 1
        if block.foreign > _FOREIGN and not block.notebook:
            self._close(block)

    def _is_exception(self, block: _Block, raised: re.Match[str]) -> bool:
        if block.notebook:
            return raised[2] == block.notebook.rpartition(".")[2]
        named = raised[2][0].isupper() or bool(_SURE.search(raised[2]))
        return bool(_SURE.search(raised[2])) or "." in raised[1] or (named and block.indented)

    def _message(self, block: _Block, place: int, line: str) -> None:
        block.foreign += 1
        if not line.strip() or line.startswith('"""') or self._linked(block, line):
            block.state = "after" if block.state == "message" else block.state
        elif _NEWS.match(line) or block.foreign > _MESSAGE_LINES:
            self._close(block)
        elif (quoted := _RAISED.match(line)) and _quotes_another(quoted):
            block.raised(place, quoted[1], quoted[3] or "")
        else:
            block.extend(place)

    def _after(self, block: _Block, _place: int, line: str) -> None:
        if line.strip() and not line.startswith('"""') and not self._linked(block, line):
            self._close(block)

    def _linked(self, block: _Block, line: str) -> bool:
        if not line.startswith(_LINKED):
            return False
        block.state, block.foreign = "after", -1
        return True


def _quotes_another(line: re.Match[str]) -> bool:
    """Whether a line of a message tells the exception of another process, as Ray's do."""
    return bool(_SURE.search(line[2])) and ("." in line[1] or line[2][0].isupper())
