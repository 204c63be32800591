"""What is the same in every call is computed once, and stands as a number where it is one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..evaluate import evaluate
from ..ir import Op, Value, constant
from ..operations import ELEMENTWISE, elementwise, uniform
from ..program import Program

_SHORT, _LONG = 1024, 1 << 24  # bytes of an array between which a bound is worth an array of its own
_NUMBERS = frozenset((int, float))
_BOUNDING = ("np.maximum", "np.minimum")


def fold_constants(program: Program, *, bounds: bool = True) -> int:
    """Compute once what depends on nothing that changes: seeds, counts, index ranges, and views of them."""
    arrays: dict[Value, Any] = {}
    folded: set[Op] = set()

    def array_of(v: Value) -> Any:
        return arrays.get(v, v.constant)

    with np.errstate(all="ignore"):
        for op in program.ops:
            for v in op.reads:
                if v not in arrays and (v.memory is None or v.constant is None):
                    break
            else:
                if op.result is not None and not op.must_run and op.effect != "loop":
                    arrays[op.result] = evaluate(op, array_of)
                    folded.add(op)
    for op in reversed(program.ops):  # what an update writes into has to be made in each call
        of = op.of if op.effect == "update" and op not in folded else None
        while of is not None and of.op in folded:
            folded.remove(of.op)
            of = of.op.of
    program.replace({op.result: constant(arrays[op.result]) for op in folded if op.result is not None})
    _drop_full_masks(program)
    _uniform_to_numbers(program, bounds=bounds)
    return len(folded)


def _drop_full_masks(program: Program) -> None:
    """Drop what would clear what a constant mask keeps out, which is nothing."""
    gone: dict[Value, Value] = {}
    for op in [op for op in program.ops if op.function == "routine.clear"]:
        if op.result is not None and op.of is not None and not op.of.is_view:
            keep = op.args[0].constant
            if keep is not None and bool(keep.all()):
                gone[op.result] = op.of
    program.replace(gone)


def _uniform_to_numbers(program: Program, *, bounds: bool) -> None:
    """An operand all of whose elements are equal becomes a 0-d array where broadcasting does the rest.

    With `bounds`, not where it is a bound.
    """

    @cache
    def number(v: Value) -> Value | None:
        a = v.constant
        return constant(np.array(a.flat[0], a.dtype)) if a.size and uniform(a) else None

    for op in [op for op in program.ops if op.function in ELEMENTWISE]:
        if op.result is None or op.function == "np.power" or (bounds and op.function in _BOUNDING):
            continue  # other loops, other last bits
        sources = [(i, v) for i, v in enumerate(op.args) if type(v) is Value and v.memory is not None]
        whole = [i for i, v in sources if v.shape and v.constant is not None]
        if not whole:
            continue
        args = list(op.args)
        shapes = [v.shape if isinstance(v, Value) else () for v in args]
        for i in whole:
            v = args[i]
            rest = [shape for j, shape in enumerate(shapes) if j != i]
            if rest and np.broadcast_shapes(*rest) == op.result.shape and (x := number(v)) is not None:
                args[i], shapes[i] = x, ()
        op.set_args(tuple(args))


def numbers_to_arrays(program: Program) -> int:
    """Bare numbers beside an array become 0-d arrays of its type, for which NumPy takes half the time, bit for bit."""
    constants: dict[tuple[Any, Any], Value] = {}
    count = 0
    for op in [op for op in program.ops if op.function in ELEMENTWISE]:
        if _NUMBERS.isdisjoint(map(type, op.args)) or op.function == "np.power" or op.result is None:
            continue
        dtypes = {v.dtype for v in op.args if isinstance(v, Value)}
        if len(dtypes) != 1:
            continue
        (dtype,) = dtypes
        args = list(op.args)
        for i, x in enumerate(args):
            if type(x) in _NUMBERS and dtype.kind == "f":
                key = (repr(x), dtype)
                if key not in constants:
                    constants[key] = constant(np.array(x, dtype))
                args[i] = constants[key]
                count += 1
        op.set_args(tuple(args))
    return count


def spread_bounds(program: Program) -> int:
    """Numbers that arrays are compared with become arrays: NumPy's maximum of two arrays takes a third of the time."""
    constants: dict[Any, Value] = {}
    count = 0
    for op in program.ops:
        z = op.result
        if op.function not in _BOUNDING or not elementwise(op) or z is None or len(op.args) != 2:
            continue
        x, bound = op.args
        if not isinstance(x, Value) or not isinstance(bound, Value) or x.shape != z.shape or z.strides is not None:
            continue
        if bound.shape != () or bound.constant is None or bound.dtype != x.dtype or x.is_view:
            continue
        number = bound.constant
        if not _SHORT < z.nbytes <= _LONG or number == 0 or not np.isfinite(number):
            continue  # which of two zeros is the larger may depend on how many there are
        key = number.tobytes(), z.shape, z.dtype
        if key not in constants:
            constants[key] = constant(np.full(z.shape, number, z.dtype))
            constants[key].label.hint = "bounds"
        op.set_args((x, constants[key]))
        count += 1
    return count
