"""Pooling over windows: the largest, the mean, and the mean over a fixed number of bins; each with its adjoint.

All of them go over the elements of the window, not over the windows: a 2×2 pool is four strided slices. Geometry as in
`micrograd_np.ops.windows`; places are static too, since PyTorch's `ceil_mode` lets a last window hang over the edge.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.primitive import primitive

from .domains import DISTINCT, REALS
from .windows import Lengths, Padding

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALL = slice(None)


def _seen(
    lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, places: Lengths
) -> Iterator[tuple[Any, Any]]:
    """For each element of the window: the places at which it lies inside the array, and where there, as indices."""
    axes = []
    for n, k, s, (low, _), e, p in zip(lengths, kernel, stride, padding, dilation, places, strict=True):
        found = []
        for i in range(k):
            at = i * e - low  # where it lies at the first place
            first = max(0, -(at // s))
            last = min(p, (n - 1 - at) // s + 1)
            if first < last:
                start = at + first * s
                found.append((slice(first, last), slice(start, start + (last - first - 1) * s + 1, s)))
        axes.append(found)
    for pairs in product(*axes):
        yield (..., *(pair[0] for pair in pairs)), (..., *(pair[1] for pair in pairs))


def _tiles(
    lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, places: Lengths
) -> bool:
    """Whether the windows lie side by side: every element of the array in exactly one."""
    plain = kernel == stride and max(dilation) == 1 and not any(map(any, padding))
    return plain and all(k * p == n for n, k, p in zip(lengths, kernel, places, strict=True))


_GEOMETRY = {"kernel": (3, 2), "stride": (2, 2), "padding": ((1, 1), (0, 1)), "dilation": (1, 1), "places": (3, 3)}
_PLAIN = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "places": (3, 3)}


@primitive(
    "max over {kernel} of {x}",
    domain=(DISTINCT,),
    shape="(2,6,6)->(2,3,3)",
    examples=(_PLAIN, {**_GEOMETRY, "padding": ((1, 1), (0, 0))}),
    onnx="MaxPool",
)
def max_pool(
    xp: Any,
    out: Any,
    x: Any,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    places: Lengths,
) -> Any:
    """The largest element of each window; nan if it holds one. Ties share the gradient equally. Padding never wins."""
    d = len(kernel)
    lengths = x.shape[-d:]
    parts = list(_seen(lengths, kernel, stride, padding, dilation, places))
    whole = all(there[1:] == tuple(slice(0, p) for p in places) for there, _ in parts)
    if out is ... and whole:
        (_, first), *rest = parts
        z = xp.maximum(x[first], x[rest.pop()[1]]) if rest else xp.array(x[first])
    else:
        lowest = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else -xp.inf
        z = xp.empty_like(x, shape=(*x.shape[:-d], *places)) if out is ... else out
        xp.copyto(z, lowest)
        rest = parts
    for there, where in rest:
        target = z[there]
        xp.maximum(target, x[where], out=target)
    return z


@primitive(
    "where max over {kernel} of {x}: {g}",
    domain=(REALS, DISTINCT, REALS),
    shape="(2,3,3),(2,6,6),(2,3,3)->(2,6,6)",
    examples=(_PLAIN,),
    not_differentiable=("x", "z"),
)
def max_pool_back(
    xp: Any,
    out: Any,
    g: Any,
    x: Any,
    z: Any,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    places: Lengths,
) -> Any:
    """`g` of each window to the elements of `x` that equal its largest, `z`, in equal shares."""
    d = len(kernel)
    lengths = x.shape[-d:]
    parts = list(_seen(lengths, kernel, stride, padding, dilation, places))
    winners, share = _winners(xp, x, z, parts, d)
    share = xp.true_divide(g, share, out=share) if share.dtype == g.dtype else xp.true_divide(g, share)
    apart = _tiles(lengths, kernel, stride, padding, dilation, places)
    result = xp.empty_like(x, dtype=g.dtype) if out is ... else out
    if not apart:
        xp.copyto(result, 0)
    for won, (there, where) in zip(winners, parts, strict=True):
        target = result[where]
        if apart:
            xp.multiply(share, won, out=target)
        else:
            xp.add(target, xp.multiply(share[there], won), out=target)
    return result


@primitive(
    "{y} where max over {kernel} of {x}",
    domain=(REALS, DISTINCT, REALS),
    shape="(2,6,6),(2,6,6),(2,3,3)->(2,3,3)",
    examples=(_PLAIN,),
    not_differentiable=("x", "z"),
)
def max_pool_pick(
    xp: Any,
    out: Any,
    y: Any,
    x: Any,
    z: Any,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    places: Lengths,
) -> Any:
    """From each window the mean of `y` over where `x` equals its largest, `z`: the adjoint of `max_pool_back`."""
    d = len(kernel)
    parts = list(_seen(x.shape[-d:], kernel, stride, padding, dilation, places))
    winners, share = _winners(xp, x, z, parts, d)
    total = xp.zeros_like(z, dtype=y.dtype)
    for won, (there, where) in zip(winners, parts, strict=True):
        target = total[there]
        xp.add(target, xp.multiply(y[where], won), out=target)
    return xp.true_divide(total, share, out=out)


def _winners(xp: Any, x: Any, z: Any, parts: list[tuple[Any, Any]], d: int) -> tuple[list[Any], Any]:
    """For each element of the window whether it is the largest, and in how many elements of each window that is so."""
    winners = [xp.equal(x[where], z[there]) for there, where in parts]
    count = xp.zeros_like(z)
    for won, (there, _) in zip(winners, parts, strict=True):
        target = count[there]
        xp.add(target, won, out=target)
    return winners, xp.maximum(count, 1, out=count)  # a window with nan in it has no largest, and passes nothing


max_pool.vjp(x=lambda g, z, x, **geometry: max_pool_back(g, x, z, **geometry))
max_pool_back.vjp(g=lambda h, r, g, x, z, **geometry: max_pool_pick(h, x, z, **geometry))
max_pool_pick.vjp(y=lambda g, r, y, x, z, **geometry: max_pool_back(g, x, z, **geometry))


def divisors(
    lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, places: Lengths, divide: int | str, dtype: Any
) -> Any:
    """What the sum of each window is divided by: a number, or an array where the windows at the edge count fewer.

    `divide` is a number, "padded" (padding counts too, what hangs over it does not) or "inside" (elements only).
    """
    if isinstance(divide, int):
        return divide
    counts = []
    for n, k, s, (low, high), p in zip(lengths, kernel, stride, padding, places, strict=True):
        left, right = (0, n) if divide == "inside" else (-low, n + high)
        starts = range(-low, -low + p * s, s)
        counts.append([max(1, min(start + k, right) - max(start, left)) for start in starts])
    if all(set(axis) == {k} for axis, k in zip(counts, kernel, strict=True)):
        return prod(kernel)
    return np.array([prod(at) for at in product(*counts)], dtype).reshape(places)


_MEAN = tuple(
    {**{k: v for k, v in each.items() if k != "dilation"}, "divide": divide}
    for each, divide in ((_PLAIN, "padded"), (_GEOMETRY, "padded"), (_GEOMETRY, "inside"))
)


@primitive("mean over {kernel} of {x}", domain=(REALS,), shape="(2,6,6)->(2,3,3)", examples=_MEAN, onnx="AveragePool")
def avg_pool(
    xp: Any,
    out: Any,
    x: Any,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Padding,
    places: Lengths,
    divide: int | str,
) -> Any:
    """The mean of each window, or its sum over the number `divide`; see `divisors`."""
    d = len(kernel)
    lengths = x.shape[-d:]
    parts = _seen(lengths, kernel, stride, padding, (1,) * d, places)
    z = xp.empty_like(x, shape=(*x.shape[:-d], *places)) if out is ... else out
    xp.copyto(z, 0)
    for there, where in parts:
        target = z[there]
        xp.add(target, x[where], out=target)
    return xp.true_divide(z, divisors(lengths, kernel, stride, padding, places, divide, x.dtype), out=z)


@primitive(
    "spread {x} over {kernel}",
    domain=(REALS,),
    shape="(2,3,3)->(2,6,6)",
    examples=tuple({**each, "lengths": (6, 6)} for each in _MEAN),
)
def avg_pool_back(
    xp: Any,
    out: Any,
    x: Any,
    *,
    lengths: Lengths,
    kernel: Lengths,
    stride: Lengths,
    padding: Padding,
    places: Lengths,
    divide: int | str,
) -> Any:
    """Each element spread evenly over its window in an array of `lengths`: the adjoint of `avg_pool`."""
    d = len(kernel)
    share = xp.true_divide(x, divisors(lengths, kernel, stride, padding, places, divide, x.dtype))
    z = xp.empty_like(share, shape=(*x.shape[:-d], *lengths)) if out is ... else out
    apart = _tiles(lengths, kernel, stride, padding, (1,) * d, places)
    if not apart:
        xp.copyto(z, 0)
    for there, where in _seen(lengths, kernel, stride, padding, (1,) * d, places):
        if apart:
            xp.copyto(z[where], share)
        else:
            target = z[where]
            xp.add(target, share[there], out=target)
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


@primitive("mean of {x} in {size} bins", domain=(REALS,), shape="(2,5,3)->(2,3,3)", examples=({"size": 3, "axis": -2},))
def bin_means(xp: Any, out: Any, x: Any, *, size: int, axis: int) -> Any:
    """The mean of each of `size` bins along `axis` (negative): the adaptive pool of one axis."""
    tail = (_ALL,) * (-axis - 1)
    z = xp.empty_like(x, shape=(*x.shape[:axis], size, *x.shape[x.ndim + axis + 1 :])) if out is ... else out
    for i, where in enumerate(bins(x.shape[axis], size)):
        target = z[(..., i, *tail)]
        xp.add.reduce(x[(..., where, *tail)], axis=axis, out=target)
        xp.true_divide(target, where.stop - where.start, out=target)
    return z


@primitive("spread {x} over bins", domain=(REALS,), shape="(2,3,3)->(2,5,3)", examples=({"length": 5, "axis": -2},))
def bin_spread(xp: Any, out: Any, x: Any, *, length: int, axis: int) -> Any:
    """Each element along `axis` (negative) spread evenly over its bin of `length`: the adjoint of `bin_means`."""
    tail = (_ALL,) * (-axis - 1)
    z = xp.empty_like(x, shape=(*x.shape[:axis], length, *x.shape[x.ndim + axis + 1 :])) if out is ... else out
    xp.copyto(z, 0)
    for i, where in enumerate(bins(length, x.shape[axis])):
        target = z[(..., where, *tail)]
        xp.add(target, xp.true_divide(x[(..., slice(i, i + 1), *tail)], where.stop - where.start), out=target)
    return z


bin_means.vjp(x=lambda g, z, x, size, axis: bin_spread(g, length=x.shape[axis], axis=axis))
bin_spread.vjp(x=lambda g, z, x, length, axis: bin_means(g, size=x.shape[axis], axis=axis))
