"""The table: each function of PyTorch, with PyTorch's arguments, in terms of this package.

A row is PyTorch's name and an expression with PyTorch's signature; tensors have our meanings in it (`data` is an array,
`max(axis)` the values). The table says nothing twice: whether a function promotes dtypes is the part in which it
stands, and methods, methods that write in place (``add_``) and ``out=`` are made of the rows.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import micrograd_np as mg
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.state import astype
from micrograd_np.ops.axes import along, axes_of, axis_of

from .dtypes import default, named, promote, result_type
from .tensor import Tensor, as_torch, common, floating, wrapped


class Pair(NamedTuple):
    """The values along an axis, and where they stand."""

    values: Any
    indices: Any


def _axes(dim: Any) -> Any:
    """PyTorch's dims, of which none means all."""
    return None if dim is None or dim == () or dim == [] else tuple(dim) if isinstance(dim, list) else dim


def _listed(numbers: Any) -> tuple[Any, ...]:
    """Numbers that are passed one by one, or as one tuple or list."""
    return tuple(numbers[0]) if len(numbers) == 1 and not np.ndim(numbers[0]) == 0 else tuple(numbers)


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
        return _picked(input, getattr(np, f"arg{name}")(_array(input), dim if input.ndim else None), dim, keepdim)

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
    middle = (x.shape[axis] - missing - 1) // 2 if nans else np.where(missing, x.shape[axis] - 1, (x.shape[axis] - 1) // 2)
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
    return Pair(mg.take_along_axis(input, order, axis=dim), _constant(order))


def _order(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    x = _array(input)
    if x.ndim == 0:
        return np.zeros((), np.int64)
    if descending:  # stable, too: of equals the first comes first
        return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)
    return np.argsort(x, axis=dim, kind="stable")


def _correction(unbiased: Any, correction: Any) -> Any:
    return int(unbiased) if unbiased is not None else 1 if correction is None else correction


def _spread(name: str, *, mean: bool = False) -> Callable[..., Any]:
    def spread(
        input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        axis, ddof = _axes(dim), _correction(unbiased, correction)
        z = getattr(mg, name)(input, axis=axis if input.ndim else None, ddof=ddof, keepdims=keepdim)
        return (z, input.mean(axis=axis if input.ndim else None, keepdims=keepdim)) if mean else z

    return spread


def _quantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", of: Any = mg.quantile
) -> Any:
    if interpolation != "linear" or getattr(q, "requires_grad", False):
        raise NotImplementedError("quantile: only interpolation 'linear' is here, and no gradient by q.")
    z = of(input, _array(q).tolist(), dim if input.ndim else None, keepdim and input.ndim > 0)
    return z.reshape((*np.shape(q), *(1,) * input.ndim)) if keepdim and dim is None else z


def _norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    x, axis = _cast(input, dtype), _axes(dim)
    if p == "nuc":
        raise NotImplementedError("norm: the nuclear norm needs singular values, which have no gradient here.")
    return _vector_norm(x, 2 if p in ("fro", None) else p, axis, keepdim)


def _vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = _cast(x, dtype)
    if x.ndim == 0:
        return mg.linalg.vector_norm(x.reshape(1), axis=0, ord=ord)
    return mg.linalg.vector_norm(x, axis=_axes(dim), keepdims=keepdim, ord=ord)


def _transposed(input: Any, dim0: int, dim1: int) -> Any:
    return input.swapaxes(dim0, dim1) if input.ndim else input


def _squeezed(input: Any, dim: Any = None) -> Any:
    axes = range(input.ndim) if dim is None else axes_of(_axes(dim) if dim != () else (), input.ndim) if input.ndim else ()
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
    at = np.full((), storage_offset or 0)
    for n, step in zip(size, stride, strict=True):
        at = at[..., None] + np.arange(n) * step
    return input.reshape(-1)[at]


