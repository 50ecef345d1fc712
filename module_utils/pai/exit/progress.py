# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell from a log how long the program went on with its work: what it survived is no failure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from .page import begin_of_line, lines_of

#: Bytes at the end of a log in which progress is looked for.
_LOOKED_AT = 1 << 18
#: Steps forward after which something that looked like a failure was survived.
_ENOUGH = 2

_BAR = re.compile(r"(?:^|[\s|:(])(\d[\d,]*)/(\d[\d,]*)(?:\s+\[|\]?\s*(?:\[|- |loss))")
_STEP = re.compile(
    r"(?i)\b(?:epoch|step|iter(?:ation)?|global_step|batch|update|round|ep|up)\b[\"']?[.\s]*[:=#(\[]*\s*"
    r"(\d[\d,]*)(?:\s*/\s*(\d[\d,]*))?"
)
_METRIC = re.compile(
    r"(?i)\b(?:\w*loss\w*|acc(?:uracy)?|lr|ppl|perplexity|eta|cost|reward|throughput|grad_norm|"
    r"learning[_ ]rate|mae|psnr|bleu|wer|fps)\b[\"']?\s*[:=]?\s*[-\d.]|"
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
    """A line that shows work: which number of how many; a done one has neither."""

    place: int
    number: int | None = None
    total: int | None = None


@dataclasses.dataclass(frozen=True)
class Progress:
    """The steps at the end of a log, in its order."""

    steps: tuple[Step, ...] = ()

    def survived(self, place: int) -> bool:
        """Whether the work went on after what stands at ``place``."""
        before: dict[int | None, int] = {}
        forward = 0
        for step in self.steps:
            if step.place <= place:
                if step.number is not None:
                    before[step.total] = step.number
            elif step.number is None:
                return True
            else:
                # fewer than before: it began anew; as many: the same bar drawn again
                forward += step.number > before.get(step.total, -1)
                before[step.total] = step.number
        return forward >= _ENOUGH

    @property
    def completed(self) -> int | None:
        """Where the last line stands that tells that something was finished, if there is one."""
        return next((step.place for step in reversed(self.steps) if step.number is None), None)


def find(text: bytes) -> Progress:
    """Return the progress that the end of a log shows."""
    begin = begin_of_line(text, len(text) - _LOOKED_AT) if len(text) > _LOOKED_AT else 0
    return Progress(tuple(_steps(text[begin:], begin)))


def _steps(text: bytes, offset: int) -> Iterator[Step]:
    for place, line in lines_of(text):
        step = _step(line[:400])
        if step is not None:
            yield Step(offset + place, *step)


def _step(line: str) -> tuple[int | None, int | None] | None:
    """Return number and total of a line that shows work, two None for a finished one."""
    if _METRIC.search(line):
        found = _BAR.search(line) or _STEP.search(line)
        if found:
            return _number(found[1]), _number(found[2]) if found[2] else None
    elif drawn := _BAR.search(line):
        return _number(drawn[1]), _number(drawn[2])
    if _DONE.search(line) and not _NOT_DONE.search(line):
        return None, None
    return None


def _number(text: str) -> int:
    return int(text.replace(",", "") or 0)
