"""Pooling layers, channels first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from micrograd_np import functional
from micrograd_np.core.settings import Counts, Size, Sizes
from micrograd_np.functional.convolution import each

from .module import Module


class _Pool(Module):
    _shown: tuple[str, ...] = ("kernel_size", "stride", "padding")

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)


class _MaxPool(_Pool):
    _function: ClassVar[Callable[..., Any]]
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        dilation: Counts = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode
        self.return_indices = return_indices

    def forward(self, input: Any) -> Any:
        """`input` pooled; with `return_indices`, and where each largest element lies in its channel."""
        settings = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)
        return type(self)._function(input, *settings)


class MaxPool1d(_MaxPool):
    """The largest element of each window: ``(n, c, l) -> (n, c, places)``; see `functional.max_pool2d`."""

    _function = functional.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest element of each window: ``(n, c, h, w) -> (n, c, rows, columns)``; see `functional.max_pool2d`."""

    _function = functional.max_pool2d


class AvgPool1d(_Pool):
    """The mean of each window: ``(n, c, l) -> (n, c, places)``; see `functional.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = each("kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else each("stride", stride, 1)
        self.padding = each("padding", padding, 1, 0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Any:
        """`input` pooled."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return functional.avg_pool1d(input, *settings)


class AvgPool2d(_Pool):
    """The mean of each window: ``(n, c, h, w) -> (n, c, rows, columns)``; see `functional.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Any:
        """`input` pooled."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return functional.avg_pool2d(input, *settings, self.divisor_override)


class AdaptiveAvgPool1d(_Pool):
    """The mean over `output_size` bins of any input length; see `functional.adaptive_avg_pool1d`."""

    _shown = ("output_size",)

    def __init__(self, output_size: Size | Sequence[Size | None] | None) -> None:
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """`input` pooled."""
        return functional.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_Pool):
    """The mean over bins of any input size; None keeps a length. See `functional.adaptive_avg_pool2d`."""

    _shown = ("output_size",)

    def __init__(self, output_size: Size | Sequence[Size | None] | None) -> None:
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """`input` pooled."""
        return functional.adaptive_avg_pool2d(input, self.output_size)
