"""Pooling over windows: the largest, the mean, and the mean over a fixed number of bins; each with its adjoint.

The largest and the sum are taken along one axis after the other, so that a k×k window costs 2k passes, not k². A pass
goes over the elements of the kernel, not over the windows: a pool of 2 takes two strided slices. The windows are those
of a `Geometry`; places are static too, since PyTorch's `ceil_mode` lets a last window hang over the edge.
"""

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.domains import DISTINCT, REALS
from micrograd_np.core.primitive import primitive

from .windows import Geometry, Lengths, Padding, stretch

_ALL = slice(None)
_INT8 = 127  # the largest count that an int8 holds


@lru_cache(maxsize=256)  # layers ask for the same few windows in every step
def _of_axis(geometry: Geometry, axis: int) -> list[tuple[slice, slice]]:
    """Along an axis, for each element of the kernel: the places where it lies inside the array, and which elements."""
    settings: tuple[Any, ...] = geometry
    n, k, stride, (low, _), dilation, places = (setting[axis] for setting in settings)
    pairs = []
    for i in range(k):
        offset = i * dilation - low  # the element at the first place
        first, last = max(0, -(offset // stride)), min(places, (n - 1 - offset) // stride + 1)
        if first < last:
            elements = stretch(offset + first * stride, last - first, stride, n)
            pairs.append((stretch(first, last - first, 1, places), elements))
    return pairs


def _part(x: Any, where: tuple[slice, ...]) -> Any:
    """`x` at slices of its last axes; itself where these are all of it."""
    return x if all(s == _ALL for s in where) else x[(..., *where)]


@lru_cache(maxsize=256)
def _slices(geometry: Geometry) -> list[tuple[Any, Any]]:
    """As `_of_axis`, along all axes: for each element of the kernel, slices of places and of the array."""
    pairs = product(*(_of_axis(geometry, i) for i in range(len(geometry.kernel))))
    return [(tuple(places for places, _ in at), tuple(elements for _, elements in at)) for at in pairs]


def _gathered(xp: Any, out: Any, combine: Any, nothing: Any, x: Any, geometry: Geometry) -> Any:
    """The elements of each window, combined along one axis after the other; `nothing` for a window of padding alone."""
    d = len(geometry.kernel)
    if out is not ... and xp.may_share_memory(out, x):
        xp.copyto(out, _gathered(xp, ..., combine, nothing, x, geometry))
        return out
    trivial = [(1, 1, 0, n) == (k, s, low, p) for n, k, s, (low, _), _, p in zip(*geometry, strict=True)]
    axes = [i for i in range(d) if not trivial[i]] or [d - 1]
    z = x
    for i in axes:
        tail = (_ALL,) * (d - 1 - i)
        target = out if i == axes[-1] else ...
        z = _combined(xp, target, combine, nothing, z, _of_axis(geometry, i), geometry.places[i], tail)
    return z


def _combined(
    xp: Any, out: Any, combine: Any, nothing: Any, x: Any, slices: list[tuple[slice, slice]], places: int, tail: Any
) -> Any:
    """The same along one axis, which `tail` follows."""
    everywhere = [elements for at, elements in slices if at == _ALL]
    rest = [pair for pair in slices if pair[0] != _ALL]
    if len(everywhere) > 1:
        combined = combine(_part(x, (everywhere[0], *tail)), _part(x, (everywhere[1], *tail)), out=out)
    else:
        shape = (*x.shape[: -len(tail) - 1], places, *x.shape[x.ndim - len(tail) :])
        combined = xp.empty_like(x, shape=shape) if out is ... else out
        xp.copyto(combined, _part(x, (everywhere[0], *tail)) if everywhere else nothing)
    for at, elements in [*((_ALL, elements) for elements in everywhere[2:]), *rest]:
        target = _part(combined, (at, *tail))
        combine(target, _part(x, (elements, *tail)), out=target)
    return combined


def _tiles(geometry: Geometry) -> bool:
    """Whether the windows lie side by side: every element of the array in exactly one."""
    lengths, kernel, stride, padding, dilation, places = geometry
    plain = kernel == stride and max(dilation) == 1 and not any(map(any, padding))
    return plain and all(k * p == n for n, k, p in zip(lengths, kernel, places, strict=True))


_GEOMETRY = {"kernel": (3, 2), "stride": (2, 2), "padding": ((1, 1), (0, 1)), "dilation": (1, 1), "places": (3, 3)}
_PLAIN = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "places": (3, 3)}


@primitive(
    "max over {kernel} of {x}", domain=(DISTINCT,), shape="(2,6,6)->(2,3,3)", onnx="MaxPool",
    examples=(_PLAIN, {**_GEOMETRY, "padding": ((1, 1), (0, 0))}),
)  # fmt: skip
def max_pool(
    xp: Any, out: Any, x: Any, *, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, places: Lengths
) -> Any:
    """The largest element of each window; nan if it holds one. Ties share the gradient equally. Padding never wins."""
    kind, geometry = x.dtype.kind, Geometry(x.shape[-len(kernel) :], kernel, stride, padding, dilation, places)
    lowest = xp.iinfo(x.dtype).min if kind in "iu" else False if kind == "b" else -xp.inf
    return _gathered(xp, out, xp.maximum, lowest, x, geometry)


@primitive(
    "where max over {kernel} of {x}: {g}", domain=(REALS, DISTINCT, REALS), examples=(_PLAIN,),
    shape="(2,3,3),(2,6,6),(2,3,3)->(2,6,6)", not_differentiable=("x", "z"),
)  # fmt: skip
def max_pool_back(
    xp: Any, out: Any, g: Any, x: Any, z: Any,
    *, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, places: Lengths,
) -> Any:  # fmt: skip
    """`g` of each window to the elements of `x` that equal its largest, `z`, in equal shares."""
    geometry = Geometry(x.shape[-len(kernel) :], kernel, stride, padding, dilation, places)
    slices = _slices(geometry)
    winners, count = _winners(xp, x, z, slices)
    share = xp.true_divide(g, count, out=xp.empty_like(z, dtype=g.dtype))
    tiles = _tiles(geometry)
    result = xp.empty_like(x, dtype=g.dtype) if out is ... else out
    if not tiles:
        xp.copyto(result, 0)
    for won, (at, elements) in zip(winners, slices, strict=True):
        target = _part(result, elements)
        if tiles:
            xp.multiply(share, won, out=target)
        else:
            xp.add(target, xp.multiply(_part(share, at), won), out=target)
    return result


@primitive(
    "{y} where max over {kernel} of {x}", domain=(REALS, DISTINCT, REALS), examples=(_PLAIN,),
    shape="(2,6,6),(2,6,6),(2,3,3)->(2,3,3)", not_differentiable=("x", "z"),
)  # fmt: skip
def max_pool_pick(
    xp: Any, out: Any, y: Any, x: Any, z: Any,
    *, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, places: Lengths,
) -> Any:  # fmt: skip
    """From each window the mean of `y` over where `x` equals its largest, `z`: the adjoint of `max_pool_back`."""
    slices = _slices(Geometry(x.shape[-len(kernel) :], kernel, stride, padding, dilation, places))
    winners, count = _winners(xp, x, z, slices)
    total = xp.zeros_like(z, dtype=y.dtype)
    for won, (at, elements) in zip(winners, slices, strict=True):
        target = _part(total, at)
        xp.add(target, xp.multiply(_part(y, elements), won), out=target)
    return xp.true_divide(total, count, out=out)


def _winners(xp: Any, x: Any, z: Any, slices: list[tuple[Any, Any]]) -> tuple[list[Any], Any]:
    """For each element of the kernel whether it is the largest, and how many of each window are, but at least 1."""
    winners = [xp.equal(_part(x, elements), _part(z, at)) for at, elements in slices]
    count = xp.zeros_like(z, dtype=np.int8 if len(slices) <= _INT8 else np.int32)
    for won, (at, _) in zip(winners, slices, strict=True):
        target = _part(count, at)
        xp.add(target, won, out=target)
    return winners, xp.add(count, xp.equal(count, 0), out=count)  # a window with nan in it has none, and passes nothing


max_pool.vjp(x=lambda g, z, x, **geometry: max_pool_back(g, x, z, **geometry))
max_pool_back.vjp(g=lambda h, r, g, x, z, **geometry: max_pool_pick(h, x, z, **geometry))
max_pool_pick.vjp(y=lambda g, r, y, x, z, **geometry: max_pool_back(g, x, z, **geometry))


def window_sizes(geometry: Geometry, divide: int | str, dtype: Any) -> Any:
    """What the sum of each window is divided by: a number, or an array where the windows at the edge count fewer.

    `divide` is a number, "padded" (padding counts too, what hangs over it does not) or "inside" (elements only).
    """
    if isinstance(divide, int):
        return divide
    counts = []
    for n, k, s, (low, high), _, p in zip(*geometry, strict=True):
        left, right = (0, n) if divide == "inside" else (-low, n + high)
        starts = range(-low, -low + p * s, s)
        counts.append([max(1, min(start + k, right) - max(start, left)) for start in starts])
    if all(set(axis) == {k} for axis, k in zip(counts, geometry.kernel, strict=True)):
        return prod(geometry.kernel)
    return np.array([prod(at) for at in product(*counts)], dtype).reshape(geometry.places)


_MEAN = tuple(
    {**{k: v for k, v in each.items() if k != "dilation"}, "divide": divide}
    for each, divide in ((_PLAIN, "padded"), (_GEOMETRY, "padded"), (_GEOMETRY, "inside"))
)


@primitive("mean over {kernel} of {x}", domain=(REALS,), shape="(2,6,6)->(2,3,3)", examples=_MEAN, onnx="AveragePool")
def avg_pool(
    xp: Any, out: Any, x: Any, *, kernel: Lengths, stride: Lengths, padding: Padding, places: Lengths, divide: int | str
) -> Any:
    """The mean of each window, or its sum over the number `divide`; see `window_sizes`."""
    geometry = Geometry(x.shape[-len(kernel) :], kernel, stride, padding, (1,) * len(kernel), places)
    z = _gathered(xp, out, xp.add, 0, x, geometry)
    return xp.true_divide(z, window_sizes(geometry, divide, x.dtype), out=z)


@primitive(
    "spread {x} over {kernel}", domain=(REALS,), shape="(2,3,3)->(2,6,6)",
    examples=tuple({**each, "lengths": (6, 6)} for each in _MEAN),
)  # fmt: skip
def avg_pool_back(
    xp: Any, out: Any, x: Any,
    *, lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, places: Lengths, divide: int | str,
) -> Any:  # fmt: skip
    """Each element spread evenly over its window in an array of `lengths`: the adjoint of `avg_pool`."""
    geometry = Geometry(lengths, kernel, stride, padding, (1,) * len(kernel), places)
    share = xp.true_divide(x, window_sizes(geometry, divide, x.dtype))
    z = xp.empty_like(share, shape=(*x.shape[: -len(kernel)], *lengths)) if out is ... else out
    tiles = _tiles(geometry)
    if not tiles:
        xp.copyto(z, 0)
    for at, elements in _slices(geometry):
        target = _part(z, elements)
        if tiles:
            xp.copyto(target, share)
        else:
            xp.add(target, _part(share, at), out=target)
    return z


avg_pool.vjp(
    x=lambda g, z, x, kernel, **geometry: avg_pool_back(g, lengths=x.shape[-len(kernel) :], kernel=kernel, **geometry)
)
avg_pool_back.vjp(x=lambda g, z, x, lengths, **geometry: avg_pool(g, **geometry))


def bins(length: int, size: int) -> list[slice]:
    """`size` stretches that cover `length`, as even as whole numbers allow; they overlap where it does not divide.

    >>> bins(5, 2)
    [slice(0, 3, None), slice(2, 5, None)]
    """
    return [slice(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]


def _resized(xp: Any, out: Any, x: Any, axis: int, length: int) -> Any:
    """Memory for `x` with another length of one axis (negative)."""
    return xp.empty_like(x, shape=(*x.shape[:axis], length, *x.shape[x.ndim + axis + 1 :])) if out is ... else out


@primitive("mean of {x} in {size} bins", domain=(REALS,), shape="(2,5,3)->(2,3,3)", examples=({"size": 3, "axis": -2},))
def bin_means(xp: Any, out: Any, x: Any, *, size: int, axis: int) -> Any:
    """The mean of each of `size` bins along `axis` (negative): the adaptive pool of one axis."""
    z, tail = _resized(xp, out, x, axis, size), (_ALL,) * (-axis - 1)
    for i, where in enumerate(bins(x.shape[axis], size)):
        target = z[(..., i, *tail)]
        xp.add.reduce(x[(..., where, *tail)], axis=axis, out=target)
        xp.true_divide(target, where.stop - where.start, out=target)
    return z


@primitive("spread {x} over bins", domain=(REALS,), shape="(2,3,3)->(2,5,3)", examples=({"length": 5, "axis": -2},))
def bin_spread(xp: Any, out: Any, x: Any, *, length: int, axis: int) -> Any:
    """Each element along `axis` (negative) spread evenly over its bin of `length`: the adjoint of `bin_means`."""
    z, tail = _resized(xp, out, x, axis, length), (_ALL,) * (-axis - 1)
    xp.copyto(z, 0)
    for i, where in enumerate(bins(length, x.shape[axis])):
        target = z[(..., where, *tail)]
        xp.add(target, xp.true_divide(x[(..., slice(i, i + 1), *tail)], where.stop - where.start), out=target)
    return z


bin_means.vjp(x=lambda g, z, x, size, axis: bin_spread(g, length=x.shape[axis], axis=axis))
bin_spread.vjp(x=lambda g, z, x, length, axis: bin_means(g, size=x.shape[axis], axis=axis))
