"""Rows of C that repeat, as a loop: a recurrence reads as one again."""

from __future__ import annotations

import re
from itertools import accumulate, chain, pairwise, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["rolled"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_MOVES = re.compile(r"(?:\+ |[\[(]|, )$")  # before a number that may grow from one time to the next
_VARIABLE = "q"
_LONGEST = 60  # rows
_LEAST = 3  # times


def rolled(rows: Sequence[str]) -> list[str]:
    """The rows, with a loop for what is done three times or more with numbers that grow evenly."""
    texts = [_NUMBER.split(row) for row in rows]
    numbers = [[int(x) for x in _NUMBER.findall(row)] for row in rows]
    result: list[str] = []
    i = 0
    while i < len(rows):
        times, length = max((_times(texts, numbers, i, p), -p) for p in range(1, _LONGEST))
        if times < _LEAST:
            result.append(rows[i])
            i += 1
            continue
        result.append(f"for (int {_VARIABLE} = 0; {_VARIABLE} < {times}; {_VARIABLE}++) {{")
        for k in range(i, i - length):
            moving = map(_moving, numbers[k], numbers[k - length])
            result.append("    " + "".join(chain.from_iterable(zip_longest(texts[k], moving, fillvalue=""))))
        result.append("}")
        i -= times * length
    return result


def _times(texts: list[list[str]], numbers: list[list[int]], i: int, p: int) -> int:
    """How often the `p` rows from `i` on are done, one after the other; they are texts around numbers."""
    if texts[i][0][:1] in ("", " ", "}") or texts[i] != texts[min(i + p, len(texts) - 1)]:
        return 0
    block = texts[i : i + p]
    rows = ["".join(row) for row in block]
    depths = list(accumulate(row.count("{") - row.count("}") for row in rows))
    if min(depths) < 0 or depths[-1] or any(re.search(rf"\b{_VARIABLE}\b", row) for row in rows):
        return 0
    may_move = [bool(_MOVES.search(a)) and not b.startswith(" *") for row in block for a, b in pairwise(row)]
    first, times = [*chain.from_iterable(numbers[i : i + p])], 1
    steps: list[int] = []
    while block == texts[i + times * p : i + (times + 1) * p]:
        later = chain.from_iterable(numbers[i + times * p : i + (times + 1) * p])
        moves = [b - a for a, b in zip(first, later, strict=True)]
        steps = steps or moves
        if moves != [times * d for d in steps] or any(d and not may for d, may in zip(steps, may_move, strict=True)):
            break
        times += 1
    return times


def _moving(a: int, b: int) -> str:
    """A number that goes on to another one."""
    if a == b:
        return str(a)
    step = _VARIABLE if abs(b - a) == 1 else f"{abs(b - a)} * {_VARIABLE}"
    return f"{a} {'+' if b > a else '-'} {step}"
