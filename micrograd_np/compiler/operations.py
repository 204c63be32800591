"""What passes, planning and writers ask about a kind of call: one table of all that is not said by its effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ir import Effect, Op, Value

ELEMENTWISE = frozenset(
    f"np.{name}"
    for name in vars(np)  # dir(np) would import what NumPy loads lazily, its testing tools among it
    if isinstance(getattr(np, name), np.ufunc) and getattr(np, name).signature is None
)
"""Calls that treat every element alike, so that a uniform operand may stand as one number."""

PRODUCTS = frozenset(("np.dot", "np.matmul", "np.vdot"))
"""Products of matrices, which round by the layout of their operands, and otherwise where these are one array."""

RESHAPES = frozenset(("np.reshape", "method.reshape"))
"""Calls that show the same elements in another shape, or copy them for that."""

TRANSPOSES = {"np.transpose": 1, "method.transpose": 1, "np.swapaxes": 2, "method.swapaxes": 2, "attribute.T": 0}
"""What moves axes, and how many arguments that takes at most."""

WRITES_FIRST = frozenset(
    ("setitem", "np.copyto", "np.add.at", "np.subtract.at", "np.put", "np.place", "np.put_along_axis", "method.fill")
)
"""Calls that write into their first argument; so do all routines. Other updates are given ``out``."""


_VIEWS = frozenset(("getitem", "part", "after", "method.view", *RESHAPES, *TRANSPOSES))
_SPACES = frozenset(("copy", "empty", "pack", "np.dot"))


def usual_effect(function: str) -> Effect:
    """What a call does that writes into nothing that exists, unless its operation says otherwise."""
    if function in _VIEWS:
        return "view"
    name = function.removeprefix("np.").removesuffix(".reduce").removesuffix(".accumulate")
    return "new" if function in _SPACES or isinstance(getattr(np, name, None), np.ufunc) else "fresh"


def elementwise(op: Op) -> bool:
    """Whether an operation computes each element of its result from the same elements of its operands.

    A power of one element by an array is none: how the two lie in memory decides which loop NumPy takes.
    """
    if op.effect != "new" or op.function not in ELEMENTWISE or op.kwargs:
        return False
    return (
        op.function != "np.power" or op.result is None or op.result.size > 1 or getattr(op.args[1], "shape", ()) == ()
    )


def writes_first(function: str) -> bool:
    """Whether an update by `function` takes what it writes into as its first argument, rather than as ``out``."""
    return function in WRITES_FIRST or function.startswith("routine.")


def axes_of(op: Op) -> tuple[int, ...] | None:
    """Where the axes of what a transpose gives come from; None if the operation is no transpose."""
    if op.function not in TRANSPOSES or op.kwargs or len(op.args) > TRANSPOSES[op.function] + 1:
        return None
    x, *args = op.args
    axes = list(range(len(x.shape)))
    if "swapaxes" in op.function:
        i, j = args
        axes[i], axes[j] = axes[j], axes[i]
        return tuple(axes)
    return tuple(axis % len(axes) for axis in args[0]) if args and args[0] is not None else tuple(axes[::-1])


def inverse(op: Op, source: Value) -> Op | None:
    """The view that undoes a view: of `source`, what the view was made of. None where the view shows a part only."""
    if op.function == "getitem":
        return None
    assert op.of is not None
    base, axes = op.of, axes_of(op)
    args: tuple[Any, ...]
    if op.function == "attribute.T":
        function, call, args = op.function, op.call, ()
    elif axes is not None:
        function, call = "method.transpose", np.ndarray.transpose
        args = (tuple(sorted(range(len(axes)), key=axes.__getitem__)),)
    elif op.function in RESHAPES and not op.kwargs:
        function, call, args = "method.reshape", np.ndarray.reshape, (base.shape,)
    elif op.function == "method.view" and op.result is not None and op.result.shape == base.shape:
        function, call, args = "method.view", np.ndarray.view, (base.dtype,)
    else:
        return None
    return Op(function, call, (source, *args), {}, Value(base.shape, base.dtype, label=base.label), "view", source)


def uniform(a: Any) -> bool:
    """Whether all elements of an array are one number, in sign too."""
    same = bool((a == a.flat[0]).all())
    return same and (a.dtype.kind != "f" or bool((np.signbit(a) == np.signbit(a.flat[0])).all()))
