"""Normalising layers. Weights and running statistics have one element for each channel or feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd_np import functional
from micrograd_np.core.settings import Count, Size, Sizes
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import get_default_dtype
from micrograd_np.functional.normalization import lengths_of
from micrograd_np.ops.state import astype

from .function_layer import FunctionLayer
from .module import Module
from .parameter import Parameter


class _Norm(Module):
    weight: Parameter | None
    bias: Parameter | None

    def _scale_and_shift(self, shape: Any, affine: bool, bias: bool, dtype: Any) -> None:
        """Add a weight of ones if `affine`, and then a bias of zeros if `bias`; else None for each."""
        dtype = get_default_dtype() if dtype is None else dtype
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if affine and bias else None)


class _ChannelNorm(_Norm):
    """What batch norm and instance norm share: a weight, a bias and running statistics for each channel."""

    _in_repr = ("num_features", "eps=", "momentum=", "affine=", "bias=", "track_running_stats=")
    _later_buffers = ("num_batches_tracked",)
    _ranks: tuple[int, ...]

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: Size,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        dtype = get_default_dtype() if dtype is None else dtype
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._scale_and_shift(num_features, affine, bias, dtype)
        statistics = np.zeros(num_features, dtype), np.ones(num_features, dtype), np.array(0)
        for name, values in zip(("running_mean", "running_var", "num_batches_tracked"), statistics, strict=True):
            self.register_buffer(name, values if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Reset the running statistics: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            self.running_mean.copy_(0)
            self.running_var.copy_(1)
            self.num_batches_tracked.copy_(0)

    def _normalized(self, norm: Callable[..., Any], x: Any, momentum: Any) -> Any:
        by_input = self.training or not self.track_running_stats
        return norm(x, self.running_mean, self.running_var, self.weight, self.bias, by_input, momentum, self.eps)

    def _check(self, x: Any, channels: int = 1) -> None:
        if x.ndim not in self._ranks or x.shape[channels] != self.num_features:
            allowed = " or ".join(f"{rank}-d" for rank in self._ranks)
            raise ValueError(
                f"{type(self).__name__}: input is {x.shape}; it must be {allowed}, with {self.num_features} channels "
                f"on axis {channels}."
            )


class _BatchNorm(_ChannelNorm):
    def forward(self, input: Any) -> Any:
        """`input` normalised by the batch's statistics in training, by the running ones in evaluation."""
        self._check(input)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            with no_grad():
                self.num_batches_tracked += 1
                if momentum is None:  # then the statistics are the plain average of all batches
                    momentum = astype(1 / self.num_batches_tracked, dtype=self.running_mean.dtype)
        return self._normalized(functional.batch_norm, input, momentum)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (n, c) or (n, c, l), channel by channel; see `micrograd_np.functional.batch_norm`.

    Training uses the batch's mean and (biased) variance, and moves the running statistics to
    ``(1 − momentum) · running + momentum · batch``, with the unbiased variance; evaluation uses the running ones. With
    ``momentum=None`` these are the plain average of all batches.

    >>> from micrograd_np import Tensor
    >>> norm = BatchNorm1d(1)
    >>> _ = norm(Tensor([[1.0], [3.0]]))
    >>> norm.running_mean.data, norm.running_var.data
    (array([0.2]), array([1.1]))
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (n, c, h, w), channel by channel; see `BatchNorm1d`.

    >>> import micrograd_np as mg
    >>> mg.nn.BatchNorm2d(4)(mg.ones(2, 4, 3, 3)).shape
    (2, 4, 3, 3)
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (n, c, d, h, w), channel by channel; see `BatchNorm1d`.

    >>> import micrograd_np as mg
    >>> mg.nn.BatchNorm3d(4)(mg.ones(2, 4, 3, 3, 3)).shape
    (2, 4, 3, 3, 3)
    """

    _ranks = (5,)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: Size,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, input: Any) -> Any:
        """`input` with each channel of each sample normalised."""
        single = input.ndim == self._ranks[1]
        self._check(input, 0 if single else 1)
        z = self._normalized(functional.instance_norm, input[None] if single else input, self.momentum)
        return z[0] if single else z


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (n, c, l) or (c, l); see `functional.instance_norm`.

    >>> import micrograd_np as mg
    >>> mg.nn.InstanceNorm1d(2)(mg.Tensor([[[1.0, 3.0], [10.0, 30.0]]])).round(3)
    Tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """

    _ranks = (3, 2)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images (n, c, h, w) or (c, h, w); see `functional.instance_norm`.

    >>> import micrograd_np as mg
    >>> mg.nn.InstanceNorm2d(4)(mg.ones(2, 4, 3, 3)).shape
    (2, 4, 3, 3)
    """

    _ranks = (4, 3)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes (n, c, d, h, w) or (c, d, h, w); see `functional.instance_norm`.

    >>> import micrograd_np as mg
    >>> mg.nn.InstanceNorm3d(4)(mg.ones(2, 4, 3, 3, 3)).shape
    (2, 4, 3, 3, 3)
    """

    _ranks = (5, 4)


