# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell from a log how long the program went on with its work: what it survived is no failure."""

from __future__ import annotations

import dataclasses
import re

from ..search.page import begin_of_line, lines_of
from . import good_end, line_prefix

#: Bytes at the end of a log in which progress is looked for.
_LOOKED_AT = 1 << 16
#: Steps forward after which something that looked like a failure was survived.
_ENOUGH = 2
#: Characters of a line that are looked at.
_LONGEST = 400

_BAR = re.compile(r"(?:^|[\s|:(])(\d[\d,]*)/(\d[\d,]*)(?:\s+\[|\]?\s*(?:\[|- |loss))")
_STEP = re.compile(
    r"(?i)\b(?:epochs?|steps?|it|iter(?:ation)?s?|global_step|batch|update|round|ep|up)\b"
    r"[\"']?[.\s]*[:=(#\[]*\s*(\d[\d,]*)(?:\s*/\s*(\d[\d,]*))?"
)
_METRIC = re.compile(
    r"(?i)\b(?:\w*loss\w*|acc\w*|lr|ppl|perplexity|eta|cost|reward|throughput|grad_norm|"
    r"learning[_ ]rate|r?mse|mae|auc|f1|iou|psnr|bleu|wer|fps)\b[\"']?\s{0,4}[:=]?\s{0,4}\[?[-\d.]|"
    r"\d ?(?:s/it|it/s|tok(?:ens)?/s|samples/s|images/s|img/s|ms/step|s/step|words/s)|\d%\|"
)
#: Any figures of any name, where a line begins with what it counts and tells no failure.
_FIGURES = re.compile(
    r"(?i)^(?:\[[^\]]*\](?: - | )?|[^\s\[]\S* - )*"
    r"(?:epochs?|ep|steps?|it|iter(?:ation)?|update|round)\b.*"
    r"\b[a-z_]\w*\s*[:= ]\s*-?\d+\.\d"
)
_EPOCH = re.compile(r"^Epoch \d+/\d+\s*$")
_DONE = re.compile(
    r"(?i)\bsuccess(?:fully|ful)?\b.{0,40}\b(?:saved|completed|finished|trained|uploaded|exported|"
    r"written)\b|\b(?:saved|completed|finished|uploaded|exported|wrote)\b.{0,40}\bsuccessfully\b|"
    r"successfully saved|\bcheckpoint saved\b|\bsaved (?:model|checkpoint|final)\b|"
    r"\b(?:model|checkpoint|weights|results|output)s? saved\b|Assets written to|"
    r"^(?:all )?done[.!]?$"
)
#: What tells that all of the work is done, or that it was tried again and went well.
_ALL_DONE = re.compile(
    r"(?i)\btraining (?:is |has )?(?:done|complete[d]?|finished|succeeded)\b|"
    r"\b(?:finished|completed) training\b|"
    r"\b(?:job|run|pipeline) (?:finished|completed|succeeded)\b|"
    r"\bcompleted success\b|\b(\d+)/\1 (?:done|completed|finished)\b|"
    r"\bfinished with (?:status|code) 0\b|\bexit(?:ed|ing)? (?:with )?(?:code|status) 0\b|"
    r"`Trainer\.fit` stopped|\b(?:retry|attempt)\b.{0,30}\b(?:succeeded|ok)\b|"
    r"\bsucceeded (?:on|after)\b|(?:^|\] )Training time \d|\bTrial \d+ finished with value\b|"
    r"(?:={3,} |^)(?:\d+ \w+, ){0,6}\d+ passed\b(?!.*\b\d+ (?:failed|error)).*\bin [\d.]+"
)
#: Each line that these two are looked for in has one of these.
_DONE_WORDS = (
    "done",
    "finish",
    "complet",
    "succe",
    "saved",
    "exit",
    "stopped",
    "passed",
    "training time",
    "retry",
    "attempt",
    "wrote",
    "assets",
    "export",
    "upload",
)
_NOT_DONE = re.compile(r"(?i)\b(?:not|fail\w*|error|could|unable|before|without)\b")


@dataclasses.dataclass(frozen=True)
class Step:
    """A line that shows work: which number of how many, of all that it counts; a done one none.

    ``process`` is what stands before the line; ``whole``: all of the work is done.
    ``lead`` is how many steps forward it is: an epoch is begun when all of one is done.
    """

    place: int
    process: str = ""
    number: tuple[int, ...] = ()
    total: tuple[str, ...] = ()
    whole: bool = False
    lead: int = 1


@dataclasses.dataclass(frozen=True)
class Progress:
    """The steps at the end of a log, in its order; ``calm`` is where a good end begins."""

    steps: tuple[Step, ...] = ()
    calm: int | None = None

    def ended_well(self, place: int) -> bool:
        """Whether a good end of the whole log follows on what stands at ``place``."""
        return self.calm is not None and place < self.calm

    def completed(self, place: int) -> bool:
        """Whether all of the work was done, after all, behind ``place``."""
        return self.ended_well(place) or any(s.whole and s.place > place for s in self.steps)

    def survived(self, place: int, process: str = "", raised: bool = False) -> bool:
        """Whether the work went on after what a process wrote at ``place``.

        What other processes do after that says nothing, where they are told apart. After an
        exception that was ``raised`` and not handled only what speaks for all of the work counts.
        """
        if not raised and self.ended_well(place):
            return True
        told_apart = any(step.process for step in self.steps)
        before: dict[tuple[str, ...], tuple[int, ...]] = {}
        forward = 0
        for step in self.steps:
            if told_apart and process not in ("", step.process):
                continue
            if step.place <= place:
                before[step.total] = step.number
            elif step.number:
                # fewer than before: it began anew; as many: the same bar drawn again
                forward += step.lead * (step.number > before.get(step.total, ()))
                before[step.total] = step.number
            elif step.whole or not raised:
                return True
        return forward >= _ENOUGH


def find(text: bytes) -> Progress:
    """Return the progress that the end of a log shows."""
    begin = begin_of_line(text, len(text) - _LOOKED_AT) if len(text) > _LOOKED_AT else 0
    lines = [(begin + place, line[:_LONGEST]) for place, line in lines_of(text[begin:])]
    learned = line_prefix.learn([line for _unused, line in lines])
    steps = (_step(place, *line_prefix.split(line, learned)) for place, line in lines)
    return Progress(tuple(step for step in steps if step), good_end.begin(lines))


def _step(place: int, process: str, line: str) -> Step | None:
    """Return what a line that shows work counts, nothing for a finished one."""
    small = line.lower()
    if any(word in small for word in _DONE_WORDS):  # mostly not, and searching takes long
        whole = bool(_ALL_DONE.search(line))
        done = (whole or _DONE.search(line)) and not _NOT_DONE.search(line)
        if done and not good_end.is_dated(line):
            return Step(place, process, whole=whole)
    drawn = _BAR.search(line)
    epoch = _EPOCH.match(line)
    work = drawn or epoch or _METRIC.search(line) or _FIGURES.match(line)
    counted = _STEP.findall(line) if work else []
    if drawn:
        counted.append(drawn.groups())
    if not counted:
        return None
    # of how many, or how many things are counted: bars of different work are not compared
    total = tuple(each[1] or "" for each in counted)
    number = tuple(_number(each[0]) for each in counted)
    return Step(place, process, number, total, lead=_ENOUGH if epoch else 1)


def _number(text: str) -> int:
    return int(text.replace(",", "") or 0)
