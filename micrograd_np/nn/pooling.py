"""Pooling layers, channels first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd_np.core.settings import Counts, Size, Sizes
from micrograd_np.functional.dimensions import per_axis

from .function_layer import FunctionLayer, FunctionModule


class _MaxPool(FunctionLayer):
    _name, _example = "max_pool", ((2,), ())
    _in_repr = ("kernel_size=", "stride=", "padding=", "dilation=", "ceil_mode=")

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        dilation: Counts = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        stride = kernel_size if stride is None else stride
        self._hold(locals())


class MaxPool1d(_MaxPool, d=1):
    """The largest element of each window: ``(n, c, l) -> (n, c, places)``; see `functional.max_pool1d`."""


class MaxPool2d(_MaxPool, d=2):
    """The largest element of each window: ``(n, c, h, w) -> (n, c, rows, columns)``; see `functional.max_pool2d`."""


class MaxPool3d(_MaxPool, d=3):
    """The largest element of each window: ``(n, c, d, h, w) -> (n, c, slices, rows, columns)``.

    See `functional.max_pool3d`.
    """


class _MaxUnpool(FunctionModule):
    _name, _example = "max_unpool", ((), ())
    _in_repr = ("kernel_size=", "stride=", "padding=")

    def __init__(self, kernel_size: Counts, stride: Counts | None = None, padding: Sizes = 0) -> None:
        stride = kernel_size if stride is None else stride
        kernel_size, stride, padding = per_axis(self._d, kernel_size=kernel_size, stride=stride, padding=padding)
        self._hold(locals())

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """`input` at the places `indices` among zeros."""
        return self._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpool, d=1):
    """Zeros with each element where max pooling found it: ``(n, c, places) -> (n, c, l)``.

    See `functional.max_unpool1d`.

    >>> from micrograd_np import Tensor, nn
    >>> z, at = nn.MaxPool1d(2, return_indices=True)(Tensor([[[1.0, 5.0, 2.0, 3.0]]]))
    >>> nn.MaxUnpool1d(2)(z, at)
    Tensor([[[0., 5., 0., 3.]]])
    """


class MaxUnpool2d(_MaxUnpool, d=2):
    """Zeros with each element where max pooling found it: ``(n, c, rows, columns) -> (n, c, h, w)``.

    See `functional.max_unpool2d`.

    >>> from micrograd_np import Tensor, nn
    >>> z, at = nn.MaxPool2d(2, return_indices=True)(Tensor([[[1.0, 5.0], [2.0, 3.0]]]))
    >>> nn.MaxUnpool2d(2)(z, at)
    Tensor([[[0., 5.],
             [0., 0.]]])
    """


class MaxUnpool3d(_MaxUnpool, d=3):
    """Zeros with each element where max pooling found it: ``(n, c, slices, rows, columns) -> (n, c, d, h, w)``.

    See `functional.max_unpool3d`.

    >>> from micrograd_np import Tensor, nn
    >>> z, at = nn.MaxPool3d((1, 1, 2), return_indices=True)(Tensor([[[[1.0, 5.0]]]]))
    >>> nn.MaxUnpool3d((1, 1, 2))(z, at)
    Tensor([[[[0., 5.]]]])
    """


class _AvgPool(FunctionLayer):
    _name, _example = "avg_pool", ((2,), ())
    _in_repr = ("kernel_size=", "stride=", "padding=")

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        stride = kernel_size if stride is None else stride
        self._hold(locals())


class AvgPool1d(_AvgPool, d=1):
    """The mean of each window: ``(n, c, l) -> (n, c, places)``; see `functional.avg_pool1d`."""

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        (kernel_size,) = per_axis(1, kernel_size=kernel_size)
        stride, padding = per_axis(1, stride=kernel_size if stride is None else stride, padding=padding)
        self._hold(locals())


class AvgPool2d(_AvgPool, d=2):
    """The mean of each window: ``(n, c, h, w) -> (n, c, rows, columns)``; see `functional.avg_pool2d`."""


class AvgPool3d(_AvgPool, d=3):
    """The mean of each window: ``(n, c, d, h, w) -> (n, c, slices, rows, columns)``; see `functional.avg_pool3d`."""


class _AdaptiveAvgPool(FunctionLayer):
    _name, _in_repr, _example = "adaptive_avg_pool", ("output_size=",), ((1,), ())

    def __init__(self, output_size: Size | Sequence[Size | None] | None) -> None:
        self._hold(locals())


class AdaptiveAvgPool1d(_AdaptiveAvgPool, d=1):
    """The mean over `output_size` bins of any input length; see `functional.adaptive_avg_pool1d`."""


class AdaptiveAvgPool2d(_AdaptiveAvgPool, d=2):
    """The mean over bins of any input size; None keeps a length. See `functional.adaptive_avg_pool2d`."""


class AdaptiveAvgPool3d(_AdaptiveAvgPool, d=3):
    """The mean over bins of any input size; None keeps a length. See `functional.adaptive_avg_pool3d`."""


class _AdaptiveMaxPool(FunctionLayer):
    _name, _in_repr, _example = "adaptive_max_pool", ("output_size=",), ((1,), ())

    def __init__(self, output_size: Size | Sequence[Size | None] | None, return_indices: bool = False) -> None:
        self._hold(locals())


class AdaptiveMaxPool1d(_AdaptiveMaxPool, d=1):
    """The largest in each of so many bins: ``(n, c, l) -> (n, c, bins)``; see `functional.adaptive_max_pool1d`."""


class AdaptiveMaxPool2d(_AdaptiveMaxPool, d=2):
    """The largest in each bin of any input size: ``(n, c, h, w) -> (n, c, rows, columns)``; None keeps a length.

    See `functional.adaptive_max_pool2d`.
    """


class AdaptiveMaxPool3d(_AdaptiveMaxPool, d=3):
    """The largest in each bin: ``(n, c, d, h, w) -> (n, c, slices, rows, columns)``; None keeps a length.

    See `functional.adaptive_max_pool3d`.
    """


class _LPPool(FunctionLayer):
    _name, _example = "lp_pool", ((2, 2), ())
    _in_repr = ("norm_type=", "kernel_size=", "stride=", "ceil_mode=")

    def __init__(
        self, norm_type: float, kernel_size: Counts, stride: Counts | None = None, ceil_mode: bool = False
    ) -> None:
        self._hold(locals())


class LPPool1d(_LPPool, d=1):
    """(Σ xᵖ)^(1/p) of each window: ``(n, c, l) -> (n, c, places)``; see `functional.lp_pool1d`."""


class LPPool2d(_LPPool, d=2):
    """(Σ xᵖ)^(1/p) of each window: ``(n, c, h, w) -> (n, c, rows, columns)``; see `functional.lp_pool2d`."""


class LPPool3d(_LPPool, d=3):
    """(Σ xᵖ)^(1/p) of each window: ``(n, c, d, h, w) -> (n, c, slices, rows, columns)``; see `functional.lp_pool3d`."""
