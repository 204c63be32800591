"""Rows of C that repeat, as a loop: a recurrence reads as one again."""

from __future__ import annotations

import re

__all__ = ["rolled"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_MOVES = re.compile(r"(?:\+ |[\[(]|, )$")  # before a number that may grow from one time to the next
_VARIABLE = "q"
_LONGEST = 60  # rows
_LEAST = 3  # times


def rolled(rows: list[str]) -> list[str]:
    """The rows, with a loop for what is done three times or more with numbers that grow evenly."""
    shapes = [_NUMBER.sub("#", row) for row in rows]
    result: list[str] = []
    i = 0
    while i < len(rows):
        times, length = max((_times(rows, shapes, i, p), -p) for p in range(1, _LONGEST))
        if times < _LEAST:
            result.append(rows[i])
            i += 1
            continue
        first, second = (rows[i + r * -length : i + (r + 1) * -length] for r in (0, 1))
        result.append(f"for (int {_VARIABLE} = 0; {_VARIABLE} < {times}; {_VARIABLE}++) {{")
        result += [f"    {_moving(a, b)}" for a, b in zip(first, second, strict=True)]
        result.append("}")
        i += times * -length
    return result


def _times(rows: list[str], shapes: list[str], i: int, p: int) -> int:
    """How often the `p` rows from `i` on are done, one after the other."""
    if rows[i][:1] in ("", " ", "}") or shapes[i] != shapes[min(i + p, len(rows) - 1)]:
        return 0
    block = rows[i : i + p]
    if not _whole(block) or any(re.search(rf"\b{_VARIABLE}\b", row) for row in block):
        return 0
    first, times = _numbers(block), 1
    steps: list[int] = []
    while shapes[i : i + p] == shapes[i + times * p : i + (times + 1) * p]:
        moves = [b - a for a, b in zip(first, _numbers(rows[i + times * p : i + (times + 1) * p]), strict=True)]
        if times == 1:
            steps = moves
            if not all(may or not d for may, d in zip(_may_move(block), steps, strict=True)):
                break
        if moves != [times * d for d in steps]:
            break
        times += 1
    return times


def _whole(block: list[str]) -> bool:
    """Whether every brace that is opened is closed."""
    depth = 0
    for row in block:
        depth += row.count("{") - row.count("}")
        if depth < 0:
            return False
    return depth == 0


def _numbers(block: list[str]) -> list[int]:
    return [int(x) for row in block for x in _NUMBER.findall(row)]


def _may_move(block: list[str]) -> list[bool]:
    """Of each number, whether another one can be added to it where it stands."""
    return [
        bool(_MOVES.search(row[: x.start()])) and not row.startswith(" *", x.end())
        for row in block
        for x in _NUMBER.finditer(row)
    ]


def _moving(row: str, following: str) -> str:
    """A row, whose numbers go on to those of the following one."""
    later = iter(_NUMBER.findall(following))

    def number(match: re.Match[str]) -> str:
        a, b = int(match[0]), int(next(later))
        if a == b:
            return match[0]
        step = f"{_VARIABLE}" if abs(b - a) == 1 else f"{abs(b - a)} * {_VARIABLE}"
        return f"{a} {'+' if b > a else '-'} {step}"

    return _NUMBER.sub(number, row)
