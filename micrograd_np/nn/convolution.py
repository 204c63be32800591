"""Convolutional layers, channels first."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np

from micrograd_np import functional, random
from micrograd_np.core.settings import Count, Counts, Size, Sizes
from micrograd_np.engine.tensor import get_default_dtype
from micrograd_np.functional.convolution import each, tensor
from micrograd_np.numpy_api.arrange import pad

from .module import Module
from .parameter import Parameter

_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's names for NumPy's


class _Convolution(Module):
    _axes: int
    _transposed = False
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
        output_padding: Any = 0,
    ) -> None:
        name, d = type(self).__name__, self._axes
        modes = ("zeros",) if self._transposed else ("zeros", *_MODES)
        if padding_mode not in modes:
            message = f"{name}: padding_mode must be {' or '.join(map(repr, modes))}, found {padding_mode!r}."
            raise ValueError(message)
        if in_channels % groups or out_channels % groups:
            message = (
                f"{name}: in_channels ({in_channels}) and out_channels ({out_channels}) must divide into "
                f"groups ({groups})."
            )
            raise ValueError(message)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = each("kernel_size", kernel_size, d), each("stride", stride, d)
        self.padding: Any = padding if isinstance(padding, str) else each("padding", padding, d, 0)
        self.dilation, self.output_padding = (
            each("dilation", dilation, d),
            each("output_padding", output_padding, d, 0),
        )
        self.padding_mode = padding_mode
        dtype = get_default_dtype() if dtype is None else dtype
        channels = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        fan_in = channels[1] * prod(self.kernel_size)  # as PyTorch has it, also of the transposed one
        bound = 1 / sqrt(fan_in) if fan_in else 0.0
        draw = random.generator().uniform
        self.weight = Parameter(draw(-bound, bound, (*channels, *self.kernel_size)).astype(dtype))
        self.register_parameter("bias", Parameter(draw(-bound, bound, out_channels).astype(dtype)) if bias else None)

    def extra_repr(self) -> str:
        """As PyTorch shows it: what differs from the defaults."""
        shown = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, value in usual.items():
            found = getattr(self, name)
            if found != (value,) * self._axes:
                shown.append(f"{name}={found}")
        shown += [f"groups={self.groups}"] * (self.groups != 1) + ["bias=False"] * (self.bias is None)
        shown += [f"padding_mode={self.padding_mode}"] * (self.padding_mode != "zeros")
        return ", ".join(shown)


class _Plain(_Convolution):
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: Counts,
        stride: Counts = 1,
        padding: Any = 0,
        dilation: Counts = 1,
        groups: Count = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        dtype: Any = None,
    ) -> None:
        settings = (stride, padding, dilation, groups, bias, padding_mode, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *settings)

    def forward(self, input: Any) -> Any:
        """The convolution of `input`."""
        function = (functional.conv1d, functional.conv2d)[self._axes - 1]
        padding = self.padding
        if self.padding_mode != "zeros":
            spans = [(k - 1) * e for k, e in zip(self.kernel_size, self.dilation, strict=True)]
            input, padding = pad(tensor(input), self._widths(np.ndim(input), spans), _MODES[self.padding_mode]), 0
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _widths(self, ndim: int, spans: list[int]) -> list[tuple[int, int]]:
        """What is put before and after each axis of an input."""
        if self.padding == "same":
            pairs = [(span // 2, span - span // 2) for span in spans]
        else:
            pairs = [(p, p) for p in ((0,) * self._axes if self.padding == "valid" else self.padding)]
        return [(0, 0)] * (ndim - self._axes) + pairs


class Conv1d(_Plain):
    """Convolution over time, ``(n, in_channels, l) -> (n, out_channels, places)``; see `Conv2d`."""

    _axes = 1


class Conv2d(_Plain):
    """Convolution over images, ``(n, in_channels, h, w) -> (n, out_channels, rows, columns)``; see `functional.conv2d`.

    `weight` is (out, in / groups, *kernel_size), `bias` (out,), both drawn from U(±1/√fan_in). `padding` is one number
    or one for each axis, "valid" or "same"; `padding_mode` says what is put there: "zeros", the image mirrored at its
    edge ("reflect"), its edge again ("replicate"), or its other end ("circular"). ValueError unless the groups divide
    both numbers of channels.

    >>> Conv2d(1, 6, 5)
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    """

    _axes = 2


class _Transposed(_Convolution):
    _transposed = True

    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: Counts,
        stride: Counts = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: Count = 1,
        bias: bool = True,
        dilation: Counts = 1,
        padding_mode: str = "zeros",
        dtype: Any = None,
    ) -> None:
        settings = (stride, padding, dilation, groups, bias, padding_mode, dtype, output_padding)
        super().__init__(in_channels, out_channels, kernel_size, *settings)

    def forward(self, input: Any) -> Any:
        """The transposed convolution of `input`."""
        function = (functional.conv_transpose1d, functional.conv_transpose2d)[self._axes - 1]
        return function(
            input, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose1d(_Transposed):
    """The adjoint of `Conv1d`: ``(n, in_channels, l) -> (n, out_channels, length)``; see `ConvTranspose2d`."""

    _axes = 1


class ConvTranspose2d(_Transposed):
    """The adjoint of `Conv2d`: ``(n, in_channels, h, w) -> (n, out_channels, rows, columns)``.

    `weight` is (in, out / groups, *kernel_size). Arguments in PyTorch's order, `dilation` after `bias`; see
    `functional.conv_transpose2d` for `output_padding`.
    """

    _axes = 2
