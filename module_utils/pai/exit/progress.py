# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell from a log how long the program went on with its work: what it survived is no failure."""

from __future__ import annotations

import dataclasses
import re

from . import good_end
from .page import begin_of_line, lines_of

#: Bytes at the end of a log in which progress is looked for.
_LOOKED_AT = 1 << 18
#: Steps forward after which something that looked like a failure was survived.
_ENOUGH = 2
#: Characters of a line that are looked at.
_LONGEST = 400

_BAR = re.compile(r"(?:^|[\s|:(])(\d[\d,]*)/(\d[\d,]*)(?:\s+\[|\]?\s*(?:\[|- |loss))")
_STEP = re.compile(
    r"(?i)\b(?:epoch|step|iter(?:ation)?|global_step|batch|update|round|ep|up)\b[\"']?[.\s]*[:=#(\[]*\s*"
    r"(\d[\d,]*)(?:\s*/\s*(\d[\d,]*))?"
)
_METRIC = re.compile(
    r"(?i)\b(?:\w*loss\w*|acc\w*|lr|ppl|perplexity|eta|cost|reward|throughput|grad_norm|"
    r"learning[_ ]rate|r?mse|mae|auc|f1|iou|psnr|bleu|wer|fps)\b[\"']?\s*[:=]?\s*\[?[-\d.]|"
    r"\d ?(?:s/it|it/s|tok(?:ens)?/s|samples/s|images/s|img/s|ms/step|s/step|words/s)|\d%\|"
)
_METRICS_ONLY = re.compile(r"^\{'\w*loss'?: ")
_DONE = re.compile(
    r"(?i)\bsuccess(?:fully|ful)?\b.{0,40}\b(?:saved|completed|finished|trained|uploaded|exported|written)\b|"
    r"\b(?:saved|completed|finished|uploaded|exported|wrote)\b.{0,40}\bsuccessfully\b|"
    r"successfully saved|\btraining (?:is |has )?(?:done|complete[d]?|finished|succeeded)\b|"
    r"\b(?:finished|completed) training\b|\bcheckpoint saved\b|"
    r"\bsaved (?:model|checkpoint|final)\b|"
    r"\b(?:model|checkpoint|weights|results|output)s? saved\b|Assets written to|"
    r"\b(?:job|run|pipeline) (?:finished|completed|succeeded)\b|^(?:all )?done[.!]?$|"
    r"\bfinished with (?:status|code) 0\b|\bexit(?:ed|ing)? (?:with )?(?:code|status) 0\b|"
    r"`Trainer\.fit` stopped|\b(?:retry|attempt)\b.{0,30}\b(?:succeeded|ok)\b|"
    r"\bsucceeded (?:on|after)\b|(?:^|\] )Training time \d|"
    r"\bTrial \d+ finished with value\b|={3,} .*\b\d+ passed\b(?!.*\b\d+ (?:failed|error))"
)
_NOT_DONE = re.compile(r"(?i)\b(?:not|fail\w*|error|could|unable|before|without)\b")


@dataclasses.dataclass(frozen=True)
class Step:
    """A line that shows work: which number of how many, of all that it counts; a done one none."""

    place: int
    number: tuple[int, ...] = ()
    total: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Progress:
    """The steps at the end of a log, in its order; ``calm`` is where a good end begins."""

    steps: tuple[Step, ...] = ()
    calm: int = -1

    def survived(self, place: int) -> bool:
        """Whether the work went on after what stands at ``place``."""
        if place < self.calm:
            return True
        before: dict[tuple[str, ...], tuple[int, ...]] = {}
        forward = 0
        for step in self.steps:
            if step.place <= place:
                before[step.total] = step.number
            elif not step.number:
                return True
            else:
                # fewer than before: it began anew; as many: the same bar drawn again
                forward += step.number > before.get(step.total, ())
                before[step.total] = step.number
        return forward >= _ENOUGH


def find(text: bytes) -> Progress:
    """Return the progress that the end of a log shows."""
    begin = begin_of_line(text, len(text) - _LOOKED_AT) if len(text) > _LOOKED_AT else 0
    lines = [(begin + place, line[:_LONGEST]) for place, line in lines_of(text[begin:])]
    steps = (step for place, line in lines if (step := _step(place, line)))
    return Progress(tuple(steps), good_end.begin(lines))


def _step(place: int, line: str) -> Step | None:
    """Return what a line that shows work counts, nothing for a finished one."""
    drawn = _BAR.search(line)
    if _METRIC.search(line):
        counted = [drawn.groups()] if drawn else _STEP.findall(line)
    else:
        counted = [drawn.groups()] if drawn else []
    if counted:
        # of how many, or how many things are counted: bars of different work are not compared
        number = tuple(_number(each[0]) for each in counted)
        return Step(place, number, tuple(each[1] or "" for each in counted))
    done = _DONE.search(line) and not _NOT_DONE.search(line)
    return Step(place) if done and not good_end.is_dated(line) else None


def _number(text: str) -> int:
    return int(text.replace(",", "") or 0)
