"""What the table of PyTorch's functions says in more than one expression; tensors have this package's meanings."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex
from micrograd_np.functional.normalization import affine, standardized
from micrograd_np.ops.axes import along, axes_of, axis_of
from micrograd_np.ops.fused.scipy_special import scipys
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.state import astype

from .dtypes import result_type
from .results import Pair
from .tensor import as_torch, common, floating, wrapped


def _axes(dim: Any) -> Any:
    """PyTorch's dims, of which none means all."""
    return None if dim is None or dim in ((), []) else tuple(dim) if isinstance(dim, list) else dim


def _listed(numbers: Any) -> tuple[Any, ...]:
    """Numbers that are passed one by one, or as one tuple or list."""
    return tuple(numbers[0]) if len(numbers) == 1 and np.ndim(numbers[0]) else tuple(numbers)


def _tensors(xs: Any) -> tuple[Any, ...]:
    """Tensors that are passed one by one, or as one list."""
    return tuple(xs[0]) if len(xs) == 1 and isinstance(xs[0], (tuple, list)) else xs


def _many(name: str, f: Any) -> Callable[..., Any]:
    """``f(input, numbers)`` for numbers that are passed one by one, as one tuple, or as the keyword `name`."""

    def call(input: Any, *numbers: Any, **settings: Any) -> Any:
        return f(input, _listed((settings.pop(name),) if name in settings else numbers), **settings)

    return call


def _constant(array: Any, dtype: Any = None) -> Any:
    """A tensor of what NumPy has computed, without a gradient."""
    return wrapped(np.asarray(array) if dtype is None else np.asarray(array).astype(dtype))


def _array(x: Any) -> Any:
    """The values of a tensor, for what has no gradient."""
    if isinstance(x, mg.Tensor):
        x._exported("a function without a gradient")
        return x.data
    return np.asarray(x)


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None or x.dtype == np.dtype(dtype) else astype(x, dtype=np.dtype(dtype))


def casting(kind: str) -> Callable[..., Any]:
    """``t.long()``, for any dtype."""

    def cast(input: Any, memory_format: Any = None) -> Any:
        return _cast(input, kind)

    return cast


def _counted(x: Any, dtype: Any = None) -> Any:
    """`x` in the dtype in which PyTorch adds: int64 for integers and booleans."""
    return _cast(x, dtype or (np.int64 if x.dtype.kind in "biu" else None))


def _whole(x: Any, dim: Any) -> tuple[Any, int]:
    """`x` and an axis of it; a 0-d tensor as one with one element."""
    return (x.reshape(1), 0) if x.ndim == 0 else (x, axis_of(dim, x.ndim))


def _picked(x: Any, at: Any, dim: int, keepdim: bool) -> Pair:
    """The elements of `x` at one position each along an axis, with the positions."""
    if x.ndim == 0:
        return Pair(x, _constant(0))
    at = np.expand_dims(at, axis_of(dim, x.ndim))
    values = mg.take_along_axis(x, at, axis=dim)
    return Pair(values if keepdim else values.squeeze(dim), _constant(at if keepdim else at.squeeze(dim)))


