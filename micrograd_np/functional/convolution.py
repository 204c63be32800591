"""Convolutions under PyTorch's names: channels first, settings as numbers, pairs or words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.messages import caller
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import whole
from micrograd_np.ops.elementwise import add
from micrograd_np.ops.fused import windows
from micrograd_np.ops.fused.convolution import convolve, convolve_back
from micrograd_np.ops.index import scatter_slice, view
from micrograd_np.ops.shape import reshape

if TYPE_CHECKING:
    Size = int | tuple[int, ...]


def each(name: str, value: Any, d: int, least: int = 1) -> tuple[int, ...]:
    """A setting for each of `d` axes, given as one number or as one for each; ValueError for anything else.

    >>> each("stride", 2, 2)
    (2, 2)
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * d
    if len(values) == 1:
        values *= d
    if len(values) != d or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
        name_of_caller = caller().replace("each", "")
        wanted = f"must be a whole number, at least {least}, or {d} of them"
        message = f"{name_of_caller}{': ' if name_of_caller else ''}{name} {wanted}; found {value!r}."
        raise ValueError(message)
    return tuple(int(v) for v in values)


def tensor(x: Any) -> Any:
    """`x` as a tensor, unless it takes part in a graph already."""
    return x if isinstance(x, Tensor) or hasattr(type(x), "__primitive__") else Tensor(x)


def batched(name: str, x: Any, d: int) -> tuple[Any, bool]:
    """`x` as (n, c, *lengths), and whether it came as one sample without the n. ValueError for any other rank."""
    x = tensor(x)
    if x.ndim == d + 1:
        return reshape(x, shape=(1, *x.shape)), True
    if x.ndim != d + 2:
        axes = ", ".join(("length", "rows, columns", "depth, rows, columns")[d - 1 : d])
        message = f"{name}: input is {x.shape}; it must be (n, channels, {axes}), or (channels, {axes}) for one sample."
        raise ValueError(message)
    return x, False


