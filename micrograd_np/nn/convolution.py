"""Convolutional layers, channels first."""

from __future__ import annotations

from math import prod, sqrt
from typing import Annotated, Any

import numpy as np

from micrograd_np.core.settings import Count, Counts, Size, Sizes
from micrograd_np.functional.arrangement import PAD_MODES
from micrograd_np.functional.dimensions import as_vertex, paddings, per_axis
from micrograd_np.numpy_api.arrange import pad

from .function_layer import FunctionLayer
from .parameter import Parameter, uniform

_OPTIONAL = ("padding=?", "dilation=?", "output_padding=?", "groups=?", "bias=?", "padding_mode=?")


class _Conv(FunctionLayer):
    _name = "conv"
    _transposed = False
    _in_repr = ("in_channels", "out_channels", "kernel_size=", "stride=", *_OPTIONAL)
    bias: Parameter | None

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
        padding_mode: Annotated[str, "zeros", "reflect", "replicate", "circular"] = "zeros",
        dtype: Any = None,
    ) -> None:
        name, d = type(self).__name__, self._d
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels ({in_channels}) and out_channels ({out_channels}) must divide into "
                f"groups ({groups})."
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = per_axis(d, kernel_size=kernel_size, stride=stride)
        self.padding: Any = padding if isinstance(padding, str) else per_axis(d, padding=padding)[0]
        self.dilation, self.output_padding = per_axis(d, dilation=dilation, output_padding=0)
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        fan_in = channels[1] * prod(self.kernel_size)  # as PyTorch has it, also of the transposed one
        bound = 1 / sqrt(fan_in) if fan_in else 0.0
        self.weight = uniform(bound, *channels, *self.kernel_size, dtype=dtype)
        self.register_parameter("bias", uniform(bound, out_channels, dtype=dtype) if bias else None)

    def forward(self, input: Any) -> Any:
        """The convolution of `input`."""
        padding = self.padding
        if self.padding_mode != "zeros":
            pairs = paddings(padding, self.kernel_size, self.dilation)
            widths = [(0, 0)] * (np.ndim(input) - self._d) + list(pairs)
            input, padding = pad(as_vertex(input), widths, PAD_MODES[self.padding_mode]), 0
        return self._function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv, d=1):
    """Convolution over time, ``(n, in_channels, l) -> (n, out_channels, places)``; see `Conv2d`. ValueError as there.

    >>> import micrograd_np as mg
    >>> mg.nn.Conv1d(3, 8, kernel_size=5)(mg.ones(1, 3, 20)).shape
    (1, 8, 16)
    """


class Conv2d(_Conv, d=2):
    """Convolution over images, ``(n, in_channels, h, w) -> (n, out_channels, rows, columns)``; see `functional.conv2d`.

    `weight` is (out, in / groups, *kernel_size), `bias` (out,), both drawn from U(±1/√fan_in). `padding` is one number
    or one for each axis, "valid" or "same"; `padding_mode` says what is put there: "zeros", the image mirrored at its
    edge ("reflect"), its edge repeated ("replicate"), or its opposite end ("circular"). ValueError unless the groups
    divide both numbers of channels.

    >>> Conv2d(1, 6, 5)
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    """


class Conv3d(_Conv, d=3):
    """Convolution over volumes: ``(n, in_channels, d, h, w) -> (n, out_channels, slices, rows, columns)``.

    See `Conv2d`. ValueError as there.

    >>> import micrograd_np as mg
    >>> mg.nn.Conv3d(3, 8, kernel_size=3, padding=1)(mg.ones(1, 3, 4, 4, 4)).shape
    (1, 8, 4, 4, 4)
    """


class _ConvTranspose(_Conv):
    _name = "conv_transpose"
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
        padding_mode: Annotated[str, "zeros"] = "zeros",
        dtype: Any = None,
    ) -> None:
        settings = (stride, padding, dilation, groups, bias, padding_mode, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *settings)
        (self.output_padding,) = per_axis(self._d, output_padding=output_padding)

    def forward(self, input: Any) -> Any:
        """The transposed convolution of `input`."""
        settings = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return self._function(input, self.weight, self.bias, *settings)


class ConvTranspose1d(_ConvTranspose, d=1):
    """The adjoint of `Conv1d`: ``(n, in_channels, l) -> (n, out_channels, length)``; see `ConvTranspose2d`.

    >>> import micrograd_np as mg
    >>> mg.nn.ConvTranspose1d(8, 3, kernel_size=2, stride=2)(mg.ones(1, 8, 10)).shape
    (1, 3, 20)
    """


class ConvTranspose2d(_ConvTranspose, d=2):
    """The adjoint of `Conv2d`: ``(n, in_channels, h, w) -> (n, out_channels, rows, columns)``.

    `weight` is (in, out / groups, *kernel_size). Arguments in PyTorch's order, `dilation` after `bias`; see
    `functional.conv_transpose2d` for `output_padding`.

    >>> import micrograd_np as mg
    >>> mg.nn.ConvTranspose2d(8, 3, kernel_size=2, stride=2)(mg.ones(1, 8, 5, 5)).shape
    (1, 3, 10, 10)
    """


class ConvTranspose3d(_ConvTranspose, d=3):
    """The adjoint of `Conv3d`: ``(n, in_channels, d, h, w) -> (n, out_channels, slices, rows, columns)``.

    See `ConvTranspose2d`.

    >>> import micrograd_np as mg
    >>> mg.nn.ConvTranspose3d(8, 3, kernel_size=2, stride=2)(mg.ones(1, 8, 2, 2, 2)).shape
    (1, 3, 4, 4, 4)
    """
