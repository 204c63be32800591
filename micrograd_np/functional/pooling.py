"""Pooling under PyTorch's names: channels first, one spatial axis or two."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.engine.constant import constant
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.arrange import pad
from micrograd_np.numpy_api.searching import argmax
from micrograd_np.ops.choice import maximum
from micrograd_np.ops.fused import pooling, windows
from micrograd_np.ops.index import view
from micrograd_np.ops.shape import reshape

from .convolution import batched, each
from .loss import as_floats

if TYPE_CHECKING:
    Size = int | tuple[int, ...]


def _geometry(
    name: str, d: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, Any]:
    """Kernel, stride, padding, dilation and places as the primitives want them; ValueError for what makes no sense."""
    kernel = each("kernel_size", kernel_size, d)
    stride = kernel if stride is None else each("stride", stride, d)
    padding, dilation = each("padding", padding, d, 0), each("dilation", dilation, d)
    places = []
    for n, k, s, p, e in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True):
        span = (k - 1) * e + 1
        if 2 * p > span:
            message = f"{name}: padding={p} is more than half of the window, which spans {span}; pad less."
            raise ValueError(message)
        room = n + 2 * p - span
        found = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (found - 1) * s >= n + p:
            found -= 1  # PyTorch: the last window has to start inside
        if found < 1:
            message = f"{name}: input is {x.shape}, and a window that spans {span} does not fit into {n} padded by {p}."
            raise ValueError(message)
        places.append(found)
    pairs = tuple((p, p) for p in padding)
    return {"kernel": kernel, "stride": stride, "padding": pairs, "dilation": dilation, "places": tuple(places)}


def _max(name: str, d: int, x: Any, *settings: Any, return_indices: bool) -> Any:
    x, single = batched(name, x, d)
    geometry = _geometry(name, d, x, *settings)
    z = pooling.max_pool(x, **geometry)
    z, *where = (z, _places(x, **geometry)) if return_indices else (z,)
    z, *where = (view(part, index=0) if single else part for part in (z, *where))
    return (z, *where) if where else z


def _places(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, places: Any) -> Tensor:
    """Where each window's largest element lies in its flattened channel; of several, the first."""
    lengths = x.shape[2:]
    spans = [(p - 1) * s + (k - 1) * e + 1 for p, s, k, e in zip(places, stride, kernel, dilation, strict=True)]
    widths = [(low, max(0, span - n - low)) for (low, _), span, n in zip(padding, spans, lengths, strict=True)]
    floating = x.dtype.kind == "f"
    lowest = -np.inf if floating else np.iinfo(x.dtype).min
    with no_grad():
        held = maximum(x, float(np.finfo(x.dtype).min)) if floating else x  # so that −∞ still wins over padding
        wide = pad(held, [(0, 0), (0, 0), *widths], constant_values=lowest)
        none = ((0, 0),) * len(kernel)
        columns = windows.unfold(wide, kernel=kernel, stride=stride, padding=none, dilation=dilation)
        winners = argmax(reshape(columns, shape=(*x.shape[:2], prod(kernel), prod(places))), axis=2)
    grid = np.zeros((1, 1), np.int64)  # of each element of the window, at each place
    for n, k, s, (low, _), e, p in zip(lengths, kernel, stride, padding, dilation, places, strict=True):
        axis = np.arange(k)[:, None] * e + np.arange(p) * s - low
        grid = (grid[:, None, :, None] * n + axis[None, :, None, :]).reshape(len(grid) * k, -1)
    found = constant(grid)[winners, constant(np.arange(prod(places)))]
    return reshape(found, shape=(*x.shape[:2], *places))


def _avg(
    name: str,
    d: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    x, single = batched(name, as_floats(x), d)
    geometry = _geometry(name, d, x, kernel_size, stride, padding, 1, ceil_mode)
    del geometry["dilation"]
    if divisor_override == 0:
        message = f"{name}: divisor_override must not be 0; leave it out to divide by the number of elements."
        raise ValueError(message)
    divide = divisor_override or ("padded" if count_include_pad else "inside")
    z = pooling.avg_pool(x, divide=divide, **geometry)
    return view(z, index=0) if single else z


def max_pool1d(
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: ``(n, c, l) -> (n, c, places)``. See `max_pool2d`.

    >>> max_pool1d(Tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2)
    Tensor([[[5., 3.]]])
    """
    settings = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max("max_pool1d", 1, input, *settings, return_indices=return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: ``(n, c, h, w) -> (n, c, rows, columns)``.

    `stride` is the window's own size unless given. Elements that tie share the gradient equally, where PyTorch gives it
    to the first. Padding never wins. With `ceil_mode` a last window may hang over the edge. With `return_indices` a
    pair: also where each largest element lies in its channel, counted row by row; of several, the first. ValueError for
    a window that does not fit, and for a padding of more than half of it.

    >>> max_pool2d(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)
    Tensor([[[[4.]]]])
    """
    settings = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max("max_pool2d", 2, input, *settings, return_indices=return_indices)


def avg_pool1d(
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: ``(n, c, l) -> (n, c, places)``. See `avg_pool2d`.

    >>> avg_pool1d(Tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2)
    Tensor([[[3. , 2.5]]])
    """
    return _avg("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: ``(n, c, h, w) -> (n, c, rows, columns)``.

    The zeros of the padding count as elements unless `count_include_pad` is False; `divisor_override` divides the sum
    by something else. `stride` and `ceil_mode` as in `max_pool2d`; so are the errors.

    >>> avg_pool2d(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)
    Tensor([[[[2.5]]]])
    """
    return _avg("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """The mean over `output_size` bins of any input length: ``(n, c, l) -> (n, c, output_size)``.

    >>> adaptive_avg_pool1d(Tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), 2)  # 1 to 3, and 3 to 5
    Tensor([[[2., 4.]]])
    """
    return _adaptive("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """The mean over bins of any input size: ``(n, c, h, w) -> (n, c, *output_size)``; None keeps a length.

    >>> adaptive_avg_pool2d(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, None))
    Tensor([[[[2., 3.]]]])
    """
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size)


def _adaptive(name: str, d: int, x: Any, output_size: Any) -> Tensor:
    x, single = batched(name, as_floats(x), d)
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * d
    if len(wanted) == d:
        wanted = tuple(n if size is None else size for size, n in zip(wanted, x.shape[2:], strict=True))
    sizes = each("output_size", wanted, d)
    for axis, size in enumerate(sizes, -d):
        if x.shape[axis] == 0:
            message = f"{name}: input is {x.shape}; there is no mean of an empty axis."
            raise ValueError(message)
        if size != x.shape[axis]:
            x = pooling.bin_means(x, size=size, axis=axis)
    return view(x, index=0) if single else x