def _convolution(
    name: str, d: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    x, single = batched(name, x, d)
    weight = tensor(weight)
    stride, dilation = each("stride", stride, d), each("dilation", dilation, d)
    _check_weight(name, d, x, weight, bias, groups, transposed=False)
    if padding == "valid":
        pairs: tuple[tuple[int, int], ...] = ((0, 0),) * d
    elif padding == "same":
        if any(s != 1 for s in stride):
            message = f"{name}: padding='same' keeps the length only at stride 1; found stride={stride}. Give numbers."
            raise ValueError(message)
        spans = [(k - 1) * e for k, e in zip(weight.shape[2:], dilation, strict=True)]
        pairs = tuple((span // 2, span - span // 2) for span in spans)
    elif isinstance(padding, str):
        message = f"{name}: padding must be 'same', 'valid', a number or {d} numbers; found {padding!r}."
        raise ValueError(message)
    else:
        pairs = tuple((p, p) for p in each("padding", padding, d, 0))
    z = convolve(x, weight, stride=stride, padding=pairs, dilation=dilation)
    return _finished(z, bias, d, single)


def _finished(z: Any, bias: Any, d: int, single: bool) -> Tensor:
    if bias is not None:
        bias = tensor(bias)
        z = add(z, reshape(bias, shape=(bias.size,) + (1,) * d))
    return view(z, index=0) if single else z


def _check_weight(name: str, d: int, x: Any, weight: Any, bias: Any, groups: int, *, transposed: bool) -> None:
    layout = "(in, out / groups, *kernel)" if transposed else "(out, in / groups, *kernel)"
    if weight.ndim != d + 2 or not all(weight.shape[2:]):
        message = f"{name}: weight is {weight.shape}; it must have {d + 2} axes, {layout}, and a kernel of some size."
        raise ValueError(message)
    channels, (first, second) = x.shape[1], weight.shape[:2]
    groups = whole(groups, "groups")
    wanted = first if transposed else second * groups
    if groups < 1 or first % groups or channels != wanted:
        message = (
            f"{name}: input has {channels} channels and weight {layout} is {weight.shape} with groups={groups}; "
            f"input must have {wanted}, and {first} must divide into the groups."
        )
        raise ValueError(message)
    features = second * groups if transposed else first
    if bias is not None and np.shape(getattr(bias, "data", bias)) != (features,):
        found = np.shape(getattr(bias, "data", bias))
        message = f"{name}: bias is {found}; it must be ({features},), one for each output channel."
        raise ValueError(message)


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Size = 1, padding: Any = 0, dilation: Size = 1, groups: int = 1
) -> Tensor:
    """Convolution over one axis: ``(n, c, l), (o, c/groups, k), (o,) -> (n, o, places)``. See `conv2d`.

    >>> conv1d(Tensor([[[1.0, 2.0, 4.0, 8.0]]]), Tensor([[[1.0, -1.0]]]))
    Tensor([[[-1., -2., -4.]]])
    """
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Size = 1, padding: Any = 0, dilation: Size = 1, groups: int = 1
) -> Tensor:
    """Convolution over two axes: ``(n, c, h, w), (o, c/groups, k, l), (o,) -> (n, o, places, places)``.

    As in PyTorch the kernel is not flipped: each place is the sum of what the window sees times the weights. `stride`,
    `padding` and `dilation` are one number or one for each axis; `padding` may be "valid" (none) or "same" (the length
    stays; the odd one goes to the end). Zeros are padded. One sample without n gives one without n. Raises ValueError
    for shapes that do not fit, and where the window is larger than the padded input.

    >>> image = Tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    >>> conv2d(image, Tensor([[[[1.0, 0.0], [0.0, -1.0]]]]), Tensor([10.0]))
    Tensor([[[[6., 6.],
              [6., 6.]]]])
    """
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The adjoint of `conv2d`: ``(n, c, h, w), (c, o/groups, k, l), (o,) -> (n, o, rows, columns)``.

    A convolution with the same settings would turn the result's shape into the input's; where several lengths would do,
    `output_padding` (less than the stride or the dilation) chooses, and adds at the end. Arguments in PyTorch's order,
    `dilation` last. ValueError as in `conv2d`.

    >>> conv_transpose2d(Tensor([[[[1.0, 2.0]]]]), Tensor([[[[1.0, 10.0]]]]), stride=2)
    Tensor([[[[ 1., 10.,  2., 20.]]]])
    """
    name = "conv_transpose2d"
    return _transposed(name, 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The adjoint of `conv1d`: ``(n, c, l), (c, o/groups, k), (o,) -> (n, o, length)``. See `conv_transpose2d`.

    >>> conv_transpose1d(Tensor([[[1.0, 2.0]]]), Tensor([[[1.0, 10.0, 100.0]]]))
    Tensor([[[  1.,  12., 120., 200.]]])
    """
    name = "conv_transpose1d"
    return _transposed(name, 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _transposed(
    name: str,
    d: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    x, single = batched(name, x, d)
    weight = tensor(weight)
    _check_weight(name, d, x, weight, bias, groups, transposed=True)
    stride, dilation = each("stride", stride, d), each("dilation", dilation, d)
    padding, extra = each("padding", padding, d, 0), each("output_padding", output_padding, d, 0)
    if any(m >= max(s, e) for m, s, e in zip(extra, stride, dilation, strict=True)):
        message = f"{name}: output_padding={extra} must be less than stride={stride} or dilation={dilation}."
        raise ValueError(message)
    geometry = zip(x.shape[2:], weight.shape[2:], stride, padding, extra, dilation, strict=True)
    lengths = tuple((n - 1) * s - 2 * p + e * (k - 1) + m + 1 for n, k, s, p, m, e in geometry)
    if min(lengths) < 1:
        message = f"{name}: the result would have lengths {lengths}; pad less."
        raise ValueError(message)
    # an extra length of a stride or more would be room for another place: the padding after shrinks, or zeros follow
    more = tuple(m if m >= s else 0 for m, s in zip(extra, stride, strict=True))
    pairs = tuple((p, max(0, p - m)) for p, m in zip(padding, more, strict=True))
    beyond = tuple(max(0, m - p) for p, m in zip(padding, more, strict=True))
    seen = tuple(length - rest for length, rest in zip(lengths, beyond, strict=True))
    shape = (weight.shape[1] * groups, *seen)
    z = convolve_back(x, weight, shape=shape, stride=stride, padding=pairs, dilation=dilation)
    if any(beyond):
        index = (slice(None), slice(None), *(slice(length) for length in seen))
        z = scatter_slice(z, index=index, shape=(*z.shape[:2], *lengths))
    return _finished(z, bias, d, single)


def unfold(input: Any, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Tensor:
    """Every window of an image as a column: ``(n, c, h, w) -> (n, c · k · l, places)``, in PyTorch's order.

    >>> unfold(Tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), (2, 2))
    Tensor([[[1., 2.],
             [2., 3.],
             [4., 5.],
             [5., 6.]]])
    """
    x, single = batched("unfold", input, 2)
    pairs = tuple((p, p) for p in each("padding", padding, 2, 0))
    kernel, stride, dilation = (
        each("kernel_size", kernel_size, 2),
        each("stride", stride, 2),
        each("dilation", dilation, 2),
    )
    z = windows.unfold(x, kernel=kernel, stride=stride, padding=pairs, dilation=dilation)
    return view(z, index=0) if single else z


def fold(
    input: Any, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Columns added up where their windows lie: ``(n, c · k · l, places) -> (n, c, *output_size)``.

    The adjoint of `unfold`.

    >>> fold(unfold(Tensor([[[[1.0, 2.0, 3.0]]]]), (1, 2)), (1, 3), (1, 2))  # the middle one is in two windows
    Tensor([[[[1., 4., 3.]]]])
    """
    x = tensor(input)
    single = x.ndim == 2
    if single:
        x = reshape(x, shape=(1, *x.shape))
    pairs = tuple((p, p) for p in each("padding", padding, 2, 0))
    kernel, stride, dilation = (
        each("kernel_size", kernel_size, 2),
        each("stride", stride, 2),
        each("dilation", dilation, 2),
    )
    lengths = each("output_size", output_size, 2)
    z = windows.fold(x, lengths=lengths, kernel=kernel, stride=stride, padding=pairs, dilation=dilation)
    return view(z, index=0) if single else z
