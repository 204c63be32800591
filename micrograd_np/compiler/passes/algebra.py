"""Passes of ``mode="fast"``: algebra that is right on paper and may change the last bits.

Everything here replaces a line by one that computes the same real number from the same operands: scalings that follow
one another become one, like terms are collected, a division by a constant becomes a product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..dataflow import lines_writing
from ..program import Line, Storage, Value

if TYPE_CHECKING:
    from ..program import Program


def fold_scalings(program: Program) -> int:
    """Collect constant factors and like terms; how many lines changed. Dead lines are left for `drop_dead_lines`."""
    writes = {key: len(lines) for key, lines in lines_writing(program).items()}
    scaled: dict[int, tuple[float, Value]] = {}  # by value: the factor and what it scales
    changed = 0
    for line in program.lines:
        v = line.target
        if v is None or line.effect != "out" or line.kwargs or v.dtype.kind != "f":
            continue
        found = _as_scaling(line, scaled)
        if found is None:
            continue
        factor, x = found
        if (
            writes.get(id(x.storage), 0) > (x.storage.kind in ("buffer", "fresh"))  # beyond the one that makes it
            or x.view
            or x.shape != v.shape
            or x.dtype != v.dtype
        ):
            continue  # what is scaled may have changed by the time the product is wanted
        if line.function != "np.multiply" or not any(a is x for a in line.args):
            line.function, line.call = "np.multiply", np.multiply
            changed += 1
        constant = Value(Storage("constant", np.array(factor, v.dtype)), (), v.dtype)
        line.args = (constant, x)
        if writes.get(id(v.storage), 0) == 1 and not v.view:
            scaled[id(v)] = (factor, x)
    return changed


def _as_scaling(line: Line, scaled: dict[int, tuple[float, Value]]) -> tuple[float, Value] | None:
    """The line as a factor times a value, looking through scalings before it; None if it is something else."""
    args = line.args
    terms = [(scaled.get(id(x), (1.0, x)) if isinstance(x, Value) else None, _constant(x)) for x in args]
    if line.function == "np.multiply":
        for (term, _), (_, c) in (terms, terms[::-1]):
            if c is not None and term is not None and _constant(term[1]) is None:
                return c * term[0], term[1]
        return None
    if line.function in ("np.true_divide", "np.divide"):
        (term, _), (_, c) = terms
        if c and term is not None and _constant(term[1]) is None:
            return term[0] / c, term[1]
        return None
    if line.function == "np.negative" and terms[0][0] is not None:
        factor, x = terms[0][0]
        return (-factor, x) if factor != 1.0 else None
    if line.function in ("np.add", "np.subtract") and terms[0][0] is not None and terms[1][0] is not None:
        (a, x), (b, y) = terms[0][0], terms[1][0]
        if x is y and (a, b) != (1.0, 1.0):
            return (a + b if line.function == "np.add" else a - b), x
    return None


def _constant(x: object) -> float | None:
    """The number that an operand always is; None if it is no constant number."""
    if isinstance(x, (int, float)):
        return float(x)
    if isinstance(x, Value) and x.storage.kind == "constant" and x.shape == () and x.storage.array is not None:
        return float(x.storage.array)
    return None
