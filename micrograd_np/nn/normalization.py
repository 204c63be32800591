"""Normalising layers. Weights and running statistics are vectors, one element for each channel or feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import functional
from micrograd_np.core.settings import Count, Size, Sizes
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import get_default_dtype
from micrograd_np.functional.normalization import cumulative_momentum, lengths_of

from .module import Module
from .parameter import Parameter


class _Affine(Module):
    """What all share: a weight of ones and a bias of zeros, as far as they are wanted."""

    weight: Parameter | None
    bias: Parameter | None

    def _scale_and_shift(self, shape: Any, wanted: bool, bias: bool, dtype: Any) -> None:
        dtype = get_default_dtype() if dtype is None else dtype
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if wanted else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if wanted and bias else None)


class _Tracking(_Affine):
    """What batch norm and instance norm share: a weight, a bias and running statistics by channel."""

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    _later_buffers = ("num_batches_tracked",)

    def __init__(
        self,
        num_features: Size,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: Any,
    ) -> None:
        dtype = get_default_dtype() if dtype is None else dtype
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._scale_and_shift(num_features, affine, bias, dtype)
        self.register_buffer("running_mean", np.zeros(num_features, dtype) if track_running_stats else None)
        self.register_buffer("running_var", np.ones(num_features, dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", np.array(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget what was tracked: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            self.running_mean.copy_(0)
            self.running_var.copy_(1)
            self.num_batches_tracked.copy_(0)

    def _check(self, x: Any, ranks: tuple[int, ...], channels: int = 1) -> None:
        if x.ndim not in ranks or x.shape[channels] != self.num_features:
            wanted = " or ".join(f"{rank}-d" for rank in ranks)
            message = (
                f"{type(self).__name__}: input is {x.shape}; it must be {wanted}, with {self.num_features} channels "
                f"on axis {channels}."
            )
            raise ValueError(message)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Tracking):
    _ranks: tuple[int, ...]

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
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, input: Any) -> Any:
        """`input` normalised by the batch while training, by the running statistics otherwise."""
        self._check(input, self._ranks)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            with no_grad():
                self.num_batches_tracked += 1
                if momentum is None:
                    momentum = cumulative_momentum(self.num_batches_tracked, self.running_mean.dtype)
        return functional.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or not self.track_running_stats,
            momentum=momentum,
            eps=self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (n, c) or (n, c, l), channel by channel; see `micrograd_np.functional.batch_norm`.

    In training by the batch's mean and (biased) variance, while the running ones become
    ``(1 − momentum) · running + momentum · batch``, with the unbiased variance; in evaluation by the running ones.
    `momentum` None keeps the plain average of all batches.

    >>> from micrograd_np import Tensor
    >>> norm = BatchNorm1d(1)
    >>> _ = norm(Tensor([[1.0], [3.0]]))
    >>> norm.running_mean, norm.running_var
    (Tensor([0.2]), Tensor([1.1]))
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (n, c, h, w), channel by channel; see `BatchNorm1d`."""

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (n, c, d, h, w), channel by channel; see `BatchNorm1d`."""

    _ranks = (5,)


class _InstanceNorm(_Tracking):
    _rank: int

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
        """`input` normalised, channel by channel of each sample."""
        single = input.ndim == self._rank - 1
        self._check(input, (self._rank, self._rank - 1), 0 if single else 1)
        z = functional.instance_norm(
            input[None] if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input_stats=self.training or not self.track_running_stats,
            momentum=self.momentum,
            eps=self.eps,
        )
        return z[0] if single else z


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (n, c, l) or (c, l); see `functional.instance_norm`."""

    _rank = 3


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images (n, c, h, w) or (c, h, w); see `functional.instance_norm`."""

    _rank = 4


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes (n, c, d, h, w) or (c, d, h, w); see `functional.instance_norm`."""

    _rank = 5


class LayerNorm(_Affine):
    """Layer normalisation over the last axes, of lengths `normalized_shape`; see `functional.layer_norm`."""

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
        """`input` normalised, sample by sample."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        settings = f"eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, {settings}"


class RMSNorm(_Affine):
    """Division of the last axes by their root mean square; see `micrograd_np.functional.rms_norm`."""

    def __init__(
        self,
        normalized_shape: Sizes,
        eps: float | None = None,
        elementwise_affine: bool = True,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = lengths_of(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._scale_and_shift(self.normalized_shape, elementwise_affine, False, dtype)
        del self.bias

    def forward(self, x: Any) -> Any:
        """`x` over its root mean square, sample by sample."""
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Normalisation of groups of channels, sample by sample; see `micrograd_np.functional.group_norm`."""

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
            message = f"GroupNorm: num_channels ({num_channels}) must divide into num_groups ({num_groups})."
            raise ValueError(message)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._scale_and_shift(num_channels, affine, bias, dtype)

    def forward(self, input: Any) -> Any:
        """`input` normalised, group by group of each sample."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        settings = f"eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_groups}, {self.num_channels}, {settings}"