class LayerNorm(_Norm):
    """Layer normalisation over the last axes, of lengths `normalized_shape`; see `functional.layer_norm`.

    >>> import micrograd_np as mg
    >>> mg.nn.LayerNorm(2)(mg.Tensor([[1.0, 3.0], [10.0, 30.0]])).detach().round(3)
    Tensor([[-1.,  1.],
            [-1.,  1.]])
    """

    _in_repr = ("normalized_shape", "eps=", "elementwise_affine=", "bias=")

    def __init__(
        self,
        normalized_shape: Sizes,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = lengths_of(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._scale_and_shift(self.normalized_shape, elementwise_affine, bias, dtype)

    def forward(self, input: Any) -> Any:
        """`input` with the last axes of each sample normalised."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(_Norm):
    """Division of the last axes by their root mean square; see `micrograd_np.functional.rms_norm`.

    >>> import micrograd_np as mg
    >>> mg.nn.RMSNorm(2)(mg.Tensor([[3.0, 4.0]])).detach().round(3)
    Tensor([[0.849, 1.131]])
    """

    _in_repr = ("normalized_shape", "eps=", "elementwise_affine=")

    def __init__(
        self, normalized_shape: Sizes, eps: float | None = None, elementwise_affine: bool = True, dtype: Any = None
    ) -> None:
        self.normalized_shape = lengths_of(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._scale_and_shift(self.normalized_shape, elementwise_affine, False, dtype)
        del self.bias  # PyTorch's has none

    def forward(self, x: Any) -> Any:
        """`x` with the last axes of each sample divided by their root mean square."""
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(_Norm):
    """Normalisation of groups of channels, sample by sample; see `micrograd_np.functional.group_norm`.

    ``(n, c, …) -> (n, c, …)``. ValueError unless the number of groups divides that of channels.

    >>> import micrograd_np as mg
    >>> mg.nn.GroupNorm(2, 4)(mg.Tensor([[1.0, 3.0, 10.0, 30.0]])).detach().round(3)
    Tensor([[-1.,  1., -1.,  1.]])
    """

    _in_repr = ("num_groups", "num_channels", "eps=", "affine=", "bias=")

    def __init__(
        self,
        num_groups: Count,
        num_channels: Size,
        eps: float = 1e-5,
        affine: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels ({num_channels}) must divide into num_groups ({num_groups}).")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._scale_and_shift(num_channels, affine, bias, dtype)

    def forward(self, input: Any) -> Any:
        """`input` with each group of channels of each sample normalised."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(FunctionLayer, function=functional.local_response_norm):
    """Each element divided by what neighbouring channels hold: ``(n, c, …) -> (n, c, …)``.

    See `micrograd_np.functional.local_response_norm`.
    """

    _in_repr, _example = ("size", "alpha=", "beta=", "k="), ((2,), ([[[1.0], [2.0], [3.0]]],))

    def __init__(self, size: Count, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self._hold(locals())
