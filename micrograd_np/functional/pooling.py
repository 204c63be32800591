"""Pooling under PyTorch's names: channels first, over one, two or three spatial axes."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import require_value
from micrograd_np.engine.constant import constant
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.arrange import pad
from micrograd_np.numpy_api.elementary import floor
from micrograd_np.numpy_api.order import argmax, take_along_axis
from micrograd_np.numpy_api.torch_names import scatter
from micrograd_np.ops.axes import within
from micrograd_np.ops.choice import masked_zero, maximum, where
from micrograd_np.ops.comparison import equal
from micrograd_np.ops.fused import pooling
from micrograd_np.ops.fused.windows import Geometry, Lengths, unfold
from micrograd_np.ops.index import view
from micrograd_np.ops.reduce import max as greatest
from micrograd_np.ops.shape import concatenate, reshape
from micrograd_np.ops.state import astype
from micrograd_np.ops.transcendental import power

from .dimensions import Size, batched, over_axes, paddings, per_axis
from .operands import as_floats


def _geometry(
    name: str, d: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Geometry:
    """The windows of a pool over `x`; ValueError for settings that do not fit it."""
    (kernel,) = per_axis(d, kernel_size=kernel_size)
    stride = kernel if stride is None else stride
    settings = per_axis(d, stride=stride, padding=padding, dilation=dilation)
    return _windows(name, x.shape, kernel, *settings, bool(ceil_mode))


@lru_cache(maxsize=256)
def _windows(
    name: str, shape: Lengths, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, ceil_mode: bool
) -> Geometry:
    places = []
    for n, k, s, p, e in zip(shape[2:], kernel, stride, padding, dilation, strict=True):
        span = (k - 1) * e + 1
        if 2 * p > span:
            raise ValueError(f"{name}: padding={p} is more than half of the window, which spans {span}; pad less.")
        room = n + 2 * p - span
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1  # PyTorch: the last window has to start inside
        if count < 1:
            message = f"{name}: input is {shape}, and a window that spans {span} does not fit into {n} padded by {p}."
            raise ValueError(message)
        places.append(count)
    return Geometry(shape[2:], kernel, stride, paddings(padding, kernel, dilation), dilation, tuple(places))


def _max_pool(
    d: int,
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: ``(n, c, {axes}) -> (n, c, {places})``.

    `stride` is the size of the window unless given. Tied elements share the gradient equally, where PyTorch gives it to
    the first. Padding never wins. With `ceil_mode` a last window may hang over the edge. With `return_indices` the
    result is a pair: also the index of each largest element in its flattened channel; of several, the first.
    ValueError for a window that does not fit, and for a padding of more than half of it.

    >>> max_pool{d}d(Tensor([[{open}[1.0, 5.0, 2.0, 3.0]{close}]]), {window})
    Tensor([[{open}[5., 3.]{close}]])
    """
    name = f"max_pool{d}d"
    x, single = batched(name, input, d)
    geometry = _geometry(name, d, x, kernel_size, stride, padding, dilation, ceil_mode)
    results = [pooling.max_pool(x, **geometry.settings)]
    if return_indices:
        results.append(_indices(x, geometry))
    results = [view(z, index=0) if single else z for z in results]
    return tuple(results) if return_indices else results[0]


def _indices(x: Any, geometry: Geometry) -> Tensor:
    """Where each window's largest element lies in its flattened channel; of several, the first."""
    lengths, kernel, stride, padding, dilation, places = geometry
    spans = [(p - 1) * s + (k - 1) * e + 1 for p, s, k, e in zip(places, stride, kernel, dilation, strict=True)]
    widths = [(low, max(0, span - n - low)) for (low, _), span, n in zip(padding, spans, lengths, strict=True)]
    floating = x.dtype.kind == "f"
    lowest = -np.inf if floating else np.iinfo(x.dtype).min
    with no_grad():
        finite = maximum(x, float(np.finfo(x.dtype).min)) if floating else x  # so that −∞ still wins over padding
        wide = pad(finite, [(0, 0), (0, 0), *widths], constant_values=lowest)
        none = ((0, 0),) * len(kernel)
        columns = unfold(wide, kernel=kernel, stride=stride, padding=none, dilation=dilation)
        winners = argmax(reshape(columns, shape=(*x.shape[:2], prod(kernel), prod(places))), axis=2)
    grid = np.zeros((1, 1), np.int64)  # for each element of the window and each place, its index in the channel
    for n, k, s, (low, _), e, p in zip(lengths, kernel, stride, padding, dilation, places, strict=True):
        axis = np.arange(k)[:, None] * e + np.arange(p) * s - low
        grid = (grid[:, None, :, None] * n + axis[None, :, None, :]).reshape(len(grid) * k, -1)
    indices = constant(grid)[winners, constant(np.arange(prod(places)))]
    return reshape(indices, shape=(*x.shape[:2], *places))


