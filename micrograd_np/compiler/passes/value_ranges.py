"""What is known of values before they are computed: how small and how large they can be, if no nan comes in.

Read off the operations, one after another: a square is not below 0, 1 more than that not below 1, and its root neither.
"""

from __future__ import annotations

from itertools import product
from math import inf
from typing import Any

import numpy as np

from ..ir import Op, Value
from ..operations import elementwise
from ..program import Program

Range = tuple[float, float]
"""The least and the largest that the elements of a value can be."""

_ANY = (-inf, inf)
_BETWEEN = frozenset(
    ("np.add", "np.subtract", "np.multiply", "np.true_divide", "np.reciprocal", "np.negative", "np.square",
     "np.absolute", "np.sqrt", "np.exp", "np.tanh", "np.maximum", "np.minimum")
)  # fmt: skip
"""Calls whose least and largest results are at the ends of their operands' ranges, or where an operand is 0."""
_CALM = _BETWEEN | frozenset(
    ("np.dot", "np.matmul", "np.add.reduce", "copy", "np.copyto", "np.sin", "np.cos", "np.arctan", "np.where",
     "np.not_equal", "np.equal", "np.less", "np.greater", "np.less_equal", "np.greater_equal", "np.logical_and",
     "np.logical_or", "np.logical_not", "np.sign", "np.maximum.reduce", "np.minimum.reduce")
)  # fmt: skip
"""Calls that make finite numbers of finite ones, unless they overflow."""


def ranges(program: Program) -> dict[Value, Range]:
    """By value that arithmetic computes: its range. Other values can be anything."""
    ranges: dict[Value, Range] = {}
    with np.errstate(all="ignore"):
        for op in program.ops:
            if op.result is not None and op.function in _BETWEEN and elementwise(op):
                points = [_points(_range(x, ranges)) for x in op.args]
                alike = len(points) == 2 and op.args[0] is op.args[1]
                results = [float(op.call(*xs)) for xs in (zip(*points, strict=True) if alike else product(*points))]
                results = [x for x in results if not np.isnan(x)]
                ranges[op.result] = (min(results), max(results)) if results else _ANY
    return ranges


def _range(x: Any, ranges: dict[Value, Range]) -> Range:
    if isinstance(x, (int, float)):
        return (float(x), float(x))
    if not isinstance(x, Value):
        return _ANY
    a = x.constant
    if a is not None and a.dtype.kind in "fiub" and a.size:
        return (float(a.min()), float(a.max()))
    return ranges.get(x, _ANY)


def _points(x: Range) -> tuple[float, ...]:
    """The ends of a range, and zero from both sides if that lies between them."""
    return (x[0], -0.0, 0.0, x[1]) if x[0] < 0 < x[1] else x


def drop_guards(program: Program) -> int:
    """Let ``x ÷ y`` and ``x · y`` be, where what they are cleared of needs a divisor of 0: how many guards that were.

    Of y it has to be known that it is not 0; of the factors, that no division by 0 went into them. What is kept out no
    longer then is a nan that came in from outside, or an overflow.
    """
    limits = ranges(program)
    wild: set[Value] = set()  # values that may hold inf or nan though all that came in was finite
    guards: set[Value] = set()  # masks that keep out what is 0 anyway; others choose
    gone: dict[Value, Value] = {}
    for op in program.ops:
        z = op.result
        if z is None:
            continue
        if op.function == "routine.clear" and op.of is not None:
            if op.of.root not in wild and not op.of.is_view and op.args[0].root in guards:
                gone[z] = op.of
            continue
        if op.effect == "view":
            continue
        if _asks_for_zero(op) or (op.function == "np.logical_and" and guards.issuperset(op.reads)):
            guards.add(z)
        if not _is_calm(op, wild, limits):
            wild.add(z)
    program.replace(gone)
    return len(gone)


def _asks_for_zero(op: Op) -> bool:
    """Whether an operation asks where a number is not 0."""
    if op.function != "np.not_equal" or not isinstance(op.args[0], Value) or op.args[0].dtype.kind != "f":
        return False
    zero = op.args[1].constant if isinstance(op.args[1], Value) else op.args[1]
    return zero is not None and not np.any(zero)


def _is_calm(op: Op, wild: set[Value], limits: dict[Value, Range]) -> bool:
    """Whether an operation makes finite numbers of finite ones."""
    if not wild.isdisjoint(v.root for v in op.reads) or op.function not in _CALM:
        return False
    if op.function in ("np.true_divide", "np.reciprocal"):
        return _is_nonzero(op.args[-1], limits)
    return op.function != "np.sqrt" or _range(op.args[0], limits)[0] >= 0


def _is_nonzero(x: Any, limits: dict[Value, Range]) -> bool:
    if not isinstance(x, Value):
        return bool(x)
    low, high = _range(x, limits)
    tiny = float(np.finfo(x.dtype).tiny) if x.dtype.kind == "f" else 0.5
    return low >= tiny or high <= -tiny
