"""Negations that need not be computed: a sum takes the other sign as a difference, a product hands it on.

x + (−y) is x − y, (−x) · y is −(x · y) and −(−x) is x in every bit (but the sign of a nan, which means nothing). Those
that remain before an exponential are done where it is least work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Label, Op, Value
from ..operations import elementwise
from ..program import Program

_PRODUCTS = ("np.multiply", "np.true_divide")


def absorb_signs(program: Program) -> int:
    """Drop negations whose readers can all take the other sign; how many operations that saved."""
    negations = [op for op in program.ops if op.function == "np.negative"]
    if not negations:
        return 0
    uses, needed = program.uses(), set(program.needed())
    gone: set[Op] = set()
    for op in negations:
        if op not in gone and _is_arithmetic(op, needed):
            gone |= _absorbed(op, uses, needed, gone)
    program.ops[:] = [op for op in program.ops if op not in gone]
    return len(gone)


def _is_arithmetic(op: Op, needed: set[Value]) -> bool:
    """Whether an operation computes numbers, and nothing that leaves."""
    z = op.result
    return (
        z is not None
        and elementwise(op)
        and op.unit is None
        and z.dtype.kind in "fc"  # integers wrap
        and z not in needed
    )


def _absorbed(negation: Op, uses: dict[Value, list[Op]], needed: set[Value], gone: set[Op]) -> set[Op]:
    """Change whoever reads a negation, if all can do without it: the operations that go."""
    opposite: dict[Value | None, Any] = {negation.result: negation.args[0]}  # by value: what will hold its negative
    changes: dict[Op, tuple[str, tuple[Any, ...]]] = {}
    same: dict[Op, Value] = {}  # by second negation: what it gives
    waiting: list[Any] = [negation.result] * isinstance(negation.args[0], Value)
    for v in waiting:
        minus = opposite[v]
        for op in uses.get(v, ()):
            z, others = op.result, [x for x in op.args if x is not v]
            if op in gone or not elementwise(op) or op.unit is not None or z is None:
                return set()
            if len(others) != len(op.args) - 1 or any(x in opposite for x in others):
                return set()
            if op.function == "np.add":
                changes[op] = "np.subtract", (others[0], minus)
            elif op.function == "np.subtract" and op.args[1] is v:
                changes[op] = "np.add", (others[0], minus)
            elif z.label.name or not _is_arithmetic(op, needed):
                return set()
            elif op.function == "np.negative":
                same[op] = minus
            elif op.function in _PRODUCTS:
                changes[op] = op.function, tuple(minus if x is v else x for x in op.args)
                hint = z.label.hint
                label = Label("", ("minus_d", hint[1])) if isinstance(hint, tuple) and hint[0] == "d" else z.label
                opposite[z] = Value(z.shape, z.dtype, z.strides, label)
                waiting.append(z)
            else:
                return set()
    for op, (function, args) in changes.items():
        op.function, op.call = function, getattr(np, function.removeprefix("np."))
        op.set_args(args)
        if op.result in opposite:
            op.result = opposite[op.result]
            op.result.op = op
        for v in op.reads:
            if op not in uses.setdefault(v, []):
                uses[v].append(op)
    for second, v in same.items():
        assert second.result is not None
        for op in uses.get(second.result, ()):
            op.substitute({second.result: v})
            uses.setdefault(v, []).append(op)
    return {negation, *same} if waiting else set()


def negate_what_is_small(program: Program) -> int:
    """exp(−(x + b)) as exp((−b) − x), where b is smaller than x: one pass over the large array instead of two.

    Rounding is symmetric, so only the sign of a zero can differ, and exp does not see it.
    """
    sums = {}  # by negation of a sum: the sum
    for op in program.ops:
        if op.function == "np.negative" and elementwise(op):
            total = getattr(op.args[0], "op", None)
            if total is not None and _is_sum_of_unequal(total):
                sums[op] = total
    if not sums:
        return 0
    uses, needed = program.uses(), set(program.needed())
    done = 0
    for op, total in sums.items():
        (t,), z = op.args, op.result
        if z is None or z in needed or t in needed or uses.get(t) != [op]:
            continue
        readers = uses.get(z, [])
        if len(readers) != 1 or readers[0].function != "np.exp" or not elementwise(readers[0]):
            continue
        x, b = sorted(total.args, key=lambda v: -v.nbytes)
        negated = Value(b.shape, b.dtype, label=Label("", "negated"))
        new = Op("np.negative", np.negative, (b,), {}, negated, "new", None, op.section, total.where)
        program.ops[program.ops.index(total)] = new
        op.function, op.call = "np.subtract", np.subtract
        op.set_args((negated, x))
        done += 1
    return done


def _is_sum_of_unequal(op: Op) -> bool:
    """Whether an operation adds two values, one of which is broadcast."""
    return (
        op.function == "np.add"
        and elementwise(op)
        and op.result is not None
        and all(isinstance(v, Value) for v in op.args)
        and len({v.dtype for v in op.args}) == 1
        and len({v.nbytes for v in op.args}) == 2
        and any(v.shape == op.result.shape for v in op.args)
    )
