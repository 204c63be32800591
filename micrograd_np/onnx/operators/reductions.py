"""Reductions along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declared import DECLARED
from ..graph import Graph
from .arithmetic import choose, times
from .table import operator

_REDUCE = {f"primitive.{name}": onnx for name, onnx in DECLARED.items() if onnx.startswith("Reduce")} | {
    "np.add.reduce": "ReduceSum", "np.maximum.reduce": "ReduceMax", "np.minimum.reduce": "ReduceMin",
    "np.multiply.reduce": "ReduceProd", "np.sum": "ReduceSum",
}  # fmt: skip


@operator(*_REDUCE)
def _reduce(g: Graph, x: Any, axis: Any = None, *, keepdims: bool = False, **_: Any) -> str:
    onnx = _REDUCE[g.op.function]
    name = g.of(x, g.result.dtype if onnx in ("ReduceSum", "ReduceMean", "ReduceProd") else None)
    if axis == ():
        return name
    axes = None if axis is None else axis if isinstance(axis, tuple) else (axis,)
    inputs = [name] if axes is None else [name, g.sizes(axes)]
    return g.node(onnx, *inputs, keepdims=int(keepdims), hint=g.hint)


@operator("primitive.subtract_mean")
def _subtract_mean(g: Graph, x: Any, *, axis: Any) -> str:
    axes = axis if isinstance(axis, tuple) else (axis,)
    return g.node("Sub", g.of(x), g.node("ReduceMean", g.of(x), g.sizes(axes), keepdims=1), hint=g.hint)


@operator("primitive.var", "primitive.std")
def _var(g: Graph, x: Any, *, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> str:
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    lengths = g.shapes(x)
    if ddof:
        g.require_fixed(x, axes)
    centred = g.node("Sub", g.of(x), g.node("ReduceMean", g.of(x), g.sizes(axes), keepdims=1))
    spread = g.node("ReduceMean", g.node("Mul", centred, centred), g.sizes(axes), keepdims=int(keepdims))
    n = math.prod(lengths[a] for a in axes)
    spread = times(g, spread, n / (n - ddof)) if ddof else spread
    return g.node("Sqrt", spread) if g.op.function.endswith("std") else spread


@operator("primitive.logsumexp")
def _logsumexp(g: Graph, x: Any, *, axis: Any = None, keepdims: bool = False) -> str:
    axes = None if axis is None else axis if isinstance(axis, tuple) else (axis,)
    rest = [] if axes is None else [g.sizes(axes)]
    peak = g.node("ReduceMax", g.of(x), *rest, keepdims=1)  # the operator itself may overflow
    finite = choose(g, g.node("Less", g.node("Abs", peak), g.constant(np.inf)), peak, g.constant(0.0))
    total = g.node("ReduceSum", g.node("Exp", g.node("Sub", g.of(x), finite)), *rest, keepdims=1)
    result = g.node("Add", g.node("Log", total), finite)
    return result if keepdims else g.reshape(result, g.shapes(g.result))


def _flat(g: Graph, x: Any, name: str, axis: int | None) -> tuple[str, int, int]:
    """All elements in a row if `axis` is None: the name, the axis, and its length."""
    lengths = g.shapes(x)
    if axis is not None:
        return name, int(axis), lengths[axis]
    return g.reshape(name, [math.prod(lengths)]), 0, math.prod(lengths)


@operator("primitive.argmax", "primitive.argmin")
def _arg(g: Graph, x: Any, *, axis: Any = None, keepdims: bool = False) -> str:
    if axis is None and keepdims:
        raise g.refuse("of all elements with keepdims has no equivalent")
    name, axis, _ = _flat(g, x, g.of(x), axis)
    return g.node(g.declared, name, axis=axis, keepdims=int(keepdims), hint=g.hint)


@operator("primitive.argsort")
def _argsort(g: Graph, x: Any, *, axis: Any = -1, descending: bool = False) -> str:
    name, axis, length = _flat(g, x, g.of(x), axis)
    return str(
        g.node("TopK", name, g.sizes([length]), axis=axis, largest=int(descending), outputs=2)[1]
    )  # stable, as ours


@operator("primitive.any", "primitive.all")
def _any(g: Graph, x: Any, *, axis: Any = None, keepdims: bool = False) -> str:
    axes = None if axis is None else axis if isinstance(axis, tuple) else (axis,)
    onnx = "ReduceMax" if g.op.function.endswith("any") else "ReduceMin"
    return g.node(onnx, g.of(x, np.bool_), *([] if axes is None else [g.sizes(axes)]), keepdims=int(keepdims))


@operator("primitive.cumsum", "primitive.cumprod")
def _cumulative(g: Graph, x: Any, *, axis: Any = None) -> str:
    name, axis, _ = _flat(g, x, g.of(x, g.result.dtype), axis)
    onnx = "CumSum" if g.op.function.endswith("sum") else "CumProd"
    return g.node(onnx, name, g.constant(np.int64(axis)), hint=g.hint)
