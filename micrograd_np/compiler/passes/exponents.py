"""The sign of what goes into an exponential is changed where it is small."""

from __future__ import annotations

import numpy as np

from ..ir import Op, Value
from ..operations import elementwise
from ..program import Program


def negate_what_is_small(program: Program) -> int:
    """exp(−(x + b)) as exp((−b) − x), where b is smaller than x: one pass over the large array instead of two.

    Rounding is symmetric, so only the sign of a zero can differ, and exp does not see it.
    """
    negations = [op for op in program.ops if op.function == "np.negative" and elementwise(op)]
    if not negations:
        return 0
    uses, needed = program.uses(), set(program.needed())
    done = 0
    for op in negations:
        (t,), z = op.args, op.result
        total = t.op if isinstance(t, Value) else None
        if z is None or total is None or z in needed or t in needed or uses[t] != [op]:
            continue
        readers = uses.get(z, [])
        if not _is_sum_of_unequal(total) or len(readers) != 1 or readers[0].function != "np.exp":
            continue
        if not elementwise(readers[0]):
            continue
        x, b = sorted(total.args, key=lambda v: -v.nbytes)
        negated = Value(b.shape, b.dtype)
        negated.label.hint = "negated"
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
