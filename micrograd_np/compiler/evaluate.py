"""What an operation computes, on arrays: for folding constants, and for tests, which compare programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .ir import Op, Value, mapped, with_values
from .operations import writes_first
from .program import Program


def evaluate(op: Op, array_of: Callable[[Value], Any]) -> Any:
    """The array of the result, with memory of its own unless it is a view; `array_of` gives those of the operands."""
    args, kwargs = with_values(op.args, array_of), with_values(op.kwargs, array_of)
    z = op.result
    if z is None or op.effect == "view":
        return op.call(*args, **kwargs)
    if op.effect == "fresh":
        return np.asarray(op.call(*args, **kwargs))
    if op.effect == "new":
        if op.function == "empty":
            return allocated(z)
        return carry_out(op, args, kwargs, allocated(z))
    assert op.of is not None
    before = array_of(op.of.root)
    whole = np.empty_like(before) if before.flags.forc else np.ndarray(before.shape, before.dtype, strides=None)
    np.copyto(whole, before)
    carry_out(op, args, kwargs, _seen(op.of, whole, array_of))
    return whole


def carry_out(op: Op, args: Any, kwargs: dict[str, Any], out: Any) -> Any:
    """`out`, into which an operation has written its result, or the part of one that it updates."""
    call = op.call if op.bound is None else getattr(*op.bound)  # its method as it is now
    if op.effect == "fresh":
        out[...] = call(*args, **kwargs)
    elif op.effect == "update" and writes_first(op.function):
        call(out, *args, **kwargs)
    elif op.function == "copy":
        np.copyto(out, args[0], casting="unsafe")
    else:
        call(*args, **kwargs, out=out)
    return out


def allocated(v: Value) -> Any:
    """New memory for a value, laid out as it is."""
    if v.strides is None:
        return np.empty(v.shape, v.dtype)
    return np.ndarray(v.shape, v.dtype, np.empty(sum(v.reach), np.uint8), v.reach[0], v.strides)


def _seen(v: Value, whole: Any, array_of: Callable[[Value], Any]) -> Any:
    """The view `v`, of `whole` instead of its root."""
    if not v.is_view:
        return whole
    op, of = v.op, v.base
    assert op is not None
    return op.call(*with_values(op.args, lambda x: _seen(of, whole, array_of) if x is of else array_of(x)), **op.kwargs)


def run(program: Program, inputs: Sequence[Any], memory: dict[Any, Any] | None = None) -> tuple[Any, dict[Any, Any]]:
    """The results of a program without loops, and what its memory holds at the end, by `Memory`; nothing is written."""
    arrays: dict[Value, Any] = dict(zip(program.inputs, inputs, strict=True))

    def array_of(v: Value) -> Any:
        if v not in arrays:
            assert v.memory is not None
            arrays[v] = (memory or {}).get(v.memory, v.memory.array)
        return arrays[v]

    for op in program.ops:
        result = evaluate(op, array_of)
        if op.result is not None:
            arrays[op.result] = result
    return mapped(program.results, array_of), {m: array_of(v) for m, v in program.stores.items()}
