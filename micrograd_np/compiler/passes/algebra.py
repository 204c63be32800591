"""Passes of ``mode="fast"``: algebra that is right on paper and may change the last bits.

Everything here replaces an operation by one that computes the same real number from the same operands: scalings that
follow one another become one, like terms are collected, a division by a constant becomes a product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Op, Value, constant
from ..operations import elementwise
from ..program import Program

_Term = tuple[float, Value]
"""A factor, and the value that it scales."""


def fold_scalings(program: Program) -> int:
    """Collect constant factors and like terms; how many operations changed. Dead ones are left to `drop_dead_ops`."""
    scaled: dict[Value, _Term] = {}
    changed = 0
    for op in program.ops:
        z = op.result
        if z is None or not elementwise(op) or z.dtype.kind != "f" or not z.shape:
            continue
        term = _as_scaling(op, scaled)
        if term is None:
            continue
        factor, x = term
        if x.shape != z.shape or x.dtype != z.dtype:
            continue
        if op.function != "np.multiply" or not any(a is x for a in op.args):
            op.function, op.call = "np.multiply", np.multiply
            changed += 1
        op.set_args((constant(np.array(factor, z.dtype)), x))
        scaled[z] = term
    return changed


def _as_scaling(op: Op, scaled: dict[Value, _Term]) -> _Term | None:
    """The operation as a factor times a value, looking through scalings before it; None if it is something else."""
    terms = [(scaled.get(x, (1.0, x)) if isinstance(x, Value) else None, _number(x)) for x in op.args]
    if op.function == "np.multiply":
        for (term, _), (_, c) in (terms, terms[::-1]):
            if c is not None and term is not None and _number(term[1]) is None:
                return c * term[0], term[1]
        return None
    if op.function in ("np.true_divide", "np.divide"):
        (term, _), (_, c) = terms
        if c and term is not None and _number(term[1]) is None:
            return term[0] / c, term[1]
        return None
    if op.function == "np.negative" and terms[0][0] is not None:
        factor, x = terms[0][0]
        return (-factor, x) if factor != 1.0 else None
    if op.function in ("np.add", "np.subtract") and terms[0][0] is not None and terms[1][0] is not None:
        (a, x), (b, y) = terms[0][0], terms[1][0]
        if x is y and (a, b) != (1.0, 1.0):
            return (a + b if op.function == "np.add" else a - b), x
    return None


def _number(x: Any) -> float | None:
    """The number that an operand always is; None if it is no constant number."""
    if isinstance(x, (int, float)):
        return float(x)
    return float(x.constant) if isinstance(x, Value) and x.shape == () and x.constant is not None else None