def _indexed(x: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of `x` with `value` at the positions `index` along an axis."""
    z, axis = _whole(x.clone(), dim)
    index = _array(index).reshape(-1)
    if isinstance(value, Vertex) and value.ndim and x.ndim == 0:
        value = value.reshape(1)
    z[along(axis, index)] = value
    return z.reshape(x.shape)


def _scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None) -> Any:
    src = value if src is None else src
    src = np.asarray(src, input.dtype) if not isinstance(src, Vertex) else src
    if reduce is not None:
        src = src if src.ndim else mg.Tensor(np.broadcast_to(src, index.shape).copy())
        return _scatter_reduce(input, dim, index, src, {"add": "sum", "multiply": "prod"}[reduce])
    return _as_lines(mg.scatter, input, dim, index, src)


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
    if reduce not in ("amax", "amin"):
        raise NotImplementedError(f"scatter_reduce: reduce={reduce!r} is not here; sum, mean, amax and amin are.")
    best, ufunc = _array(x).copy(), np.maximum if reduce == "amax" else np.minimum
    grid = [at if a == axis_of(dim, x.ndim) else np.arange(n).reshape((-1,) + (1,) * (x.ndim - 1 - a)) for a, n in enumerate(at.shape)]
    if not include_self:
        best[hit] = -np.inf if reduce == "amax" else np.inf
    ufunc.at(best, tuple(grid), _array(parts))
    own = (_array(x) == best) & (include_self | ~hit)
    theirs = _array(parts) == best[tuple(grid)]
    shares = mg.scatter_add(own.astype(x.dtype), dim, at, theirs.astype(x.dtype))
    z = mg.scatter_add(mg.where(own, x, 0), dim, at, mg.where(theirs, parts, 0))  # equals share, as their gradient
    return (z / mg.maximum(shares, 1)).reshape(input.shape)


def _put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    z = input.clone()
    indices = tuple(_array(i) if isinstance(i, (Vertex, np.ndarray)) else slice(None) if i is None else i for i in indices)
    if accumulate:
        return z + _added(_cast(values, z.dtype), indices, z.shape)
    z[indices] = values
    return z


def _added(values: Any, indices: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values`, which broadcast, added at an index with arrays."""
    from micrograd_np.ops import index as ops  # noqa: PLC0415

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
    return mg.where(condition, *common(input, other))


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
    return lambda input, other, *, alpha=1: op(input, other if alpha == 1 else other * alpha)


def _product(*factors: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta·input + alpha·(a @ b)``, where a `beta` of 0 leaves the input out."""
    input, a, b = factors
    z = mg.matmul(a, b) if alpha == 1 else mg.matmul(a, b) * alpha
    return mg.broadcast_to(z, shape=np.broadcast_shapes(z.shape, input.shape)) if beta == 0 else beta * input + z


def _power(input: Any, n: int) -> Any:
    if n == 0:
        return mg.where(np.ones(input.shape, bool), np.eye(input.shape[-1], dtype=input.dtype), input)
    return mg.linalg.matrix_power(input, n)


def _solve(A: Any, B: Any, *, left: bool = True) -> Any:
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        return mg.linalg.solve(A, mg.expand_dims(B, -1)).squeeze(-1)
    return mg.linalg.solve(A, B) if left else mg.linalg.solve(A.mT, B.mT).mT


def _dist(input: Any, other: Any, p: float = 2) -> Any:
    return _vector_norm(input - other, p)


def _cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    difference = mg.expand_dims(x1, -2) - mg.expand_dims(x2, -3)
    return mg.linalg.vector_norm(difference, axis=-1, ord=p)


def _logcumsumexp(input: Any, dim: int) -> Any:
    x, axis = _whole(input, dim)
    n = x.shape[axis]
    wide = mg.expand_dims(mg.moveaxis(x, axis, -1), -2)
    wide = mg.where(np.tri(n, dtype=bool), wide, -np.inf)
    return mg.moveaxis(mg.logsumexp(wide, axis=-1), -1, axis).reshape(input.shape)


def _covariance(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    x = input.reshape(1, -1) if input.ndim < 2 else input
    weights = np.ones(x.shape[1]) if fweights is None else _array(fweights).astype(float)
    other = 1.0 if aweights is None else aweights
    w = as_operand(weights * other)
    total = w.sum()
    centred = x - (x * w).sum(axis=1, keepdims=True) / total
    divisor = total - correction * (w * other).sum() / total if aweights is not None else total - correction
    z = mg.matmul(centred * w, centred.T) / mg.maximum(divisor, 0)
    return z.reshape(()) if len(x) == 1 else z


def _correlation(input: Any) -> Any:
    z = _covariance(input)
    if z.ndim == 0:
        return z / z
    spread = mg.sqrt(mg.diagonal(z))
    return mg.clip(z / spread.reshape(-1, 1) / spread, -1, 1)


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


def _unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    z = np.unique(_array(input), return_inverse=return_inverse, return_counts=return_counts, axis=dim)
    return tuple(map(_constant, z)) if isinstance(z, tuple) else _constant(z)


def _count_runs(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
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
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: Any = None, sorter: Any = None
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


def _renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    axes = tuple(a for a in range(input.ndim) if a != axis_of(dim, input.ndim))
    norms = mg.linalg.vector_norm(input, axis=axes, ord=p, keepdims=True)
    return mg.where(norms > maxnorm, input * (maxnorm / (norms + 1e-7)), input)


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
    from itertools import combinations, combinations_with_replacement  # noqa: PLC0415

    choose = combinations_with_replacement if with_replacement else combinations
    at = np.array([*choose(range(input.size), r)], np.int64).reshape(-1, r)
    return input[at] if r else input[:0]


def _vander(x: Any, N: Any = None, *, increasing: bool = True) -> Any:
    n = x.shape[-1] if N is None else N
    z = mg.power(mg.expand_dims(x, -1), np.arange(n)[:: 1 if increasing else -1].copy())
    return z


def _reduced(op: Any, *, each: bool = False) -> Callable[..., Any]:
    """A reduction: ``f(input, dim, keepdim, dtype=)``."""

    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        x = _counted(input, dtype) if each else _cast(input, dtype)
        return op(x, axis=_axes(dim) if x.ndim else None, keepdims=keepdim and x.ndim > 0)

    return reduction


def _logical(name: str) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        z = getattr(np, name)(_array(input), axis=_axes(dim) if input.ndim else None, keepdims=keepdim)
        return _constant(z, np.uint8 if input.dtype == np.uint8 else np.bool_)

    return reduction


def _position(name: str) -> Callable[..., Any]:
    def position(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if input.ndim == 0:
            return _constant(0)
        return _constant(getattr(np, name)(_array(input), axis=dim, keepdims=keepdim))

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
    return lambda *inputs, **settings: _constant(f(*[_array(x) if isinstance(x, Vertex) else x for x in inputs], **settings))


FLOATS: dict[str, Any] = {
    **{name: getattr(mg, name) for name in "cos cosh exp exp2 expm1 erf log log10 log1p log2 sigmoid sin sinh".split()},
    **{name: getattr(mg, name) for name in "sqrt tan tanh reciprocal".split()},
    **{f"a{name}": getattr(mg, f"arc{name}") for name in "cos cosh sin sinh tan tanh".split()},
    **{f"arc{name}": getattr(mg, f"arc{name}") for name in "cos cosh sin sinh tan tanh".split()},
    "deg2rad": mg.radians, "rad2deg": mg.degrees,
    "rsqrt": lambda input: mg.power(input, -0.5),
    "erfc": lambda input: 1 - mg.erf(input),
    "logit": lambda input, eps=None: mg.log(x / (1 - x)) if (x := input if eps is None else mg.clip(input, eps, 1 - eps)) is not None else None,
    "sinc": lambda input: mg.where(input == 0, 1.0, mg.sin(x := mg.where(input == 0, 1.0, input) * math.pi) / x),
    "special_ndtr": mg.ndtr,
    "special_entr": lambda input: mg.where(input < 0, -np.inf, -mg.xlogy(input, mg.where(input > 0, input, 1.0))),
    "nn_logsigmoid": mg.functional.logsigmoid,
}  # fmt: skip
"""Functions of one tensor, which make integers floating."""

ELEMENTWISE: dict[str, Any] = {
    "add": _linear_combination(1), "sub": _linear_combination(-1), "subtract": _linear_combination(-1),
    "rsub": lambda input, other, *, alpha=1: mg.subtract(other, input if alpha == 1 else input * alpha),
    "mul": mg.multiply, "multiply": mg.multiply, "div": _division, "divide": _division,
    "true_divide": _division, "floor_divide": mg.floor_divide,
    "remainder": mg.remainder, "fmod": mg.fmod, "maximum": mg.maximum, "minimum": mg.minimum,
    "atan2": lambda input, other: mg.arctan2(floating(input), floating(other)),
    "arctan2": lambda input, other: mg.arctan2(floating(input), floating(other)),
    "hypot": mg.hypot, "logaddexp": mg.logaddexp,
    "logaddexp2": lambda input, other: mg.logaddexp(input * math.log(2), other * math.log(2)) / math.log(2),
    "xlogy": lambda input, other: mg.xlogy(floating(input), floating(other)),
    "special_xlog1py": lambda input, other: mg.xlogy(floating(input), 1 + floating(other)),
    "pow": lambda input, exponent: input**exponent if isinstance(input, Vertex) else mg.power(input, exponent),
    "fmax": lambda input, other: mg.where(np.isnan(_array(input)), other, mg.where(np.isnan(_array(other)), input, mg.maximum(input, other))),
    "fmin": lambda input, other: mg.where(np.isnan(_array(input)), other, mg.where(np.isnan(_array(other)), input, mg.minimum(input, other))),
    "copysign": lambda input, other: mg.absolute(x := floating(input)) * np.copysign(1, _array(other)).astype(x.dtype),
    "ldexp": lambda input, other: floating(input) * mg.exp2(floating(other)),
    "lerp": lambda input, end, weight: mg.where(mg.absolute(weight) < 0.5, input + weight * (end - input), end - (end - input) * (1 - weight)),
    "addcmul": lambda input, tensor1, tensor2, *, value=1: input + value * tensor1 * tensor2,
    "addcdiv": lambda input, tensor1, tensor2, *, value=1: input + value * (tensor1 / tensor2),
    "eq": mg.equal, "ne": mg.not_equal, "not_equal": mg.not_equal, "lt": mg.less, "less": mg.less,
    "le": mg.less_equal, "less_equal": mg.less_equal, "gt": mg.greater, "greater": mg.greater,
    "ge": mg.greater_equal, "greater_equal": mg.greater_equal,
    "logical_and": mg.logical_and, "logical_or": mg.logical_or, "logical_xor": mg.logical_xor,
    "bitwise_and": mg.bitwise_and, "bitwise_or": mg.bitwise_or, "bitwise_xor": mg.bitwise_xor,
    "heaviside": _by_numpy(np.heaviside), "gcd": _by_numpy(np.gcd),
    "lcm": _by_numpy(np.lcm),
    "bitwise_left_shift": _by_numpy(np.left_shift), "bitwise_right_shift": _by_numpy(np.right_shift),
    "float_power": lambda input, exponent: mg.power(_cast(as_operand(input), np.float64), exponent),
}  # fmt: skip
"""Functions of several tensors, or of tensors and numbers, which take the dtype to which all are promoted."""

UNARY: dict[str, Any] = {
    **{name: getattr(mg, name) for name in "abs absolute ceil floor trunc square relu isfinite isinf isnan logical_not".split()},
    "neg": mg.negative, "negative": mg.negative, "sign": mg.sign, "sgn": mg.sign, "fix": mg.trunc,
    "positive": lambda input: input, "real": lambda input: input, "conj": lambda input: input,
    "conj_physical": lambda input: input, "resolve_conj": lambda input: input, "resolve_neg": lambda input: input,
    "round": lambda input, *, decimals=0: mg.round(input, decimals=decimals),
    "frac": lambda input: input - mg.trunc(input),
    "bitwise_not": mg.invert,
    "clamp": _clamp, "clip": _clamp,
    "clamp_min": lambda input, min: _clamp(input, min), "clamp_max": lambda input, max: _clamp(input, None, max),
    "nan_to_num": lambda input, nan=None, posinf=None, neginf=None: mg.nan_to_num(input, nan or 0.0, posinf, neginf),
    "tril": lambda input, diagonal=0: mg.tril(input, k=diagonal),
    "triu": lambda input, diagonal=0: mg.triu(input, k=diagonal),
    "masked_fill": lambda input, mask, value: mg.where(mask, _cast(as_operand(value), input.dtype), input),
    "masked_scatter": _masked_scatter,
    "index_fill": _indexed, "index_copy": _indexed,
    "index_add": lambda input, dim, index, source, *, alpha=1: mg.index_add(*_line(input, dim, index, source), alpha=alpha).reshape(input.shape),
    "index_put": _put, "put": _flat_put,
    "scatter": _scatter,
    "scatter_add": lambda input, dim, index, src: _as_lines(mg.scatter_add, input, dim, index, src),
    "scatter_reduce": _scatter_reduce,
    "cumsum": _cumulative(mg.cumsum), "cumprod": _cumulative(mg.cumprod),
    "renorm": _renorm,
    "addmm": lambda input, mat1, mat2, *, beta=1, alpha=1: _product(input, mat1, mat2, beta=beta, alpha=alpha),
    "addmv": lambda input, mat, vec, *, beta=1, alpha=1: _product(input, mat, vec, beta=beta, alpha=alpha),
    "baddbmm": lambda input, batch1, batch2, *, beta=1, alpha=1: _product(input, batch1, batch2, beta=beta, alpha=alpha),
    "addbmm": lambda input, batch1, batch2, *, beta=1, alpha=1: _product(input, mg.concatenate(mg.unstack(batch1), 1) if len(batch1) else batch1.reshape(batch1.shape[1], 0), batch2.reshape(-1, batch2.shape[2]), beta=beta, alpha=alpha),
    "addr": lambda input, vec1, vec2, *, beta=1, alpha=1: _product(input, mg.expand_dims(vec1, 1), mg.expand_dims(vec2, 0), beta=beta, alpha=alpha),
    "fill": lambda input, value: mg.where(np.ones(input.shape, bool), _cast(as_operand(value), input.dtype), input),
}  # fmt: skip
"""Functions that have an in-place form too, and keep the dtype."""


def _line(input: Any, dim: int, index: Any, source: Any) -> tuple[Any, ...]:
    """Arguments of an operation along an axis, 0-d tensors as lines of one element."""
    x, axis = _whole(input, dim)
    return x, axis, _array(index).reshape(-1), source.reshape(1) if source.ndim == 0 else source


SHAPES: dict[str, Any] = {
    "reshape": _many("shape", lambda input, shape: mg.reshape(input, shape=shape)),
    "flatten": lambda input, start_dim=0, end_dim=-1: mg.flatten(input, start_dim, end_dim) if input.ndim else input.reshape(1),
    "unflatten": lambda input, dim, sizes: input.reshape(*input.shape[: (a := axis_of(dim, input.ndim))], *sizes, *input.shape[a + 1 :]),
    "ravel": lambda input: input.reshape(-1),
    "permute": _many("dims", mg.permute),
    "transpose": _transposed, "swapaxes": _transposed, "swapdims": _transposed,
    "t": lambda input: input.T,
    "adjoint": lambda input: input.mT,
    "movedim": mg.moveaxis, "moveaxis": mg.moveaxis,
    "squeeze": _squeezed,
    "unsqueeze": lambda input, dim: mg.expand_dims(input, dim),
    "broadcast_to": lambda input, size: mg.expand(input, *size),
    "split": _split, "unsafe_split": _split, "split_with_sizes": _split,
    "chunk": lambda input, chunks, dim=0: tuple(mg.chunk(input, chunks, dim)),
    "unsafe_chunk": lambda input, chunks, dim=0: tuple(mg.chunk(input, chunks, dim)),
    "tensor_split": _tensor_split,
    "hsplit": lambda input, parts: _tensor_split(input, parts, 1 if input.ndim > 1 else 0),
    "vsplit": lambda input, parts: _tensor_split(input, parts, 0),
    "dsplit": lambda input, parts: _tensor_split(input, parts, 2),
    "unbind": lambda input, dim=0: tuple(mg.unstack(input, dim)),
    "narrow": lambda input, dim, start, length: input[along(axis_of(dim, input.ndim), slice(int(start) % builtins.max(input.shape[dim], 1) if int(start) < 0 else int(start), (int(start) + input.shape[dim] if int(start) < 0 else int(start)) + length))],
    "select": lambda input, dim, index: input[along(axis_of(dim, input.ndim), int(index))],
    "select_scatter": lambda input, src, dim, index: _inserted(input, src, along(axis_of(dim, input.ndim), int(index))),
    "slice_scatter": lambda input, src, dim=0, start=None, end=None, step=1: _inserted(input, src, along(axis_of(dim, input.ndim), slice(start, end, step))),
    "diagonal_scatter": _diagonal_scatter,
    "flip": _many("dims", lambda input, dims: mg.flip(input, dims) if dims else input.clone()),
    "fliplr": mg.fliplr, "flipud": mg.flipud,
    "rot90": lambda input, k=1, dims=(0, 1): mg.rot90(input, k, tuple(dims)),
    "roll": _roll,
    "tile": _many("dims", mg.tile),
    "repeat_interleave": _repeat_interleave,
    "as_strided": _as_strided,
    "diag": lambda input, diagonal=0: mg.diag(input, diagonal),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: mg.diagonal(input, offset=offset, axis1=dim1, axis2=dim2),
    "diag_embed": _diag_embed,
    "diagflat": lambda input, offset=0: mg.diag(input.reshape(-1), offset),
    "trace": lambda input: mg.trace(input), "clone": lambda input, *, memory_format=None: input.clone(),
    "detach": lambda input: input.detach(),
    "gather": _gathered,
    "take": lambda input, index: input.reshape(-1)[_array(index)],
    "take_along_dim": lambda input, indices, dim=None: mg.take_along_axis(input.reshape(-1), _array(indices).reshape(-1), axis=0) if dim is None else mg.take_along_axis(*_broadcast_but(input, _array(indices), dim), axis=dim),
    "index_select": lambda input, dim, index: mg.index_select(_whole(input, dim)[0], dim, _array(index).reshape(-1)).reshape(() if input.ndim == 0 else (*input.shape[: (a := axis_of(dim, input.ndim))], _array(index).size, *input.shape[a + 1 :])),
    "masked_select": lambda input, mask: (parts := mg.broadcast_arrays(input, mask))[0][_array(parts[1]).astype(bool)],
    "cross": lambda input, other, dim=None: mg.cross(*mg.broadcast_arrays(input, other), axis=next(a for a, n in enumerate(input.shape) if n == 3) if dim is None else dim),
    "diff": lambda input, n=1, dim=-1, prepend=None, append=None: input.clone() if n == 0 else mg.diff(mg.concatenate([x for x in (prepend, input, append) if x is not None], dim), n, dim),
    "unique_consecutive": _count_runs, "unique": _unique,
}  # fmt: skip
"""Shapes and parts."""


SHAPES |= {
    f"{name}_copy": (lambda f: lambda *args, **settings: _cloned(f(*args, **settings)))(SHAPES[name])
    for name in "as_strided diagonal narrow permute squeeze t transpose unbind unsqueeze split_with_sizes".split()
}
SHAPES |= {"alias_copy": lambda input: input.clone(), "detach_copy": lambda input: input.detach().clone()}


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


REDUCTIONS: dict[str, Any] = {
    "sum": _reduced(mg.sum, each=True), "nansum": _reduced(mg.nansum, each=True),
    "mean": _reduced(mg.mean), "nanmean": _reduced(mg.nanmean),
    "prod": _reduced(mg.prod, each=True),
    "amax": _reduced(mg.max), "amin": _reduced(mg.min),
    "max": _extreme("max"), "min": _extreme("min"),
    "argmax": _position("argmax"), "argmin": _position("argmin"),
    "all": _logical("all"), "any": _logical("any"),
    "std": _spread("std"), "var": _spread("var"),
    "std_mean": _spread("std", mean=True), "var_mean": _spread("var", mean=True),
    "logsumexp": lambda input, dim, keepdim=False: mg.logsumexp(floating(input), axis=_axes(dim) if input.ndim else None, keepdims=keepdim and input.ndim > 0),
    "logcumsumexp": _logcumsumexp,
    "cummax": _running("max"), "cummin": _running("min"),
    "median": _median, "kthvalue": _kth,
    "quantile": _quantile,
    "norm": _norm, "dist": _dist,
    "sort": _sort, "argsort": _order, "msort": lambda input: _sort(input, 0).values,
    "topk": lambda input, k, dim=-1, largest=True, sorted=True: Pair(*(x[along(axis_of(dim, input.ndim), slice(k))] if input.ndim else x for x in _sort(input, dim, largest))),
    "aminmax": lambda input, *, dim=None, keepdim=False: Extremes(*(op(input, axis=dim if input.ndim else None, keepdims=keepdim and (dim is not None)) for op in (mg.min, mg.max))) ,
    "count_nonzero": lambda input, dim=None: _constant(np.count_nonzero(_array(input), axis=_axes(dim) if input.ndim else None)),
    "softmax": _softmax(mg.softmax), "log_softmax": _softmax(mg.log_softmax),
    "matmul": mg.matmul, "mm": mg.matmul, "bmm": mg.matmul, "mv": mg.matmul, "dot": mg.vecdot, "vdot": mg.vecdot,
    "inner": mg.inner, "outer": mg.outer, "ger": mg.outer, "kron": mg.kron,
    "chain_matmul": lambda *matrices: mg.linalg.multi_dot(matrices),
    "cov": _covariance, "corrcoef": _correlation,
    "trapezoid": _trapezoid, "trapz": _trapezoid, "cumulative_trapezoid": partial(_trapezoid, cumulative=True),
    "allclose": lambda input, other, rtol=1e-5, atol=1e-8, equal_nan=False: bool(np.allclose(_array(input), _array(other), rtol, atol, equal_nan)),
    "equal": lambda input, other: input.shape == other.shape and bool((_array(input) == _array(other)).all()),
    "isclose": lambda input, other, rtol=1e-5, atol=1e-8, equal_nan=False: _constant(np.isclose(_array(input), _array(other), rtol, atol, equal_nan)),
    "isin": lambda elements, test_elements, *, assume_unique=False, invert=False: _constant(np.isin(_array(elements), _array(test_elements), assume_unique, invert)),
    "isposinf": _by_numpy(np.isposinf), "isneginf": _by_numpy(np.isneginf), "signbit": _by_numpy(np.signbit),
    "isreal": lambda input: _constant(np.ones(input.shape, bool)),
    "argwhere": _by_numpy(np.argwhere),
    "nonzero": lambda input, *, as_tuple=False: tuple(map(_constant, np.nonzero(np.atleast_1d(_array(input))))) if as_tuple else _constant(np.argwhere(_array(input))),
    "bincount": lambda input, weights=None, minlength=0: _constant(np.bincount(_array(input), None if weights is None else _array(weights), minlength)),
    "bucketize": lambda input, boundaries, *, out_int32=False, right=False: _constant(np.searchsorted(_array(boundaries), _array(input), "right" if right else "left"), np.int32 if out_int32 else np.int64),
    "histc": lambda input, bins=100, min=0, max=0: _constant(np.histogram(x := _array(input), bins, None if min == max and not x.size else (x.min(), x.max()) if min == max == 0 else (min, max))[0], x.dtype),
    "det": mg.linalg.det, "logdet": lambda input: mg.where((parts := mg.linalg.slogdet(input))[0] < 0, np.nan, parts[1]),
    "slogdet": lambda input: Determinant(*mg.linalg.slogdet(input)), "inverse": mg.linalg.inv,
    "matrix_power": _power,
    "cholesky": lambda input, upper=False: mg.linalg.cholesky(input).mT if upper else mg.linalg.cholesky(input),
    "cholesky_solve": lambda input, L, upper=False: mg.linalg.solve(L.mT @ L if upper else L @ L.mT, input),
    "cholesky_inverse": lambda L, upper=False: mg.linalg.inv(L.mT @ L if upper else L @ L.mT),
    "mode": _most_frequent, "nanmedian": partial(_median, nans=True),
    "angle": lambda input: mg.where(np.isnan(_array(input)), input, mg.where(_array(input) < 0, math.pi, 0) + 0 * input),
    "numel": lambda input: int(input.size), "is_floating_point": lambda input: input.dtype.kind == "f",
    "is_complex": lambda input: False, "is_nonzero": lambda input: bool(input),
    "multinomial": lambda input, num_samples, replacement=False, *, generator=None: _constant(_drawn(_array(input), num_samples, replacement, generator)),
    "bernoulli": lambda input, p=None, *, generator=None: _constant(_generator(generator).uniform(size=input.shape) < (_array(input) if p is None else p), input.dtype),
}  # fmt: skip
"""Reductions, orders, products and questions."""


class Extremes(NamedTuple):
    """The smallest and the largest."""

    min: Any
    max: Any


class Determinant(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def _generator(generator: Any) -> Any:
    return mg.random.generator() if generator is None else generator


def _drawn(p: Any, n: int, replacement: bool, generator: Any) -> Any:
    rows = p.reshape(-1, p.shape[-1]) / p.sum(axis=-1, keepdims=True).reshape(-1, 1)
    draws = [_generator(generator).choice(len(row), n, replacement, row.astype(float) / row.astype(float).sum()) for row in rows]
    return np.array(draws).reshape(*p.shape[:-1], n)


FUNCTIONS_ONLY: dict[str, Any] = {
    "cat": lambda tensors, dim=0: _joined(tensors, dim), "concat": lambda tensors, dim=0: _joined(tensors, dim),
    "concatenate": lambda tensors, dim=0: _joined(tensors, dim),
    "stack": lambda tensors, dim=0: mg.stack(common(*tensors), dim),
    "hstack": lambda tensors: mg.hstack(common(*tensors)), "vstack": lambda tensors: mg.vstack(common(*tensors)),
    "row_stack": lambda tensors: mg.vstack(common(*tensors)), "dstack": lambda tensors: mg.dstack(common(*tensors)),
    "column_stack": lambda tensors: mg.column_stack(common(*tensors)),
    **{f"atleast_{n}d": (lambda n: lambda *tensors: getattr(mg, f"atleast_{n}d")(*_tensors(tensors)))(n) for n in (1, 2, 3)},
    "broadcast_tensors": lambda *tensors: tuple(mg.broadcast_arrays(*tensors)),
    "meshgrid": lambda *tensors, indexing="ij": tuple(mg.meshgrid(*_tensors(tensors), indexing=indexing)),
    "where": _where,
    "einsum": lambda equation, *operands: mg.einsum(equation, *_tensors(operands)),
    "tensordot": lambda a, b, dims=2: mg.tensordot(a, b, tuple(map(tuple, dims)) if np.ndim(dims) else dims),
    "cdist": _cdist, "block_diag": _block_diag, "cartesian_prod": lambda *tensors: _combined(*tensors),
    "combinations": _combinations, "searchsorted": _searchsorted,
    "vander": lambda x, N=None, increasing=False: _vander(x, N, increasing=increasing),
    "result_type": lambda tensor1, tensor2: named(result_type(tensor1, tensor2)),
    "promote_types": lambda type1, type2: named(promote(type1, type2)),
    "can_cast": lambda from_, to: np.can_cast(np.dtype(from_), np.dtype(to), "same_kind"),
    "is_tensor": lambda obj: isinstance(obj, Tensor),
    "broadcast_shapes": lambda *shapes: np.broadcast_shapes(*shapes),
    "normal": lambda mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, layout=None, pin_memory=None: _constant(_generator(generator).normal(_array(mean), _array(std), size), dtype or (result_type(*tensors) if (tensors := [x for x in (mean, std) if isinstance(x, Vertex)]) else default())),
}  # fmt: skip
"""Functions that are no methods."""


def _joined(tensors: Any, dim: int) -> Any:
    xs = [x for x in tensors if x.shape != (0,)] or list(tensors)[:1]  # an empty vector fits everywhere
    return mg.concatenate(common(*xs), dim)


METHODS_ONLY: dict[str, Any] = {
    "view": lambda input, *shape: input.to(shape[0]) if shape and not np.ndim(shape[0]) and not isinstance(shape[0], (int, np.integer)) else mg.reshape(input, shape=_listed(shape)),
    "view_as": lambda input, other: mg.reshape(input, shape=other.shape),
    "reshape_as": lambda input, other: mg.reshape(input, shape=other.shape),
    "expand": _many("size", lambda input, size: mg.expand(input, *size)),
    "expand_as": lambda input, other: mg.expand(input, *other.shape),
    "repeat": _many("repeats", mg.tile),
    "unfold": _windows, "sum_to_size": _sum_to_size,
    "where": lambda input, condition, other: _where(condition, input, other),
    "dim": lambda input: input.ndim, "ndimension": lambda input: input.ndim,
    "nelement": lambda input: int(input.size), "element_size": lambda input: input.data.itemsize,
    "type_as": lambda input, other: input.to(other.dtype),
    "is_contiguous": lambda input, memory_format=None: bool(input.data.flags.c_contiguous),
    "stride": lambda input, dim=None: (s := tuple(n // input.data.itemsize for n in input.data.strides)) if dim is None else input.data.strides[dim] // input.data.itemsize,
    "data_ptr": lambda input: input.data.ctypes.data, "get_device": lambda input: -1,
    **{name: (lambda kind: lambda input, memory_format=None: _cast(input, kind))(kind) for name, kind in zip("half float double char short int long byte bool".split(), "float16 float32 float64 int8 int16 int32 int64 uint8 bool".split(), strict=True)},
    "new_tensor": lambda input, data, *, dtype=None, device=None, requires_grad=False: wrapped(np.array(_array(data), dtype or input.dtype)).requires_grad_(requires_grad),
    **{f"new_{name}": (lambda name: lambda input, *size, dtype=None, device=None, requires_grad=False, **other: getattr(mg, name)(*_listed(size) and (_listed(size),) or ((),), dtype=dtype or input.dtype).requires_grad_(requires_grad))(name) for name in ("zeros", "ones", "empty")},
    "new_full": lambda input, size, fill_value, *, dtype=None, device=None, requires_grad=False: mg.full(tuple(size), fill_value, dtype or input.dtype).requires_grad_(requires_grad),
    "normal_": lambda input, mean=0, std=1, *, generator=None: input.copy_(_constant(_generator(generator).normal(mean, std, input.shape), input.dtype)),
    "uniform_": lambda input, low=0, high=1, *, generator=None: input.copy_(_constant(_generator(generator).uniform(low, high, input.shape), input.dtype)),
    "random_": lambda input, low=0, high=None, *, generator=None: input.copy_(_constant(_generator(generator).integers(*((0, low) if high is None else (low, high)), input.shape), input.dtype)),
    "bernoulli_": lambda input, p=0.5, *, generator=None: input.copy_(_constant(_generator(generator).uniform(size=input.shape) < _array(p), input.dtype)),
    "exponential_": lambda input, lambd=1, *, generator=None: input.copy_(_constant(_generator(generator).exponential(1 / lambd, input.shape), input.dtype)),
    "log_normal_": lambda input, mean=1, std=2, *, generator=None: input.copy_(_constant(_generator(generator).lognormal(mean, std, input.shape), input.dtype)),
    "geometric_": lambda input, p, *, generator=None: input.copy_(_constant(_generator(generator).geometric(p, input.shape), input.dtype)),
    "cauchy_": lambda input, median=0, sigma=1, *, generator=None: input.copy_(_constant(median + sigma * _generator(generator).standard_cauchy(input.shape), input.dtype)),
    "fill_diagonal_": lambda input, value, wrap=False: input.copy_(_diagonal_scatter(input, wrapped(np.full(builtins.min(input.shape), value, input.dtype)))),
    **{f"{name}_": (lambda name: lambda input, *args: input.copy_(SHAPES[name](input, *args)) if SHAPES[name](input, *args).shape == input.shape else _moved(input, SHAPES[name](input, *args)))(name) for name in ("unsqueeze", "squeeze", "t", "transpose")},
}  # fmt: skip
"""Methods that are no functions."""


def _moved(x: Any, z: Any) -> Any:
    raise RuntimeError(f"the shape of a tensor stays, {tuple(x.shape)}; {tuple(z.shape)} is a new one. Write t = t.squeeze().")


def _row(name: str, f: Any, prepare: Any = None) -> Any:
    """The function of a row: PyTorch's keywords, `out=`, the dtypes, and tensors of PyTorch as results."""

    def call(*args: Any, out: Any = None, **settings: Any) -> Any:
        for ours, theirs in (("axis", "dim"), ("keepdims", "keepdim")):
            if ours in settings:
                settings[theirs] = settings.pop(ours)
        if prepare is not None:
            args, settings = prepare(args, settings)
        try:
            z = as_torch(f(*args, **settings))
        except TypeError as error:
            if "() " in str(error) and ("argument" in str(error)):  # Python's own, of a row
                raise TypeError(f"{name}: {str(error).partition('() ')[2]}.") from None
            raise
        return z if out is None else _written(out, z)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"PyTorch's ``{name}``: see its documentation."
    return call


def _written(out: Any, z: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return type(z)(*map(_written, out, z)) if hasattr(z, "_fields") else tuple(map(_written, out, z))
    if out.shape != z.shape:
        raise RuntimeError(f"out: it is {tuple(out.shape)}, and the result {tuple(z.shape)}. Write z = f(x).")
    return out.copy_(z)


def _floats(args: Any, settings: Any) -> Any:
    return (floating(args[0]), *args[1:]) if args else args, {k: floating(v) if k == "input" else v for k, v in settings.items()}


_OPERANDS = {"input", "other", "exponent", "end", "weight", "tensor1", "tensor2"}


def _promoted(args: Any, settings: Any) -> Any:
    names = [key for key in settings if key in _OPERANDS]
    operands = iter(common(*args, *(settings[key] for key in names)))
    return tuple(next(operands) for _ in args), {**settings, **{key: next(operands) for key in names}}


def _in_place(name: str, f: Any) -> Any:
    """``t.name_(…)``: the function's result, written into the tensor."""

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        z = f(self, *args, **settings)
        if z.dtype.kind > self.dtype.kind == "b" or (z.dtype.kind == "f" and self.dtype.kind != "f"):
            raise RuntimeError(f"{name}_: the result is {named(z.dtype)} and does not fit into {named(self.dtype)}.")
        if z.shape != self.shape:
            raise RuntimeError(f"{name}_: the result is {tuple(z.shape)} and does not fit into {tuple(self.shape)}.")
        return self.copy_(z)

    method.__name__, method.__doc__ = f"{name}_", f"PyTorch's ``{name}``, written into the tensor; returns it."
    return method


def rows() -> tuple[dict[str, Any], dict[str, Any]]:
    """The functions of ``torch``, and the methods of its tensors, by name."""
    functions, methods = {}, {}
    for part, prepare in ((FLOATS, _floats), (ELEMENTWISE, _promoted), (UNARY, None), (SHAPES, None), (REDUCTIONS, None)):
        for name, f in part.items():
            functions[name] = methods[name] = _row(name, f, prepare)
            if part in (FLOATS, ELEMENTWISE, UNARY):
                methods[f"{name}_"] = _in_place(name, functions[name])
    functions |= {name: _row(name, f) for name, f in FUNCTIONS_ONLY.items()}
    methods |= {name: _row(name, f) for name, f in METHODS_ONLY.items()}
    return functions, methods
