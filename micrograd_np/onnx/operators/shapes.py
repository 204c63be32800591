"""Shapes, parts and places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from micrograd_np.compiler.ir import Value
from micrograd_np.compiler.operations import axes_of
from micrograd_np.ops.index import HOLE

from ..graph import Graph
from ..sizes import Size
from .table import operator


@operator("primitive.reshape", "np.reshape", "method.reshape")
def _reshape(g: Graph, x: Any, *arguments: Any, **settings: Any) -> str:
    shape = g.shapes(g.result)
    return g.names[x] if shape == g.shapes(x) else g.reshape(g.of(x), shape, g.hint)


@operator("primitive.transpose")
def _transpose(g: Graph, x: Any, *, axes: Any = None) -> str:
    order = range(len(x.shape))[::-1] if axes is None else [a % len(x.shape) for a in axes]
    return g.node("Transpose", g.of(x), perm=list(order), hint=g.hint)


@operator("np.transpose", "method.transpose", "np.swapaxes", "method.swapaxes", "attribute.T")
def _moved(g: Graph, x: Any, *_: Any) -> str:
    order = axes_of(g.op)
    assert order is not None
    return g.node("Transpose", g.of(x), perm=list(order))


@operator("primitive.broadcast_to", "np.broadcast_to")
def _broadcast_to(g: Graph, x: Any, *_: Any, **__: Any) -> str:
    return g.node("Expand", g.of(x), g.sizes(g.shapes(g.result)), hint=g.hint)


@operator("primitive.concatenate")
def _concatenate(g: Graph, *xs: Any, axis: int = 0) -> str:
    return g.node("Concat", *(g.of(x, g.result.dtype) for x in xs), axis=int(axis), hint=g.hint)


@operator("np.concatenate")
def _joined(g: Graph, xs: Any, axis: int = 0) -> str:
    return _concatenate(g, *xs, axis=axis)


@operator("primitive._pad")
def _pad(g: Graph, x: Any, *, widths: Any, value: Any) -> str:
    ends = [low for low, _ in widths] + [high for _, high in widths]
    return g.node("Pad", g.of(x), g.sizes(ends), g.constant(value, x.dtype), hint=g.hint)


@operator("primitive.view", "getitem")
def _view(g: Graph, x: Any, *arguments: Any, index: Any = None) -> str:
    """Slices, then positions, then new axes."""
    index = arguments[0] if arguments else index
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(not (p is None or p is ... or isinstance(p, (slice, int, np.integer))) for p in parts):
        return _gather(g, x, *[p for p in parts if isinstance(p, Value)], index=tuple(
            HOLE if isinstance(p, Value) else p for p in parts))  # fmt: skip
    parts = _spread(parts, len(x.shape))
    slices, positions, axis, new = [], [], 0, []
    kept = 0
    for part in parts:
        if part is None:
            new.append(kept)
            kept += 1
            continue
        if isinstance(part, slice):
            slices.append((axis, part))
            kept += 1
        else:
            slices.append((axis, slice(part, part + 1 if part != -1 else None)))
            positions.append(axis)
        axis += 1
    name = g.slice(g.of(x), slices)
    name = g.axes(name, positions, "Squeeze")
    return g.axes(name, new, "Unsqueeze")


def _spread(parts: list[Any], ndim: int) -> list[Any]:
    """An index with its ellipsis written out."""
    missing = ndim - sum(p is not None and p is not ... for p in parts)
    if ... not in parts:
        return [*parts, *[slice(None)] * missing]
    at = next(i for i, p in enumerate(parts) if p is ...)
    return [*parts[:at], *[slice(None)] * missing, *parts[at + 1 :]]


@operator("primitive.gather")
def _gather(g: Graph, x: Any, *indices: Any, index: Any) -> str:
    """Rows of one axis, or several axes at the front at once."""
    at = _holes(g, index, indices, len(x.shape))
    if len(at) == 1:
        return g.node("Gather", g.of(x), g.of(indices[0], np.int64), axis=at[0], hint=g.hint)
    shape = g.shapes(g.result)[: len(g.result.shape) - (len(x.shape) - len(at))]
    return g.node("GatherND", g.of(x), _piled(g, at, indices, shape), hint=g.hint)


@operator("primitive.scatter_add")
def _scatter_add(g: Graph, x: Any, *indices: Any, index: Any, shape: Any) -> str:
    at = _holes(g, index, indices, len(shape))
    places = _piled(g, at, indices, g.shapes(x)[: len(x.shape) - (len(shape) - len(at))])
    zeros = g.node("Expand", g.constant(0, x.dtype), g.sizes(shape))
    return g.node("ScatterND", zeros, places, g.of(x), reduction="add", hint=g.hint)


@operator("primitive.segment_sum")
def _segment_sum(g: Graph, x: Any, indices: Any, *, count: int) -> str:
    return _scatter_add(g, x, indices, index=HOLE, shape=(count, g.shapes(x)[-1]))


def _holes(g: Graph, index: Any, indices: Any, ndim: int) -> list[int]:
    """The axes on which an index has arrays; OnnxError for an index of another kind."""
    parts = _spread(list(index) if isinstance(index, tuple) else [index], ndim)
    if any(p is not HOLE and p != slice(None) for p in parts):
        raise g.refuse("with arrays and other parts in one index has no equivalent; take the parts one after another")
    if any(getattr(i, "dtype", np.dtype(int)).kind == "b" for i in indices):
        raise g.refuse("with a mask has no equivalent; choose with mg.where")
    return [i for i, p in enumerate(parts) if p is HOLE]


def _piled(g: Graph, at: list[int], indices: Any, shape: Any) -> str:
    """The positions on the first axes, as rows."""
    if at != list(range(len(at))):
        raise g.refuse("with arrays in places that are not the first has no equivalent; transpose before")
    names = (g.node("Expand", g.of(i, np.int64), g.sizes(shape)) for i in indices)
    return str(g.node("Concat", *(g.axes(name, [-1], "Unsqueeze") for name in names), axis=-1))


@operator("primitive.take_along_axis", "np.take_along_axis")
def _take_along_axis(g: Graph, x: Any, indices: Any, *, axis: int = -1) -> str:
    """GatherElements, whose operands do not broadcast."""
    lengths, axis = g.shapes(g.result), int(axis) % len(g.result.shape)
    names = [g.of(x), g.of(indices, np.int64)]
    for i, (v, n) in enumerate(((x, g.shapes(x)[axis]), (indices, lengths[axis]))):
        shape = (*lengths[:axis], n, *lengths[axis + 1 :])
        if tuple(v.shape) != tuple(map(int, shape)):
            names[i] = g.node("Expand", names[i], g.sizes(shape))
    return g.node("GatherElements", *names, axis=axis, hint=g.hint)


@operator("primitive.embedding_lookup")
def _embedding(g: Graph, weight: Any, indices: Any, **_: Any) -> str:
    return g.node("Gather", g.of(weight), g.of(indices, np.int64), axis=0, hint=g.hint)


@operator("np.arange")
def _arange(g: Graph, *limits: Any, dtype: Any = None) -> str:
    if not any(isinstance(limit, Size) for limit in limits):
        return g.constant(np.arange(*limits), g.result.dtype)
    start, stop, step = (*((0, *limits) if len(limits) == 1 else limits), 1)[:3]
    ends = [g.of(limit, np.int64) for limit in (start, stop, step)]
    return g.cast(g.node("Range", *ends), g.result.dtype)


@operator("primitive.one_hot")
def _one_hot(g: Graph, x: Any, *, num_classes: int, dtype: Any = np.int64) -> str:
    numbers = g.constant(np.arange(num_classes))
    return g.cast(g.node("Equal", g.axes(g.of(x, np.int64), [-1], "Unsqueeze"), numbers), dtype)


@operator("primitive.tril", "primitive.triu")
def _triangle(g: Graph, x: Any, *, k: int = 0) -> str:
    return g.node("Trilu", g.of(x), g.constant(np.int64(k)), upper=int(g.op.function.endswith("triu")), hint=g.hint)


@operator("primitive.replace")
def _replace(g: Graph, x: Any, value: Any, *indices: Any, index: Any) -> str:
    if indices:
        raise g.refuse("of elements at arrays of indices has no equivalent")
    return _with(g, x, index, value)


@operator("routine.clear")
def _clear(g: Graph, keep: Any) -> str:
    return g.node("Where", g.of(keep, np.bool_), g.of(g.result.base), g.constant(0, g.result.base.dtype))


@operator("setitem")
def _setitem(g: Graph, index: Any, value: Any) -> str:
    return _with(g, g.result.base, index, value)


def _with(g: Graph, x: Value, index: Any, value: Any) -> str:
    """`x` with `value` at a basic index: by the numbers of these elements in a row of all."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(x.shape) == len(parts) == 1 and isinstance(parts[0], Value) and parts[0].dtype.kind in "iu":
        spread = g.node("Expand", g.of(value, x.dtype), g.sizes(g.shapes(parts[0])))
        places = [g.reshape(name, [-1]) for name in (g.of(parts[0], np.int64), spread)]
        return g.node("ScatterElements", g.of(x), *places, axis=0, hint=g.hint)
    if any(isinstance(part, (Value, np.ndarray, Size)) for part in parts):
        raise g.refuse("at places that are not the same in each call has no equivalent")
    g.require_fixed(g.result, range(len(x.shape)))
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)[index]
    spread = g.node("Expand", g.of(value, x.dtype), g.sizes(numbers.shape))
    flat = [g.reshape(g.of(x), [-1]), g.constant(numbers.ravel()), g.reshape(spread, [-1])]
    return g.reshape(g.node("ScatterElements", *flat, axis=0), x.shape, g.hint)
