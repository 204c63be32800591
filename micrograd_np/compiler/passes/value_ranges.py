"""What is known of values before they are computed: how small and how large they can be, if no nan comes in.

Read off the operations, one after another: a square is not below 0, 1 more than that not below 1, and its root neither.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, isnan, sqrt
from typing import Any

import numpy as np

from ..ir import Op, Value
from ..operations import elementwise
from ..program import Program

Range = tuple[float, float]
"""The least and the largest that the elements of a value can be."""

_ANY = (-inf, inf)


def ranges(program: Program) -> dict[Value, Range]:
    """By value that arithmetic computes: its range. Other values can be anything."""
    ranges: dict[Value, Range] = {}
    for op in program.ops:
        if op.result is None or op.function not in _RULES or not elementwise(op):
            continue
        operands = [_range(x, ranges) for x in op.args]
        square = op.function == "np.multiply" and op.args[0] is op.args[1]
        result = _square(operands[0]) if square else _RULES[op.function](*operands)
        if not any(map(isnan, result)):
            ranges[op.result] = result
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
    program.ops[:] = [op for op in program.ops if op.result not in gone]
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
    if not wild.isdisjoint(v.root for v in op.reads) or not (op.function in _RULES or op.function in _CALM):
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


_CALM = frozenset(
    ("np.dot", "np.matmul", "np.add.reduce", "copy", "np.copyto", "np.sin", "np.cos", "np.arctan", "np.where",
     "np.not_equal", "np.equal", "np.less", "np.greater", "np.less_equal", "np.greater_equal", "np.logical_and",
     "np.logical_or", "np.logical_not", "np.sign", "np.maximum.reduce", "np.minimum.reduce")
)  # fmt: skip
"""Other calls that make finite numbers of finite ones."""