def _max_unpool(
    d: int,
    input: Any,
    indices: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Each element where max pooling took it from, zeros elsewhere: ``(n, c, {places}) -> (n, c, {axes})``.

    `input` and `indices` are those of `max_pool{d}d` with `return_indices`, with the same window, `stride` and
    `padding`. Inputs of several lengths have one pool: the result has the shortest, or `output_size`, the lengths or
    the whole shape. Of several elements for one place the last stays. ValueError for shapes that do not fit, IndexError
    for an index outside.

    >>> z, at = max_pool{d}d(Tensor([[{open}[1.0, 5.0, 2.0, 3.0]{close}]]), {window}, return_indices=True)
    >>> max_unpool{d}d(z, at, {window})
    Tensor([[{open}[0., 5., 0., 3.]{close}]])
    """
    name = f"max_unpool{d}d"
    x, single = batched(name, input, d)
    at, _ = batched(name, indices, d)
    if at.shape != x.shape:
        raise ValueError(f"{name}: input is {np.shape(input)} and indices {np.shape(indices)}; give both one shape.")
    (kernel,) = per_axis(d, kernel_size=kernel_size)
    steps, padded = per_axis(d, stride=kernel if stride is None else stride, padding=padding)
    least = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(x.shape[2:], steps, padded, kernel, strict=True))
    lengths = least if output_size is None else tuple(output_size)[-d:]
    if len(lengths) != d or any(abs(n - m) >= s for n, m, s in zip(lengths, least, steps, strict=True)):
        raise ValueError(
            f"{name}: output_size is {output_size}; each length must be nearer than the stride, {steps}, to {least}."
        )
    zeros = np.zeros((*x.shape[:2], prod(lengths)), x.dtype)
    flat = [reshape(a, shape=(*x.shape[:2], prod(x.shape[2:]))) for a in (at, x)]
    z = reshape(scatter(constant(zeros), -1, *flat), shape=(*x.shape[:2], *lengths))
    return view(z, index=0) if single else z


def _avg_pool(
    d: int,
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: ``(n, c, {axes}) -> (n, c, {places})``.

    The zeros of the padding count as elements unless `count_include_pad` is False; in `avg_pool2d` and `avg_pool3d`,
    `divisor_override` replaces the number of elements. `stride`, `ceil_mode` and errors as in `max_pool{d}d`.
    ValueError also for a divisor of 0.

    >>> avg_pool{d}d(Tensor([[{open}[1.0, 5.0, 2.0, 3.0]{close}]]), {window})
    Tensor([[{open}[3. , 2.5]{close}]])
    """
    name = f"avg_pool{d}d"
    x, single = batched(name, as_floats(input), d)
    settings = _geometry(name, d, x, kernel_size, stride, padding, 1, ceil_mode).settings
    del settings["dilation"]
    if divisor_override == 0:
        raise ValueError(f"{name}: divisor_override must not be 0; leave it out to divide by the number of elements.")
    divide = divisor_override or ("padded" if count_include_pad else "inside")
    z = pooling.avg_pool(x, divide=divide, **settings)
    return view(z, index=0) if single else z


def _adaptive_avg_pool(d: int, input: Any, output_size: Any) -> Tensor:
    """The mean over bins of any input size: ``(n, c, {axes}) -> (n, c, *output_size)``; None keeps a length.

    ValueError for an empty axis.

    >>> adaptive_avg_pool{d}d(Tensor([[{open}[1.0, 2.0, 3.0, 4.0, 5.0]{close}]]), {window})  # 1 to 3, and 3 to 5
    Tensor([[{open}[2., 4.]{close}]])
    """
    name = f"adaptive_avg_pool{d}d"
    x, single = batched(name, as_floats(input), d)
    for axis, size in enumerate(_output_sizes(name, x, output_size), -d):
        if size != x.shape[axis]:
            x = pooling.bin_means(x, size=size, axis=axis)
    return view(x, index=0) if single else x


def _output_sizes(name: str, x: Any, output_size: Any) -> Lengths:
    """How many bins there are along each spatial axis of `x`; ValueError for an empty one."""
    lengths = x.shape[2:]
    if not all(lengths):
        raise ValueError(f"{name}: input is {x.shape}; there is nothing to pool along an empty axis.")
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * len(lengths)
    if len(sizes) == len(lengths):
        sizes = tuple(n if size is None else size for size, n in zip(sizes, lengths, strict=True))
    return per_axis(len(lengths), output_size=sizes)[0]


def _adaptive_max_pool(d: int, input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of bins of any input size: ``(n, c, {axes}) -> (n, c, *output_size)``; None keeps a length.

    Bins, ties and `return_indices` as in `adaptive_avg_pool{d}d` and `max_pool{d}d`. ValueError for an empty axis.

    >>> adaptive_max_pool{d}d(Tensor([[{open}[1.0, 2.0, 3.0, 4.0, 5.0]{close}]]), {window})  # 1 to 3, and 3 to 5
    Tensor([[{open}[3., 5.]{close}]])
    """
    name = f"adaptive_max_pool{d}d"
    x, single = batched(name, as_floats(input), d)
    lengths, sizes = x.shape[2:], _output_sizes(name, x, output_size)
    if not any(n % m for n, m in zip(lengths, sizes, strict=True)):  # bins that do not overlap
        kernel = tuple(n // m for n, m in zip(lengths, sizes, strict=True))
        return _max_pool(d, x[0] if single else x, kernel, return_indices=return_indices)
    at, inside = _bin_indices(lengths, sizes)
    elements = reshape(x, shape=(*x.shape[:2], prod(lengths)))[:, :, constant(at)]
    elements = where(constant(inside), elements, -np.inf)
    results = [reshape(greatest(elements, axis=2), shape=(*x.shape[:2], *sizes))]
    if return_indices:
        winners = constant(at)[argmax(elements.detach(), axis=2), constant(np.arange(prod(sizes)))]
        results.append(reshape(winners, shape=results[0].shape))
    results = [view(z, index=0) if single else z for z in results]
    return tuple(results) if return_indices else results[0]


@lru_cache(maxsize=64)
def _bin_indices(lengths: Lengths, sizes: Lengths) -> tuple[Any, Any]:
    """The flat indices of the elements of each bin, (most in one, bins), and which of them are inside."""
    at, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    for n, m in zip(lengths, sizes, strict=True):
        starts, stops = (np.array(ends) for ends in zip(*((b.start, b.stop) for b in pooling.bins(n, m)), strict=True))
        axis = starts + np.arange(max(stops - starts))[:, None]
        k = len(at) * len(axis)
        at = (at[:, None, :, None] * n + np.minimum(axis, n - 1)[None, :, None, :]).reshape(k, -1)
        inside = (inside[:, None, :, None] & (axis < stops)[None, :, None, :]).reshape(k, -1)
    return at, inside


def _fractional_max_pool(
    d: int,
    input: Any,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The largest element of windows at random distances that add up to `output_size`, or to that share of a length.

    ``(n, c, {axes}) -> (n, c, {places})``; distances are drawn for each channel. With `return_indices` as in
    `max_pool{d}d`. ValueError unless one of `output_size` and `output_ratio` is given, and for windows that do not fit.
    Source: Graham (2014), arXiv:1412.6071, eq. 1.

    >>> fractional_max_pool{d}d(Tensor([[{open}[1.0, 5.0, 2.0, 3.0]{close}]]), {window}, {window}).shape[-1]
    2
    """
    name = f"fractional_max_pool{d}d"
    x, single = batched(name, as_floats(input), d)
    n, c, *lengths = x.shape
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name}: give one of output_size and output_ratio.")
    if output_size is None:
        shares = output_ratio if np.ndim(output_ratio) else (output_ratio,) * d
        output_size = tuple(int(m * share) for m, share in zip(lengths, shares, strict=True))
    kernel, sizes = per_axis(d, kernel_size=kernel_size, output_size=output_size)
    if any(m + k - 1 > length for length, k, m in zip(lengths, kernel, sizes, strict=True)):
        raise ValueError(f"{name}: input is {x.shape}; {sizes} windows of {kernel} do not fit.")
    u = random.uniform(size=(n, c, d), dtype=x.dtype) if _random_samples is None else as_floats(_random_samples)
    at: Any = 0
    order = range(d) if d == 3 else reversed(range(d))  # PyTorch draws for an image's columns first
    for axis, draw in enumerate(order):
        length, k, m = lengths[axis], kernel[axis], sizes[axis]
        step = (length - k) / (m - 1) if m > 1 else 0.0
        drawn = view(u, index=(..., draw, None))
        starts = floor((constant(np.arange(m - 1.0, dtype=x.dtype)) + drawn) * step) - floor(drawn * step)
        last = constant(np.full((n, c, 1), length - k, x.dtype))
        own, wide = [1] * (2 * d), [1] * (2 * d)
        own[axis], wide[axis + d] = m, k
        starts = reshape(astype(concatenate(starts, last, axis=-1), dtype=np.int64), shape=(n, c, *own))
        at = at * length + starts + constant(np.arange(k).reshape(wide))
    places, elements = prod(sizes), prod(kernel)
    flat, at = reshape(x, shape=(n, c, prod(lengths))), reshape(at, shape=(n, c, places * elements))
    windows = reshape(take_along_axis(flat, at, axis=2), shape=(n, c, places, elements))
    results = [reshape(greatest(windows, axis=-1), shape=(n, c, *sizes))]
    if return_indices:
        winners = reshape(argmax(windows.detach(), axis=-1), shape=(n, c, places, 1))
        at = reshape(at, shape=(n, c, places, elements))
        results.append(reshape(take_along_axis(at, winners, axis=-1), shape=(n, c, *sizes)))
    results = [view(z, index=0) if single else z for z in results]
    return tuple(results) if return_indices else results[0]


def _lp_pool(
    d: int, input: Any, norm_type: float, kernel_size: Size, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window, p being `norm_type`: ``(n, c, {axes}) -> (n, c, {places})``.

    An odd p of negative elements gives nan, as in PyTorch. For other p than 1, the subgradient is 0 where the
    sum is 0. `stride`, `ceil_mode` and errors as in `max_pool{d}d`; a window that hangs over the edge counts as a whole
    one. ValueError for a `norm_type` of 0.

    >>> lp_pool{d}d(Tensor([[{open}[3.0, 4.0]{close}]]), 2, {window})
    Tensor([[{open}[5.]{close}]])
    """
    name = f"lp_pool{d}d"
    x, single = batched(name, as_floats(input), d)
    require_value(name, "norm_type", norm_type, within(norm_type, "norm_type") and norm_type != 0, "a number but 0")
    settings = _geometry(name, d, x, kernel_size, stride, 0, 1, ceil_mode).settings
    del settings["dilation"]
    total = pooling.avg_pool(power(x, norm_type), divide="padded", **settings) * prod(settings["kernel"])
    if norm_type == 1:
        z = total
    else:
        zero = equal(total, 0)
        z = masked_zero(power(where(zero, 1, total), 1 / norm_type), zero)
    return view(z, index=0) if single else z


max_pool1d, max_pool2d, max_pool3d = over_axes(_max_pool)
max_unpool1d, max_unpool2d, max_unpool3d = over_axes(_max_unpool)
avg_pool1d, avg_pool2d, avg_pool3d = over_axes(_avg_pool, not_in_1d="divisor_override")
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = over_axes(_adaptive_avg_pool)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = over_axes(_adaptive_max_pool)
fractional_max_pool2d, fractional_max_pool3d = over_axes(_fractional_max_pool)[1:]
lp_pool1d, lp_pool2d, lp_pool3d = over_axes(_lp_pool)
