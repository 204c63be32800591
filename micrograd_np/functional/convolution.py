"""Convolutions under PyTorch's names: channels first, settings as numbers, one for each axis, or words."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import whole
from micrograd_np.ops.elementwise import add
from micrograd_np.ops.fused import windows
from micrograd_np.ops.fused.convolution import convolve, convolve_back
from micrograd_np.ops.index import scatter_slice, view
from micrograd_np.ops.shape import reshape

from .dimensions import Size, as_vertex, batched, over_axes, paddings, per_axis


def _conv(
    d: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Any = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over {over}: ``(n, c, {axes}), (o, c/groups, *kernel), (o,) -> (n, o, {places})``.

    As in PyTorch the kernel is not flipped: each place is the sum of what the window sees times the weights. `stride`,
    `padding` and `dilation` are one number or one for each axis; `padding` may be "valid" (none) or "same" (the length
    stays; an odd one goes to the end). Zeros are padded. One sample without n gives one without n. Raises ValueError
    for shapes that do not fit, and where the window is larger than the padded input.

    >>> conv{d}d(Tensor([[{open}[1.0, 2.0, 4.0, 8.0]{close}]]), Tensor([[{open}[1.0, -1.0]{close}]]), Tensor([10.0]))
    Tensor([[{open}[9., 8., 6.]{close}]])
    """
    name = f"conv{d}d"
    x, single = batched(name, input, d)
    weight = as_vertex(weight)
    stride, dilation = per_axis(d, stride=stride, dilation=dilation)
    _check_weight(name, d, x, weight, bias, groups, transposed=False)
    if padding == "same" and any(s != 1 for s in stride):
        message = f"{name}: padding='same' keeps the length only at stride 1; found stride={stride}. Give numbers."
        raise ValueError(message)
    suits = not isinstance(padding, str) or padding in ("same", "valid")
    require_value(name, "padding", padding, suits, f"'same', 'valid', a number or {d} numbers")
    pairs = paddings(padding, weight.shape[2:], dilation)
    z = convolve(x, weight, stride=stride, padding=pairs, dilation=dilation)
    return _with_bias(z, bias, d, single)


def _conv_transpose(
    d: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The adjoint of `conv{d}d`: ``(n, c, {axes}), (c, o/groups, *kernel), (o,) -> (n, o, {places})``.

    A convolution with the same settings would turn the result's shape into the input's; where several lengths would do,
    `output_padding` (less than the stride or the dilation) chooses, and adds at the end. Arguments in PyTorch's order,
    `dilation` last. ValueError as in `conv{d}d`.

    >>> conv_transpose{d}d(Tensor([[{open}[1.0, 2.0]{close}]]), Tensor([[{open}[1.0, 10.0]{close}]]), stride=2)
    Tensor([[{open}[ 1., 10.,  2., 20.]{close}]])
    """
    name = f"conv_transpose{d}d"
    x, single = batched(name, input, d)
    weight = as_vertex(weight)
    _check_weight(name, d, x, weight, bias, groups, transposed=True)
    stride, dilation = per_axis(d, stride=stride, dilation=dilation)
    padding, extra = per_axis(d, padding=padding, output_padding=output_padding)
    if any(m >= max(s, e) for m, s, e in zip(extra, stride, dilation, strict=True)):
        raise ValueError(f"{name}: output_padding={extra} must be less than stride={stride} or dilation={dilation}.")
    axes = zip(x.shape[2:], weight.shape[2:], stride, padding, extra, dilation, strict=True)
    lengths = tuple((n - 1) * s - 2 * p + e * (k - 1) + m + 1 for n, k, s, p, m, e in axes)
    if min(lengths) < 1:
        raise ValueError(f"{name}: the result would have lengths {lengths}; pad less.")
    # an extra length of a stride or more would be room for another place: the padding after shrinks, or zeros follow
    more = tuple(m if m >= s else 0 for m, s in zip(extra, stride, strict=True))
    pairs = tuple((p, max(0, p - m)) for p, m in zip(padding, more, strict=True))
    zeros = tuple(max(0, m - p) for p, m in zip(padding, more, strict=True))
    shape = (weight.shape[1] * groups, *(length - rest for length, rest in zip(lengths, zeros, strict=True)))
    z = convolve_back(x, weight, shape=shape, stride=stride, padding=pairs, dilation=dilation)
    if any(zeros):
        index = (slice(None), slice(None), *(slice(length) for length in shape[1:]))
        z = scatter_slice(z, index=index, shape=(*z.shape[:2], *lengths))
    return _with_bias(z, bias, d, single)


def _with_bias(z: Any, bias: Any, d: int, single: bool) -> Tensor:
    if bias is not None:
        bias = as_vertex(bias)
        z = add(z, reshape(bias, shape=(bias.size,) + (1,) * d))
    return view(z, index=0) if single else z


def _check_weight(name: str, d: int, x: Any, weight: Any, bias: Any, groups: int, *, transposed: bool) -> None:
    layout = "(in, out / groups, *kernel)" if transposed else "(out, in / groups, *kernel)"
    if weight.ndim != d + 2 or not all(weight.shape[2:]):
        message = f"{name}: weight is {weight.shape}; it must have {d + 2} axes, {layout}, and a kernel of some size."
        raise ValueError(message)
    channels, (first, second) = x.shape[1], weight.shape[:2]
    groups = whole(groups, "groups")
    needed = first if transposed else second * groups
    if groups < 1 or first % groups or channels != needed:
        raise ValueError(
            f"{name}: input has {channels} channels and weight {layout} is {weight.shape} with groups={groups}; "
            f"input must have {needed}, and {first} must divide into the groups."
        )
    features, shape = second * groups if transposed else first, np.shape(getattr(bias, "data", bias))
    if bias is not None and shape != (features,):
        raise ValueError(f"{name}: bias is {shape}; it must be ({features},), one for each output channel.")


conv1d, conv2d, conv3d = over_axes(_conv)
conv_transpose1d, conv_transpose2d, conv_transpose3d = over_axes(_conv_transpose)


def unfold(input: Any, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Tensor:
    """Every window of an image as a column: ``(n, c, h, w) -> (n, c · k · l, places)``, in PyTorch's order.

    >>> unfold(Tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), (2, 2))
    Tensor([[[1., 2.],
             [2., 3.],
             [4., 5.],
             [5., 6.]]])
    """
    x, single = batched("unfold", input, 2)
    z = windows.unfold(x, **_columns(kernel_size, dilation, padding, stride))
    return view(z, index=0) if single else z


def fold(
    input: Any, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Columns added up where their windows lie: ``(n, c · k · l, places) -> (n, c, *output_size)``.

    The adjoint of `unfold`.

    >>> fold(unfold(Tensor([[[[1.0, 2.0, 3.0]]]]), (1, 2)), (1, 3), (1, 2))  # the middle one is in two windows
    Tensor([[[[1., 4., 3.]]]])
    """
    x = as_vertex(input)
    single = x.ndim == 2
    if single:
        x = reshape(x, shape=(1, *x.shape))
    settings = _columns(kernel_size, dilation, padding, stride)
    z = windows.fold(x, lengths=per_axis(2, output_size=output_size)[0], **settings)
    return view(z, index=0) if single else z


def _columns(kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> dict[str, Any]:
    kernel, stride, dilation = per_axis(2, kernel_size=kernel_size, stride=stride, dilation=dilation)
    return {"kernel": kernel, "stride": stride, "padding": paddings(padding, kernel, dilation), "dilation": dilation}