def _extreme(name: str) -> Callable[..., Any]:
    def extreme(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        other = dim if isinstance(dim, Vertex) else other
        if other is not None:
            return getattr(mg, f"{name}imum")(*common(input, other))
        if dim is None:
            return getattr(input, name)()
        if input.ndim == 0:
            return Pair(input, _constant(0))
        at = getattr(mg, f"arg{name}")(input, axis=dim, keepdims=True)
        pair = Pair(mg.take_along_axis(input, at, axis=dim), at)
        return pair if keepdim else Pair(*(x.squeeze(dim) for x in pair))

    return extreme


def _running(name: str) -> Callable[..., Any]:
    """The largest or smallest so far, and where it stood last."""

    def running(input: Any, dim: int) -> Pair:
        x, axis = _whole(input, dim)
        values = np.moveaxis(_array(x), axis, -1)
        best = getattr(np, f"{name}imum").accumulate(values, axis=-1)
        at = np.maximum.accumulate(np.where(values == best, np.arange(values.shape[-1]), 0), axis=-1)
        at = np.moveaxis(at, -1, axis)
        return Pair(mg.take_along_axis(x, at, axis=axis).reshape(input.shape), _constant(at.reshape(input.shape)))

    return running


def _most_frequent(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    x, axis = _whole(input, dim)
    equal = np.expand_dims(_array(x), axis) == np.expand_dims(_array(x), axis + 1)
    counts = equal.sum(axis=axis + 1)
    best = np.where(counts == counts.max(axis=axis, keepdims=True), _array(x), np.inf)
    last = x.shape[axis] - 1 - np.flip(best == best.min(axis=axis, keepdims=True), axis).argmax(axis=axis)
    pair = _picked(x, last, axis, keepdim)
    return pair if input.ndim else Pair(input, _constant(0))


def _median(input: Any, dim: Any = None, keepdim: bool = False, *, nans: bool = False) -> Any:
    flat = input.reshape(-1) if dim is None else input
    values, axis = _whole(flat, -1 if dim is None else dim)
    x = _array(values)
    order = np.argsort(x, axis=axis, kind="stable")  # which leaves nan at the end
    missing = np.isnan(x).sum(axis=axis, keepdims=True) if x.dtype.kind == "f" else np.zeros(1, int)
    middle = (
        (x.shape[axis] - missing - 1) // 2 if nans else np.where(missing, x.shape[axis] - 1, (x.shape[axis] - 1) // 2)
    )
    middle = np.broadcast_to(np.maximum(middle, 0), order.take([0], axis).shape)
    pair = _picked(values, np.take_along_axis(order, middle, axis).squeeze(axis), axis, keepdim)
    if dim is None:
        return pair.values
    return pair if input.ndim else Pair(input, _constant(0))


def _kth(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Pair:
    x, axis = _whole(input, dim)
    pair = _picked(x, np.argsort(_array(x), axis=axis, kind="stable").take(k - 1, axis), axis, keepdim)
    return pair if input.ndim else Pair(input, _constant(0))


def _sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Pair:
    if input.ndim == 0:
        return Pair(mg.Tensor.clone(input), _constant(0))
    order = _order(input, dim, descending)
    return Pair(mg.take_along_axis(input, order, axis=dim), order)


def _order(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if input.ndim == 0:
        return np.zeros((), np.int64)
    if descending:  # stable, too: of equals the first comes first
        return input.shape[dim] - 1 - mg.flip(mg.argsort(mg.flip(input, dim), axis=dim), dim)
    return mg.argsort(input, axis=dim)


def _spread(name: str, *, mean: bool = False) -> Callable[..., Any]:
    def spread(
        input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = int(unbiased) if unbiased is not None else 1 if correction is None else correction
        along: Any = {"axis": _axes(dim) if input.ndim else None, "keepdims": keepdim}
        z = getattr(mg, name)(input, ddof=ddof, **along)
        return (z, input.mean(**along)) if mean else z

    return spread


def _quantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", nans: bool = False
) -> Any:
    """Between the sorted elements; with `nans` those that are nan do not count, else they make the result nan."""
    x, axis = _whole(input.reshape(-1) if dim is None else input, 0 if dim is None else dim)
    x = mg.moveaxis(mg.sort(x, axis), axis, -1)
    at = as_operand(q if isinstance(q, Vertex) else np.asarray(q, input.dtype))
    levels = at.reshape([-1, *(1,) * (x.ndim - 1)])
    missing = np.isnan(_array(x)).sum(axis=-1)
    place = levels * (np.maximum(x.shape[-1] - missing, 1) - 1 if nans else x.shape[-1] - 1.0)
    steps: Any = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
    if interpolation in steps:
        z = _at(x, steps[interpolation](_array(place)))
    else:
        low = np.floor(_array(place))
        below, above = _at(x, low), _at(x, np.ceil(_array(place)))
        z = (below + above) / 2 if interpolation == "midpoint" else below + (place - low) * (above - below)
    z = z if nans else mg.where(missing > 0, np.nan, z)
    shape = tuple(1 if a == axis or dim is None else n for a, n in enumerate(input.shape))
    shape = shape if keepdim else () if dim is None else tuple(n for a, n in enumerate(input.shape) if a != axis)
    return z.reshape(tuple(at.shape) + shape)


def _at(x: Any, places: Any) -> Any:
    """The elements of `x` (…, n) at places (k, …) along its last axis: (k, …)."""
    wide = mg.broadcast_to(x, shape=(len(places), *x.shape))
    return mg.take_along_axis(wide, np.expand_dims(places.astype(np.int64), -1), axis=-1).squeeze(-1)


def _squeezed(input: Any, dim: Any = None) -> Any:
    axes = (
        range(input.ndim) if dim is None else axes_of(_axes(dim) if dim != () else (), input.ndim) if input.ndim else ()
    )
    ones = tuple(a for a in axes if input.shape[a] == 1)
    return input.squeeze(ones) if ones else mg.reshape(input, shape=input.shape)


def _split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    n = tensor.shape[dim]
    parts = split_size_or_sections
    if isinstance(parts, (int, np.integer)):
        ends = list(range(parts, n, parts)) if parts else []
    else:
        ends = np.cumsum(parts).tolist()[:-1]
        if builtins.sum(parts) != n:
            raise RuntimeError(f"split: the lengths {list(parts)} must add up to {n}, the length of axis {dim}.")
    return tuple(mg.split(tensor, ends, dim))


def _tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    parts = indices_or_sections
    parts = _array(parts).tolist() if isinstance(parts, Vertex) else list(parts) if np.ndim(parts) else parts
    return tuple(mg.array_split(input, parts, dim))


def _roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    if input.ndim == 0:
        return input.clone()
    return mg.roll(input, tuple(shifts) if np.ndim(shifts) else shifts, _axes(dims))


def _repeat_interleave(input: Any, repeats: Any = None, dim: Any = None, *, output_size: Any = None) -> Any:
    if repeats is None:
        return _constant(np.repeat(np.arange(len(_array(input))), _array(input)))
    repeats = _array(repeats).tolist() if isinstance(repeats, Vertex) else repeats
    repeats = repeats[0] if np.ndim(repeats) and len(repeats) == 1 else repeats
    return mg.repeat(input, repeats, dim if input.ndim else None)


def _windows(input: Any, dimension: int, size: int, step: int) -> Any:
    x, axis = _whole(input, dimension)
    at = np.arange(0, x.shape[axis] - size + 1, step)[:, None] + np.arange(size)
    z = x[along(axis, at.reshape(-1))].reshape(*x.shape[:axis], *at.shape, *x.shape[axis + 1 :])
    z = mg.moveaxis(z, axis + 1, -1)
    return z.reshape(size) if input.ndim == 0 else z


def _as_strided(input: Any, size: Any, stride: Any, storage_offset: Any = 0) -> Any:
    if not input.data.flags.c_contiguous or (input.data.base is not None and input.data.base.size != input.size):
        raise NotImplementedError("as_strided: of a part of a tensor, whose memory is more, it is not here.")
    return input.reshape(-1)[_places(size, stride, storage_offset)]


def _places(size: Any, stride: Any, storage_offset: Any = 0) -> Any:
    """Where the elements of a strided tensor stand in its memory."""
    at = np.full((), storage_offset or 0)
    for n, step in zip(size, stride, strict=True):
        at = at[..., None] + np.arange(n) * step
    return at


def _index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    x, axis = _whole(input, dim)
    source = source.reshape(1) if source.ndim == 0 else source
    at = np.broadcast_to(_array(index).reshape([-1 if a == axis else 1 for a in range(x.ndim)]), source.shape)
    return _scatter_reduce(x, axis, _constant(at), source, reduce, include_self=include_self).reshape(input.shape)


def _indexed(x: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of `x` with `value` at the positions `index` along an axis."""
    z, axis = _whole(x.clone(), dim)
    index = _array(index).reshape(-1)
    if isinstance(value, mg.Tensor) and value.ndim and x.ndim == 0:
        value = value.reshape(1)
    z[along(axis, index)] = value
    return z.reshape(x.shape)


def _scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None) -> Any:
    source: Any = value if src is None else src
    source = source if isinstance(source, mg.Tensor) else wrapped(np.asarray(source, input.dtype))
    if reduce is not None:
        source = source if source.ndim else mg.Tensor(np.broadcast_to(source, index.shape).copy())
        return _scatter_reduce(input, dim, index, source, {"add": "sum", "multiply": "prod"}[reduce])
    return _as_lines(mg.scatter, input, dim, index, source)


def _as_lines(op: Any, input: Any, dim: int, index: Any, src: Any) -> Any:
    """A scatter, where 0-d tensors are lines of one element, and an empty index changes nothing."""
    if not index.size:
        return input.clone()
    x = input.reshape(1) if input.ndim == 0 else input
    index = index.reshape(1) if index.ndim == 0 else index
    src = src.reshape(1) if src.ndim == 0 and input.ndim == 0 else src
    return op(x, dim, _array(index), src).reshape(input.shape)


def _gathered(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    x = input.reshape(1) if input.ndim == 0 else input
    at = _array(index).reshape(1) if index.ndim == 0 else _array(index)
    if not at.size:
        return x.reshape(-1)[:0].reshape(index.shape)
    return mg.gather(x, dim, at).reshape(index.shape)


def _scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    if reduce == "sum" and include_self:
        return _as_lines(mg.scatter_add, input, dim, index, src)
    if not index.size:
        return input.clone()
    x = input.reshape(1) if input.ndim == 0 else input
    at = _array(index).reshape(1) if index.ndim == 0 else _array(index)
    parts = mg.reshape(src, shape=(1,)) if src.ndim == 0 else src[tuple(map(slice, at.shape))]
    zeros = np.zeros(x.shape, x.dtype)
    counts = mg.scatter_add(zeros, dim, at, np.ones(at.shape, x.dtype))
    hit = counts > 0
    if reduce in ("sum", "mean"):
        total = mg.scatter_add(x if include_self else mg.where(hit, 0, x), dim, at, parts)
        weights = counts + 1 if include_self else np.maximum(counts, 1)
        z = total / weights if reduce == "mean" and x.dtype.kind == "f" else total
        z = total // weights.astype(x.dtype) if reduce == "mean" and x.dtype.kind != "f" else z
        return z.reshape(input.shape)
    if reduce == "prod":
        z = x if include_self else mg.where(hit, 1, x)
        return _multiplied(z, axis_of(dim, x.ndim), at, parts).reshape(input.shape)
    if reduce not in ("amax", "amin"):
        raise NotImplementedError(f"scatter_reduce: reduce={reduce!r} is not here; sum, prod, mean, amax and amin are.")
    best, ufunc = _array(x).copy(), np.maximum if reduce == "amax" else np.minimum
    grid = _grid(at, axis_of(dim, x.ndim))
    if not include_self:
        best[hit] = -np.inf if reduce == "amax" else np.inf
    ufunc.at(best, grid, _array(parts))
    own = (_array(x) == best) & (include_self | ~hit)
    theirs = _array(parts) == best[grid]
    shares = mg.scatter_add(own.astype(x.dtype), dim, at, theirs.astype(x.dtype))
    z = mg.scatter_add(mg.where(own, x, 0), dim, at, mg.where(theirs, parts, 0))  # equals share, as their gradient
    return (z / mg.maximum(shares, 1)).reshape(input.shape)


def _grid(at: Any, axis: int) -> tuple[Any, ...]:
    """The index of positions `at` along `axis`, each on its own line."""
    return tuple(at if a == axis else lines for a, lines in enumerate(np.ogrid[tuple(map(slice, at.shape))]))


def _multiplied(x: Any, axis: int, at: Any, parts: Any) -> Any:
    """`x` times the `parts` that an index sends to the same place: one factor for each place at a time."""
    grid = [g % n for g, n in zip(_grid(at, axis), x.shape, strict=True)]
    flat = np.ravel_multi_index(tuple(np.broadcast_arrays(*grid)), x.shape)
    places = flat.reshape(-1)
    order = np.argsort(places, kind="stable")
    firsts = np.searchsorted(places[order], places[order])
    turns = np.empty(places.size, np.int64)
    turns[order] = np.arange(places.size) - firsts  # how many before it go to its place
    z, factors = x.reshape(-1).clone(), parts.reshape(-1)
    for turn in range(turns.max() + 1):
        these = np.flatnonzero(turns == turn)
        z = _put(z, (places[these],), z[places[these]] * factors[these])
    return z


def _nonzero_places(input: Any, *, size: int, fill_value: int = -1) -> Any:
    at = np.argwhere(_array(input))[:size]
    return _constant(np.concatenate([at, np.full((size - len(at), input.ndim), fill_value, np.int64)]))


def _sinc(input: Any) -> Any:
    """sin(πx) / πx; near 0 by its series, whose derivative is no difference of nearly equal numbers."""
    u = input * math.pi
    near = mg.abs(u) < 0.5
    square, far = mg.where(near, u * u, 0.0), mg.where(near, 1.0, u)
    series: Any = 0.0
    for n in range(13, 0, -2):
        series = 1 / math.factorial(n) - square * series
    return mg.where(near, series, mg.sin(far) / far)


def _x_log1p_y(input: Any, other: Any) -> Any:
    """x log(1 + y), with 0 for x = 0 and y ≤ −1."""
    nothing = (input == 0) & (other <= -1)
    return mg.where(nothing, 0.0, input * mg.log1p(mg.where(nothing, 0.0, floating(other))))


def _put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    z = input.clone()
    indices = tuple(
        _array(i) if isinstance(i, (Vertex, np.ndarray)) else slice(None) if i is None else i for i in indices
    )
    if accumulate:
        return z + _added(_cast(values, z.dtype), indices, z.shape)
    z[indices] = values
    return z


def _added(values: Any, indices: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values`, which broadcast, added at an index with arrays."""
    from micrograd_np.ops import index as ops

    static, arrays = ops.split(indices)
    part = np.empty(shape, bool)[indices].shape
    return ops.scatter_add(mg.broadcast_to(values, shape=part), *arrays, index=static, shape=shape)


def _flat_put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    z = _put(input.reshape(-1), (_array(index).reshape(-1),), source.reshape(-1), accumulate)
    return z.reshape(input.shape)


def _masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    x, keep = mg.broadcast_arrays(input, mask)
    keep = _array(keep).astype(bool)
    z = x.clone()
    z[keep] = source.reshape(-1)[: int(keep.sum())]
    return z


def _inserted(input: Any, src: Any, index: Any) -> Any:
    z = input.clone()
    z[index] = src
    return z


def _diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    at = np.arange(input.data.size).reshape(input.shape).diagonal(offset, dim1, dim2)
    return _flat_put(input, at, src)


def _diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    n = input.shape[-1] + abs(offset)
    z = mg.zeros((*input.shape[:-1], n, n), dtype=input.dtype)
    rows = np.arange(input.shape[-1])
    z = _inserted(as_torch(z), input, (..., rows + builtins.max(-offset, 0), rows + builtins.max(offset, 0)))
    a, b = axis_of(dim1, z.ndim), axis_of(dim2, z.ndim)
    return mg.moveaxis(z, (-2, -1), (a, b))


def _where(condition: Any, input: Any = None, other: Any = None) -> Any:
    if input is None:
        return tuple(_constant(a) for a in np.nonzero(_array(condition)))
    z = mg.where(condition, *common(input, other))
    return z if isinstance(input, Vertex) or isinstance(other, Vertex) else _cast(z, result_type(input, other))


def _clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min or max is needed.")
    bounds = [b for b in (min, max) if b is not None]
    x, *rest = common(input, *bounds)
    rest = iter(rest)
    return mg.clip(x, None if min is None else next(rest), None if max is None else next(rest))


def _division(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode is None:
        return mg.divide(floating(input), floating(other))
    z = mg.floor_divide(input, other) if rounding_mode == "floor" else None
    return mg.trunc(mg.divide(input, other)) if z is None else z


def _linear_combination(sign: int) -> Callable[..., Any]:
    op = mg.add if sign > 0 else mg.subtract

    def combination(input: Any, other: Any, *, alpha: Any = 1) -> Any:
        return op(input, other if alpha == 1 else other * alpha)

    return combination


def _logcumsumexp(input: Any, dim: int) -> Any:
    x, axis = _whole(input, dim)
    n = x.shape[axis]
    wide = mg.expand_dims(mg.moveaxis(x, axis, -1), -2)
    wide = mg.where(np.tri(n, dtype=bool), wide, -np.inf)
    return mg.moveaxis(mg.logsumexp(wide, axis=-1), -1, axis).reshape(input.shape)


def _trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1, cumulative: bool = False) -> Any:
    axis = axis_of(dim, y.ndim)
    after, before = (y[along(axis, part)] for part in (slice(1, None), slice(None, -1)))
    width: Any = 1 if dx is None else dx
    if x is not None:
        width = mg.diff(x, axis=-1 if x.ndim < y.ndim else axis)
        if x.ndim == 1:
            width = width.reshape((-1,) + (1,) * (y.ndim - 1 - axis))
    z = (after + before) * width / 2
    return mg.cumsum(z, axis=axis) if cumulative else z.sum(axis=axis)


def _gradient(input: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """The slope along each axis: of a parabola through three elements, at the ends of a line or a parabola."""
    axes = range(input.ndim) if dim is None else axes_of(_axes(dim), input.ndim)
    several = isinstance(spacing, (tuple, list))
    gaps = list(spacing) if several else [1.0 if spacing is None else spacing] * len(axes)
    slopes = []
    for axis, gap in zip(axes, gaps, strict=True):
        x = mg.moveaxis(input, axis, -1)
        at = gap if isinstance(gap, Vertex) else np.arange(x.shape[-1], dtype=x.dtype) * gap
        width, rise = mg.diff(as_operand(at)), mg.diff(x)
        part = rise / width
        bend = (part[..., 1:] - part[..., :-1]) / (width[1:] + width[:-1])
        inner = part[..., :-1] + bend * width[:-1]
        first, last = part[..., :1], part[..., -1:]
        if edge_order == 2:
            first, last = first - bend[..., :1] * width[:1], last + bend[..., -1:] * width[-1:]
        slopes.append(mg.moveaxis(mg.concatenate([first, inner, last], -1), -1, axis))
    return tuple(slopes)


def _counts_in_boxes(input: Any, bins: Any, range: Any, weight: Any, density: bool) -> tuple[Any, Any]:
    points = _array(input).reshape(math.prod(input.shape[:-1]), input.shape[-1])
    sides: Any = [_array(b) if isinstance(b, Vertex) else b for b in bins] if isinstance(bins, (tuple, list)) else bins
    if any(np.any(np.diff(np.atleast_1d(b)) < 0) for b in (sides if isinstance(sides, list) else ())):
        raise ValueError("histogramdd: the edges of bins must not fall.")
    ends = None if range is None else np.reshape(range, (-1, 2)).tolist()
    weights = None if weight is None else _array(weight).reshape(-1)
    counts, edges = np.histogramdd(points, sides, ends, density, weights)
    return _constant(counts, input.dtype), tuple(_constant(x, input.dtype) for x in edges)


def _tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Summed over axes; where one has length 1, it counts for every element of the other."""
    if not np.ndim(dims):
        return mg.tensordot(a, b, int(dims))
    left, right = (tuple(axis_of(d, x.ndim) for d in part) for part, x in zip(dims, (a, b), strict=True))
    uneven = [(i, j) for i, j in zip(left, right, strict=True) if a.shape[i] != b.shape[j]]
    for i, j in uneven:
        a = a.sum(axis=i, keepdims=True) if b.shape[j] == 1 else a
        b = b.sum(axis=j, keepdims=True) if a.shape[i] == 1 else b
    return mg.tensordot(a, b, (left, right))


def _statistics(x: Any, axes: Any, eps: float) -> tuple[Any, Any, Any]:
    """`x` less its mean along axes, in units of its spread; the mean, and 1 over the spread."""
    unit, _, variance = standardized(x, axes, eps)
    return unit, x.mean(axis=axes, keepdims=True), (variance + eps) ** -0.5


def _layer_statistics(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, ...]:
    z, mean, scale = _statistics(input, tuple(range(input.ndim - len(normalized_shape), input.ndim)), eps)
    return affine(z, weight, bias), mean, scale


def _group_statistics(
    input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Any, ...]:
    z, mean, scale = _statistics(input.reshape(N, group, C // group * HxW), (-1,), eps)
    z = affine(z.reshape(N, C, HxW), *(None if x is None else x.reshape(C, 1) for x in (weight, bias)))
    return z.reshape(input.shape), mean.squeeze(-1), scale.squeeze(-1)


def _batch_statistics(
    input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool, momentum: Any, eps: float
) -> tuple[Any, ...]:
    z = mg.functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    axes = tuple(a for a in range(input.ndim) if a != 1)
    _, mean, scale = _statistics(input, axes, eps)
    empty = _constant(np.zeros(0, input.dtype))
    return (z, mean.reshape(-1), scale.reshape(-1)) if training else (z, empty, empty)


def _unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    z: Any = np.unique(_array(input), return_inverse=return_inverse, return_counts=return_counts, axis=dim)  # type: ignore[call-overload]
    return tuple(map(_constant, z)) if isinstance(z, tuple) else _constant(z)


def _count_runs(input: Any, return_inverse: bool = False, return_counts: bool = False, dim: Any = None) -> Any:
    x = _array(input)
    rows = x.reshape(-1) if dim is None else np.moveaxis(x, dim, 0)
    if not len(rows):
        starts = np.zeros(0, np.int64)
    else:
        changes = (rows[1:] != rows[:-1]).reshape(len(rows) - 1, math.prod(rows.shape[1:])).any(axis=1)
        starts = np.flatnonzero(np.r_[True, changes])
    z = [_constant(rows[starts] if dim is None else np.moveaxis(rows[starts], 0, dim))]
    if return_inverse:
        marks = np.zeros(len(rows), np.int64)
        marks[starts] = 1
        inverse = np.cumsum(marks) - 1
        z.append(_constant(inverse.reshape(x.shape) if dim is None else inverse))
    if return_counts:
        z.append(_constant(np.diff(np.r_[starts, len(rows)])))
    return tuple(z) if len(z) > 1 else z[0]


def _searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Any = None,
    sorter: Any = None,
) -> Any:
    edges, values = _array(sorted_sequence), _array(input)
    if sorter is not None:
        edges = np.take_along_axis(edges, _array(sorter), -1)
    side = side or ("right" if right else "left")
    if edges.ndim == 1 or not values.size:
        at = np.zeros(values.shape) if not values.size else np.searchsorted(edges, values, side)
    else:
        rows = zip(edges.reshape(-1, edges.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True)
        at = np.array([np.searchsorted(a, v, side) for a, v in rows]).reshape(values.shape)
    return _constant(at, np.int32 if out_int32 else np.int64)


def _sum_to_size(input: Any, *size: Any) -> Any:
    shape = _listed(size)
    extra = input.ndim - len(shape)
    z = input.sum(axis=tuple(range(extra))) if extra else input
    ones = tuple(a for a, n in enumerate(shape) if n == 1 != z.shape[a])
    return z.sum(axis=ones, keepdims=True) if ones else z


def _block_diag(*tensors: Any) -> Any:
    xs = [x.reshape((1,) * (2 - x.ndim) + tuple(x.shape)) for x in tensors]
    width = builtins.sum(x.shape[1] for x in xs)
    rows, left = [], 0
    for x in xs:
        rows.append(mg.pad(x, ((0, 0), (left, width - left - x.shape[1]))))
        left += x.shape[1]
    return mg.concatenate(rows, 0)


def _combined(*tensors: Any) -> Any:
    """All combinations of one element of each."""
    if len(tensors) == 1:
        return tensors[0]
    return mg.stack([x.reshape(-1) for x in mg.meshgrid(*tensors, indexing="ij")], 1)


def _combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    from itertools import combinations, combinations_with_replacement

    choose = combinations_with_replacement if with_replacement else combinations
    at = np.array([*choose(range(input.size), r)], np.int64).reshape(-1, r)
    return input[at] if r else input[:0]


def _vander(x: Any, N: Any = None, *, increasing: bool = True) -> Any:
    n = x.shape[-1] if N is None else N
    return mg.power(mg.expand_dims(x if x.ndim else x.reshape(1), -1), np.arange(n)[:: 1 if increasing else -1].copy())


def _reduced(op: Any, *, each: bool = False) -> Callable[..., Any]:
    """A reduction: ``f(input, dim, keepdim, dtype=)``."""

    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        x = _counted(input, dtype) if each else _cast(input, dtype)
        return op(x, axis=_axes(dim) if x.ndim else None, keepdims=keepdim and x.ndim > 0)

    return reduction


def _logical(name: str) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        z = getattr(mg, name)(input, axis=_axes(dim) if input.ndim else None, keepdims=keepdim)
        return _cast(z, np.uint8 if input.dtype == np.uint8 else None)

    return reduction


def _position(name: str) -> Callable[..., Any]:
    def position(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if input.ndim == 0:
            return _constant(0)
        return getattr(mg, name)(input, axis=dim, keepdims=keepdim)

    return position


def _cumulative(op: Any) -> Callable[..., Any]:
    def cumulative(input: Any, dim: int, *, dtype: Any = None) -> Any:
        x = _counted(input, dtype)
        return x.clone() if x.ndim == 0 else op(x, axis=dim)

    return cumulative


def _softmax(op: Any, sign: int = 1) -> Callable[..., Any]:
    def softmax(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None:
            raise TypeError("softmax: say along which axis, dim=-1 for the last.")
        x = _cast(input, dtype)
        x = x if sign > 0 else mg.negative(x)
        return op(x.reshape(1), axis=0).reshape(()) if x.ndim == 0 else op(x, axis=dim)

    return softmax


def _by_numpy(f: Any, *kinds: Any) -> Callable[..., Any]:
    """What NumPy computes of the values, without a gradient."""
    return lambda *inputs, **settings: _constant(
        f(*[_array(x) if isinstance(x, Vertex) else x for x in inputs], **settings)
    )


def _polynomial(name: str, x: Any, n: Any, before: int = 0) -> Any:
    """The orthogonal polynomial of the degree `n`, and `before` times the one before it; of a negative degree 0."""
    n, x, f = np.asarray(_array(n)).astype(np.int64), _array(floating(x)), scipys(f"eval_{name}")
    z = f(n, x) + before * f(n - 1, x) if before else f(n, x)
    return _constant(np.where(n < 0, 0, z), x.dtype)


def _line(input: Any, dim: int, index: Any, source: Any) -> tuple[Any, ...]:
    """Arguments of an operation along an axis, 0-d tensors as lines of one element."""
    x, axis = _whole(input, dim)
    return x, axis, _array(index).reshape(-1), source.reshape(1) if source.ndim == 0 else source


def _linear_cross_entropy(
    input: Any, linear_weight: Any, target: Any, *, linear_bias: Any = None, ignore_index: Any = None,
    options: Any = None, **settings: Any,
) -> Any:  # fmt: skip
    logits = mg.tensordot(input, linear_weight, ((-1,), (-1,)))
    logits = logits if linear_bias is None else logits + linear_bias
    settings["ignore_index"] = -100 if ignore_index is None else ignore_index
    return mg.functional.cross_entropy(logits, target, **settings)


def _attention(
    query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any, in_proj_bias: Any,
    bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any, out_proj_bias: Any,
    training: bool = True, key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Any = None, k_proj_weight: Any = None,
    v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Any:  # fmt: skip
    """The layer with these settings, called with these parameters."""
    if static_k is not None or static_v is not None:
        raise NotImplementedError("multi_head_attention_forward: static_k and static_v are not here.")
    layer = mg.nn.MultiheadAttention(
        embed_dim_to_check, num_heads, dropout_p, in_proj_bias is not None, bias_k is not None, add_zero_attn,
        key.shape[-1], value.shape[-1], dtype=query.dtype,
    ).train(training)  # fmt: skip
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    if use_separate_proj_weight and layer.in_proj_weight is not None:
        in_proj_weight, separate = mg.concatenate(separate, 0), (None,) * 3
    names = "q_proj_weight k_proj_weight v_proj_weight in_proj_weight in_proj_bias bias_k bias_v out_proj.weight"
    values = (*separate, in_proj_weight, in_proj_bias, bias_k, bias_v, out_proj_weight, out_proj_bias)
    parameters = dict(zip((*names.split(), "out_proj.bias"), values, strict=True))
    present = {name: x for name, x in parameters.items() if x is not None}
    call = (query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal)
    return mg.functional_call(layer, present, call)


def _cloned(x: Any) -> Any:
    return tuple(map(_cloned, x)) if isinstance(x, tuple) else x.clone()


def _broadcast_but(x: Any, index: Any, dim: int) -> tuple[Any, Any]:
    """`x` and `index`, broadcast along all axes but one."""
    axis = axis_of(dim, x.ndim)
    wide = [1 if a == axis else n for a, n in enumerate(x.shape)]
    shape = list(np.broadcast_shapes(tuple(wide), tuple(1 if a == axis else n for a, n in enumerate(index.shape))))
    own, other = shape.copy(), shape.copy()
    own[axis], other[axis] = x.shape[axis], index.shape[axis]
    return mg.broadcast_to(x, shape=tuple(own)), np.broadcast_to(index, other)


def _generator(generator: Any) -> Any:
    return mg.random.generator() if generator is None else generator


def _filled(input: Any, generator: Any, kind: str, *settings: Any) -> Any:
    """The tensor with draws of a distribution written into it."""
    return input.copy_(_constant(getattr(_generator(generator), kind)(*settings, input.shape), input.dtype))


def _drawn(p: Any, n: int, replacement: bool, generator: Any) -> Any:
    rows = p.reshape(-1, p.shape[-1]) / p.sum(axis=-1, keepdims=True).reshape(-1, 1)
    draws = [
        _generator(generator).choice(len(row), n, replacement, row.astype(float) / row.astype(float).sum())
        for row in rows
    ]
    return np.array(draws).reshape(*p.shape[:-1], n)


def _joined(tensors: Any, dim: int) -> Any:
    xs = [x for x in tensors if x.shape != (0,)] or list(tensors)[:1]  # an empty vector fits everywhere
    return mg.concatenate(common(*xs), dim)


def _each(f: Any) -> Callable[..., Any]:
    """``f(*tensors)``, which are passed one by one, or as one list."""
    return lambda *tensors: f(*_tensors(tensors))


def _new(f: Any) -> Callable[..., Any]:
    """``t.new_zeros(*size)``, in the dtype of the tensor."""

    def new(input: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        return f(tuple(_listed(size)), dtype=dtype or input.dtype).requires_grad_(requires_grad)

    return new


def cloned(f: Any) -> Callable[..., Any]:
    """`f`, with results in memory of their own."""
    return lambda *args, **settings: _cloned(f(*args, **settings))


def reshaped(name: str, f: Any) -> Callable[..., Any]:
    """``t.squeeze_()``: a tensor that is in no graph sees its memory in another shape; one that is keeps its shape."""

    def method(self: Any, *args: Any) -> Any:
        z = f(self, *args)
        if self.node is None and not self.requires_grad and mode.events is QUIET:
            self.data = z.data
            return self
        if z.shape != self.shape:
            raise RuntimeError(
                f"{name}_: a tensor in a graph keeps its shape, {tuple(self.shape)}; that would be {tuple(z.shape)}. "
                f"Write t = t.{name}(...)."
            )
        return self.copy_(z)

    return method
