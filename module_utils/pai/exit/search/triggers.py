# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the words that a regular expression cannot match without, and letters to look for first.

RE2 knows these words, too, but tells them to nobody; and to compile a thousand expressions, only
to find that a log needs three of them, takes longer than to read the log.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

#: Python's own parser: what it makes of an expression says what a match must have.
_NEW = sys.version_info >= (3, 11)
parser: Any = importlib.import_module("re._parser" if _NEW else "sre_parse")
codes: Any = importlib.import_module("re._constants" if _NEW else "sre_constants")

Words = frozenset[str]

_SHORTEST, _PRODUCT, _MOST = 3, 24, 500
_LETTERS = 4
#: What healthy logs look like: letters that occur here are not looked for.
_HEALTHY = """
2026-11-24 08:00:00,123 info main epoch 12/90 step 3450 loss 0.4312 accuracy 0.98 lr 4.9e-05
eta 1:23:45 [rank0]: iteration 100/20000 | consumed samples: 3200 | elapsed time per
iteration (ms): 310.4 learning rate: 1.0e-04 | global batch size: 256 | lm loss: 7.211
loss scale: 1.0 | grad norm 0.5
number of skipped iterations: 0 | number of nan iterations: 0 | throughput 1234.5 images/s tokens/s
100%|##########| 782/782 [01:23<02:34, 3.21it/s, loss=0.43] 92s 110ms/step - val_loss: 0.51 val_acc
{'loss': 0.4, 'grad_norm': 1.2, 'learning_rate': 1e-05, 'epoch': 1.2} training validation evaluation
saving checkpoint to /mnt/data/output/checkpoints/model_step_1.pt saved loading dataset from cache
downloading model.safetensors using device cuda:0 memory 14.2 gb allocated world size 8 local rank
"""
_EMPTY: Words = frozenset(("",))
#: Flags in the middle, which Python refuses; upper and lower case are the same here anyway.
_FLAGS = re.compile(r"\(\?[a-zA-Z]+\)")
_FLAG_GROUPS = re.compile(r"\(\?[a-zA-Z]+:")
#: A character by its number, which Python writes in another way.
_NUMBERED = re.compile(r"\\x\{([0-9a-fA-F]+)\}")
#: Classes of letters by their names, which Python does not have.
_CLASSES = re.compile(r"\[:\^?[a-z]+:\]")


def required(pattern: str) -> Words | None:
    """Return words, in lower case, of which every match has one; None where none are known."""
    return _best(ways(pattern))


def ways(pattern: str) -> list[Words]:
    """Return all that is known of what a match needs: each time one of some words."""
    try:
        return _alternatives(_parsed(pattern))
    except ValueError:
        return []


def _parsed(pattern: str) -> Any:
    if _CLASSES.search(pattern):
        raise ValueError("Python has no classes with names")
    plain = _FLAG_GROUPS.sub("(?:", _FLAGS.sub("", pattern)).replace(r"\z", r"\Z")
    try:
        return parser.parse(_NUMBERED.sub(lambda found: re.escape(chr(int(found[1], 16))), plain))
    except (re.error, AttributeError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _alternatives(items: Any) -> list[Words]:
    """Return all that is required of a sequence: each time one of some words."""
    found: list[Words] = []
    run = _EMPTY
    for item in items:
        longer = _joined(run, _exact(*item))
        if longer is not None:
            run = longer
            continue
        found.append(run)
        run = _exact(*item) or _EMPTY
        if run is _EMPTY:
            found += _inner(*item)
    found.append(run)
    return [words for words in found if "" not in words]


def _joined(run: Words, more: Words | None) -> Words | None:
    if more is None or len(run) * len(more) > _PRODUCT:
        return None
    return frozenset(first + second for first in run for second in more)


def _exact(code: Any, value: Any) -> Words | None:
    """Return all texts that an item can match, where these are few."""
    if code is codes.LITERAL:
        return frozenset((chr(value).lower(),)) if value < 128 else None
    if code is codes.IN and all(kind is codes.LITERAL and each < 128 for kind, each in value):
        return frozenset(chr(each).lower() for _unused, each in value)
    if code is codes.AT:
        return _EMPTY
    if code is codes.SUBPATTERN:
        return _exact_sequence(value[-1])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and tuple(value[:2]) == (0, 1):
        inner = _exact_sequence(value[2])
        return inner and inner | _EMPTY
    if code is codes.BRANCH:
        branches = [_exact_sequence(branch) for branch in value[1]]
        if all(branch is not None for branch in branches):
            united = frozenset().union(*(branch or () for branch in branches))
            return united if len(united) <= _MOST else None
    return None


def _exact_sequence(items: Any) -> Words | None:
    run: Words | None = _EMPTY
    for item in items:
        run = None if run is None else _joined(run, _exact(*item))
    return run


def _inner(code: Any, value: Any) -> list[Words]:
    if code is codes.SUBPATTERN:
        return _alternatives(value[-1])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and value[0] > 0:
        return _alternatives(value[2])
    if code is codes.BRANCH:
        branches = [_best(_alternatives(branch)) for branch in value[1]]
        if all(branch is not None for branch in branches):
            return [frozenset().union(*(branch or () for branch in branches))]
    return []


def _best(found: Sequence[Words]) -> Words | None:
    usable = [words for words in found if len(words) <= _MOST and _worth(words) >= _SHORTEST]
    return max(usable, key=lambda words: (_worth(words), -len(words)), default=None)


def _worth(words: Words) -> int:
    """Return the length of the shortest word; of one that healthy logs have, less."""
    return min(min(len(word.strip()), 12) - 6 * (word.strip() in _HEALTHY) for word in words)


def letters(words: Iterable[str]) -> tuple[str, ...]:
    """Return short pieces of which every one of the words has one: few, and rare in healthy logs.

    A word all of whose pieces are common stands for itself.
    """
    healthy = {_HEALTHY[at : at + _LETTERS] for at in range(len(_HEALTHY))}
    pieces = {word: _pieces(word) - healthy for word in words}
    chosen = {word for word, own in pieces.items() if not own}
    open_words = {word: own for word, own in pieces.items() if own}
    covers = Counter(piece for own in open_words.values() for piece in own)
    while open_words:
        piece = max(covers, key=lambda each: (covers[each], each))
        chosen.add(piece)
        for word in [word for word, own in open_words.items() if piece in own]:
            covers.subtract(open_words.pop(word))
    return tuple(sorted(chosen))


def _pieces(word: str) -> set[str]:
    return {word[at : at + _LETTERS] for at in range(len(word) - _LETTERS + 1)}
