"""What is known of values before they are computed: how small and how large they can be, if no nan comes in.

Read off the lines, one after another: a square is not below 0, 1 more than that not below 1, and its root neither.
"""

from __future__ import annotations

from math import exp, inf, isnan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import lines_writing
from ..program import Line, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Program

Range = tuple[float, float]
"""The least and the largest that the elements of a value can be."""

_ANY = (-inf, inf)


def ranges(program: Program) -> dict[int, Range]:
    """By value that one line makes, and nothing changes: its range. Other values can be anything."""
    writes = lines_writing(program)
    found: dict[int, Range] = {}
    inside: dict[int, Range] = {}  # by storage that is filled in several steps: what its latest line left there

    def known(x: Any) -> Range:
        if isinstance(x, (int, float)):
            return (float(x), float(x))
        if not isinstance(x, Value):
            return _ANY
        if x.storage.kind == "constant" and x.storage.array is not None and x.storage.array.dtype.kind in "fiub":
            a = x.storage.array
            return (float(a.min()), float(a.max())) if a.size else _ANY
        return inside.get(id(x.storage), found.get(id(x), _ANY)) if not x.view else found.get(id(x), _ANY)

    for line in program.lines:
        z = line.target
        if z is None:
            continue
        rule = _RULES.get(line.function)
        made: Range = _ANY
        if rule is not None and line.effect == "out" and not line.kwargs:
            same = line.function == "np.multiply" and line.args[0] is line.args[1]
            made = _square(known(line.args[0])) if same else rule(*map(known, line.args))
            if any(map(isnan, made)):
                made = _ANY
        if z.storage.kind != "buffer" or z.view:
            continue
        if len(writes[id(z.storage)]) == 1:
            found[id(z)] = made
        else:
            inside[id(z.storage)] = made
    return found


def _square(x: Range) -> Range:
    largest = max(x[0] * x[0], x[1] * x[1])
    return (0.0 if x[0] <= 0 <= x[1] else min(x[0] * x[0], x[1] * x[1]), largest)


def _product(x: Range, y: Range) -> Range:
    ends = [0.0 if 0 in (a, b) else a * b for a in x for b in y]
    return min(ends), max(ends)


def _quotient(x: Range, y: Range) -> Range:
    if y[0] <= 0 <= y[1]:
        return (0.0, inf) if x[0] >= 0 and y[0] >= 0 else _ANY
    return _product(x, _inverse(y))


def _inverse(y: Range) -> Range:
    if y[0] <= 0 <= y[1]:
        return (0.0, inf) if y[0] >= 0 else _ANY
    return 1 / y[1], 1 / y[0]


def _absolute(x: Range) -> Range:
    return (0.0 if x[0] <= 0 <= x[1] else min(abs(x[0]), abs(x[1])), max(abs(x[0]), abs(x[1])))


def _exp(x: Range) -> Range:
    return tuple(exp(a) if a < 700 else inf for a in x)  # type: ignore[return-value]


_RULES: dict[str, Callable[..., Range]] = {
    "np.add": lambda x, y: (x[0] + y[0], x[1] + y[1]),
    "np.subtract": lambda x, y: (x[0] - y[1], x[1] - y[0]),
    "np.multiply": _product,
    "np.true_divide": _quotient,
    "np.reciprocal": _inverse,
    "np.negative": lambda x: (-x[1], -x[0]),
    "np.square": _square,
    "np.absolute": _absolute,
    "np.sqrt": lambda x: (sqrt(max(x[0], 0.0)), sqrt(x[1]) if x[1] > 0 else 0.0),
    "np.exp": _exp,
    "np.tanh": lambda x: (-1.0, 1.0),
    "np.maximum": lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
    "np.minimum": lambda x, y: (min(x[0], y[0]), min(x[1], y[1])),
}


def drop_guards(program: Program) -> int:
    """Let ``x ÷ y`` and ``x · y`` be, where what they are cleared of needs a divisor of 0: how many guards that were.

    Of y it has to be known that it is not 0; of the factors, that no division by 0 went into them. What is kept out no
    longer then is a nan that came in from outside, or an overflow.
    """
    known = ranges(program)
    wild: set[int] = set()  # storages that may hold inf or nan though all that came in was finite
    guards: set[int] = set()  # storages of masks that keep out what is 0 anyway; others choose
    kept: list[Line] = []
    dropped = 0

    def tame(x: Any) -> bool:
        return not isinstance(x, Value) or id(x.storage) not in wild

    def nonzero(x: Any) -> bool:
        if not isinstance(x, Value):
            return bool(x)
        low, high = known.get(id(x), _ANY)
        tiny = float(np.finfo(x.dtype).tiny) if x.dtype.kind == "f" else 0.5
        return low >= tiny or high <= -tiny

    for line in program.lines:
        z = line.target
        masks = [id(v.storage) for v in line.read()]
        if line.function == "routine.clear" and z and id(z.storage) not in wild and masks[-1] in guards:
            dropped += 1
            continue
        kept.append(line)
        if z is None or line.effect == "view":
            continue
        asks = line.function == "np.not_equal" and _is_number(line.args[0]) and _is_zero(line.args[1])
        if asks or (line.function == "np.logical_and" and guards.issuperset(masks)):
            guards.add(id(z.storage))
        quotient = line.function in ("np.true_divide", "np.reciprocal")
        calm = all(map(tame, line.read())) and (line.function in _RULES or line.function in _CALM)
        if quotient and not nonzero(line.args[-1]):
            calm = False
        if line.function == "np.sqrt":
            low, _ = known.get(id(line.args[0]), _ANY)
            calm = calm and low >= 0
        if line.function == "routine.clear":
            calm = True
        if calm and not z.view:
            if line.effect == "out":
                wild.discard(id(z.storage))
        else:
            wild.add(id(z.storage))
    program.lines[:] = kept
    return dropped


def _is_number(x: Any) -> bool:
    return isinstance(x, Value) and x.dtype.kind == "f"


def _is_zero(x: Any) -> bool:
    if isinstance(x, Value):
        return x.storage.kind == "constant" and not np.any(x.storage.array)
    return not np.any(x)


_CALM = frozenset(
    ("np.dot", "np.matmul", "np.add.reduce", "np.copyto", "np.sin", "np.cos", "np.arctan", "np.where", "np.not_equal",
     "np.equal", "np.less", "np.greater", "np.less_equal", "np.greater_equal", "np.logical_and", "np.logical_or",
     "np.logical_not", "np.sign", "np.maximum.reduce", "np.minimum.reduce")
)  # fmt: skip
"""Other calls that make finite numbers of finite ones."""
