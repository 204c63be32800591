"""What kernels do for speed, said as one says it by hand: masks of bits become ``np.where``, copies and detours go."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Op, Value, constant
from ..operations import ELEMENTWISE, RESHAPES, axes_of
from ..program import Program


def respell(program: Program) -> None:
    """Change operations in place; the numbers stay the same, and the work may grow."""
    choose(program)
    _drop_copies(program)
    _merge_views(program)


def choose(program: Program) -> None:
    """What is cleared, masked by bits, or computed only where a condition holds, is a choice."""
    replaced: dict[Value, Value] = {}
    ops: list[Op] = []
    for op in program.ops:
        *computed, z = _choice(op) or [None]
        if z is not None and op.result is not None:
            replaced[op.result] = z
        for one in computed:
            one.section, one.where = op.section, op.where
        ops += [*computed, op]
    program.ops[:] = ops
    program.replace(replaced)


def _choice(op: Op) -> list[Any] | None:
    """The operations that say it by hand, and the value that they give; None if there is nothing to say otherwise."""
    z = op.result
    if z is None:
        return None
    if op.function == "routine.clear" and op.of is not None and not op.of.is_view:
        return _where(z, op.args[0], op.of, 0)
    if op.effect == "update" and op.function in ELEMENTWISE and set(op.kwargs) == {"where"}:
        if op.of is None or op.of.is_view:
            return None
        computed = Value(z.shape, z.dtype)
        return [Op(op.function, op.call, op.args, {}, computed, "new"), *_where(z, op.kwargs["where"], computed, op.of)]
    if op.function != "method.view" or op.effect != "view" or op.of is None or op.of.op is None:
        return None
    bits = op.of.op
    x = _viewed(bits.args[0]) if bits.function == "np.bitwise_and" and bits.effect == "new" else None
    if x is None or x.dtype != z.dtype or x.dtype.kind != "f" or not isinstance(bits.args[1], Value):
        return None
    mask = _condition(bits.args[1])
    if mask is None:
        return None
    condition, keeps = mask
    if condition is None:  # it holds everywhere
        return [x]
    return _where(z, condition, x, 0) if keeps else _where(z, condition, 0, x)


def _where(z: Value, condition: Any, x: Any, y: Any) -> list[Any]:
    chosen = Value(z.shape, z.dtype, z.root.strides if z.root.shape == z.shape else None, z.label)
    return [Op("np.where", np.where, (condition, x, y), {}, chosen, "new"), chosen]


def _viewed(v: Any) -> Value | None:
    """The array of which `v` is a view as another type."""
    if not isinstance(v, Value) or not v.is_view or v.op is None or v.op.function != "method.view":
        return None
    return v.op.of if v.op.of is not None and v.op.of.shape == v.shape else None


def _condition(mask: Value) -> tuple[Value | None, bool] | None:
    """(condition, whether its elements are kept) of a mask of bits; no condition where all are; None if unknown."""
    a = mask.constant
    if a is not None:
        if (a == -1).all():
            return None, True
        return (constant(a != 0), True) if np.isin(a, (0, -1)).all() else None
    op = mask.op
    if op is None or op.effect != "new":
        return None
    if op.function == "np.invert":
        inner = _condition(op.args[0])
        return None if inner is None or inner[0] is None else (inner[0], not inner[1])
    keeps = op.function == "np.negative"
    if not keeps and (op.function != "np.subtract" or not _is_one(op.args[1])):
        return None
    condition = _viewed(op.args[0])
    return None if condition is None or condition.dtype != np.bool_ else (condition, keeps)


def _is_one(x: Any) -> bool:
    return bool(x.constant is not None and x.shape == () and x.constant == 1) if isinstance(x, Value) else bool(x == 1)


def _drop_copies(program: Program) -> None:
    """A copy that nobody writes into is what it was made of."""
    updated = {op.of.root for op in program.ops if op.effect == "update" and op.of is not None}
    replaced: dict[Value, Value] = {}
    for op in program.ops:
        z, x = op.result, op.args[0] if op.args else None
        if op.function != "copy" or op.must_run or z is None or z in updated or not isinstance(x, Value):
            continue
        if (x.shape, x.dtype) == (z.shape, z.dtype):
            if x.root.op is not None and not x.label.name and (z.label.name or x.op is None or x.op.effect == "fresh"):
                x.label = z.label
            if x.root.op is not None or not z.label.name:
                replaced[z] = x
    program.replace(replaced)


def _merge_views(program: Program) -> None:
    """A reshape of a reshape is one reshape, and a transpose of a transpose one transpose, or nothing at all."""
    replaced: dict[Value, Value] = {}
    for op in program.ops:
        op.substitute(replaced)
        if op.effect == "view" and op.result is not None and _merged(op):
            assert op.of is not None
            op.of.label.name = op.of.label.name or op.result.label.name
            replaced[op.result] = op.of
    program.replace(replaced)


def _merged(op: Op) -> bool:
    """Let a view be made of what its source is a view of, where one step will do; whether no step is left."""
    x, axes = op.of, axes_of(op)
    assert x is not None
    assert op.result is not None
    shape, before = op.result.shape, x.op if x.is_view else None
    if axes is not None and len(axes) > 2 and _moves_nothing(axes, x.shape):
        _remake(op, "method.reshape", x, shape)
        axes = None
    if op.function in RESHAPES and not op.kwargs:
        if before is not None and before.function in RESHAPES and not before.kwargs and before.of is not None:
            _remake(op, "method.reshape", before.of, shape)
        return op.of is not None and op.of.shape == shape
    first = None if before is None else axes_of(before)
    if axes is not None and first is not None and before is not None and before.of is not None:
        axes = tuple(first[axis] for axis in axes)
        _remake(op, "method.transpose", before.of, axes)
    return axes is not None and axes == tuple(range(len(axes)))


def _remake(op: Op, function: str, of: Value, argument: Any) -> None:
    op.function, op.call = function, getattr(np.ndarray, function.removeprefix("method."))
    op.of, op.kwargs = of, {}
    op.set_args((of, argument))


def _moves_nothing(axes: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a transpose moves axes of length 1 only."""
    long = [axis for axis in axes if shape[axis] != 1]
    return long == sorted(long)
