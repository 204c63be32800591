"""Normalisation: values shifted and scaled so that each group of them has mean 0 and variance 1.

A group is a channel of the whole batch (batch norm), one sample (layer norm), some channels of one sample (group norm)
or one channel of one sample (instance norm). The variance is the biased one, over n.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.views import called_as
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import whole
from micrograd_np.ops.choice import maximum
from micrograd_np.ops.elementwise import square
from micrograd_np.ops.fused.norms import over_deviation, scale_and_weight, subtract_mean
from micrograd_np.ops.fused.pooling import avg_pool
from micrograd_np.ops.reduce import mean
from micrograd_np.ops.shape import reshape
from micrograd_np.ops.state import astype
from micrograd_np.ops.transcendental import power, sqrt

from .distance import vector_norm
from .operands import as_floats


def standardized(x: Any, axes: tuple[int, ...], eps: float, weight: Any = None) -> tuple[Any, Any, Any]:
    """(x − mean) / √(variance + eps) over `axes`, times `weight`; x − mean; the variance, with `axes` of length 1."""
    if x.dtype == np.float16:  # its squares overflow above 255
        unit, centred, variance = standardized(astype(x, dtype=np.float32), axes, eps, weight)
        return astype(unit, dtype=np.float16), centred, variance
    centred = subtract_mean(x, axis=axes)
    variance = mean(square(centred), axis=axes, keepdims=True)
    scale = 1 / sqrt(variance + eps)
    return centred * scale if weight is None else scale_and_weight(centred, scale, weight), centred, variance


def affine(x: Any, weight: Any, bias: Any) -> Any:
    """x · weight + bias, without those that are None."""
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def layer_norm(
    input: Any, normalized_shape: int | tuple[int, ...], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Each sample normalised over its last axes, times `weight` plus `bias`: ``(…, d) -> (…, d)``.

    `normalized_shape` is the lengths of those axes, and the shape of `weight` and `bias`. ValueError if the last axes
    of the input have other lengths. Source: Ba et al. (2016).

    >>> layer_norm(Tensor([[1.0, 3.0]]), 2, eps=0.0)
    Tensor([[-1.,  1.]])
    """
    x = as_floats(input)
    axes = _last_axes("layer_norm", x, normalized_shape)
    return affine(standardized(x, axes, eps, weight)[0], None, bias)


def rms_norm(
    input: Any, normalized_shape: int | tuple[int, ...], weight: Any = None, eps: float | None = None
) -> Tensor:
    """Each sample's last axes divided by their root mean square, times `weight`: ``(…, d) -> (…, d)``.

    `eps` is added to the mean square; by default it is the dtype's machine epsilon. Source: Zhang & Sennrich (2019).

    >>> rms_norm(Tensor([[3.0, -3.0]]), 2, eps=0.0)
    Tensor([[ 1., -1.]])
    """
    x = as_floats(input)
    axes = _last_axes("rms_norm", x, normalized_shape)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    wide = astype(x, dtype=np.float32) if x.dtype == np.float16 else x  # squares overflow above 255
    unit = wide * (1 / sqrt(mean(square(wide), axis=axes, keepdims=True) + eps))
    return affine(unit if wide is x else astype(unit, dtype=np.float16), weight, None)


def lengths_of(normalized_shape: Any) -> tuple[int, ...]:
    """`normalized_shape` as a tuple; TypeError unless it is an integer or several."""
    lengths = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    return tuple(whole(n, "normalized_shape", 0) for n in lengths)


def _last_axes(name: str, x: Any, normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    lengths = lengths_of(normalized_shape)
    if not lengths or x.shape[-len(lengths) :] != lengths:
        raise ValueError(
            f"{name}: normalized_shape is {lengths} and input is {x.shape}; its last axes must have those lengths."
        )
    return tuple(range(-len(lengths), 0))


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """The channels of each sample normalised in `num_groups` groups: ``(n, c, …) -> (n, c, …)``.

    `weight` and `bias` are (c,). ValueError unless the groups divide the channels. Source: Wu & He (2018).

    >>> import micrograd_np as mg
    >>> mg.functional.group_norm(mg.Tensor([[1.0, 3.0, 10.0, 30.0]]), num_groups=2).round(3)
    Tensor([[-1.,  1., -1.,  1.]])
    """
    x = as_floats(input)
    if x.ndim < 2 or whole(num_groups, "num_groups") < 1 or x.shape[1] % num_groups:
        raise ValueError(
            f"group_norm: input is {x.shape}; its channels, the second axis, must divide into {num_groups} groups."
        )
    n, c, *rest = x.shape
    groups = reshape(x, shape=(n, num_groups, (c // num_groups) * prod(rest)))
    unit = reshape(standardized(groups, (-1,), eps)[0], shape=x.shape)
    return affine(unit, _by_channel(weight, x), _by_channel(bias, x))


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel normalised, times `weight` plus `bias`, all (c,): ``(n, c, …) -> (n, c, …)``.

    With `training`, by the mean and variance of the batch; then the running ones, unless None, move towards these by
    the fraction `momentum` in place, the variance towards the unbiased one. Otherwise by the running ones. An empty
    batch gives an empty result and moves nothing. ValueError in training for a channel with one value, which has no
    variance, and otherwise without running statistics. Source: Ioffe & Szegedy (2015).

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> mg.functional.batch_norm(x, None, None, training=True).round(3)
    Tensor([[-1., -1.],
            [ 1.,  1.]])
    """
    x = as_floats(input)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: input is {x.shape}; it must be (n, channels, …).")
    weight, bias = _by_channel(weight, x), _by_channel(bias, x)
    if training:
        n = x.size // max(x.shape[1], 1)
        if n == 1:
            raise ValueError(
                f"batch_norm: in training a channel needs more than one value, and input {x.shape} has 1. Make batches "
                f"larger (drop_last=True leaves out a last one of 1), or call eval() to use the model."
            )
        running = (running_mean, running_var, momentum)
        return _by_own_statistics(x, (0, *range(2, x.ndim)), n, running, weight, bias, eps)
    if running_mean is None or running_var is None:
        raise ValueError("batch_norm: without running statistics it can only normalise by the batch: training=True.")
    centred, variance = x - _by_channel(running_mean, x), _by_channel(running_var, x)
    if weight is None:
        return affine(over_deviation(centred, variance, eps=eps), None, bias)
    return affine(centred, over_deviation(weight, variance, eps=eps), bias)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised: ``(n, c, …) -> (n, c, …)``.

    With ``use_input_stats=False`` by the running statistics, else by its own, towards whose average over the batch the
    running ones move. ValueError for a channel with one value. Source: Ulyanov et al. (2016).

    >>> import micrograd_np as mg
    >>> mg.functional.instance_norm(mg.Tensor([[[1.0, 3.0], [10.0, 30.0]]])).round(3)
    Tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    x = as_floats(input)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, training=False, eps=eps)
    n = prod(x.shape[2:])
    if n == 1:
        raise ValueError(f"instance_norm: a channel needs more than one value, and input is {x.shape}.")
    weight, bias = _by_channel(weight, x), _by_channel(bias, x)
    return _by_own_statistics(x, tuple(range(2, x.ndim)), n, (running_mean, running_var, momentum), weight, bias, eps)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Vectors along axis `dim` divided by their `p`-norm, or by `eps` if that is larger: ``(n, d) -> (n, d)``.

    >>> normalize(Tensor([[3.0, 4.0]]))
    Tensor([[0.6, 0.8]])
    """
    x = as_floats(input)
    return x / maximum(vector_norm(x, p, dim, keepdims=True), eps)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + α · mean of x² over `size` neighbouring channels)^β: ``(n, c, …) -> (n, c, …)``.

    Beyond the first and the last channel there are zeros. ValueError for fewer than three axes.
    Source: Krizhevsky et al. (2012).

    >>> local_response_norm(Tensor([[[3.0], [4.0]]]), 1, alpha=1.0, beta=0.5, k=0.0).tolist()
    [[[1.0], [1.0]]]
    """
    x, size = as_floats(input), whole(size, "size", 1)
    if x.ndim < 3:
        raise ValueError(f"local_response_norm: input is {x.shape}; it must be (n, channels, …).")
    if not x.size:
        return x
    n, c, *rest = x.shape
    rows, padding = reshape(square(x), shape=(n, c, prod(rest))), ((size // 2, (size - 1) // 2), (0, 0))
    mean_square = avg_pool(rows, kernel=(size, 1), stride=(1, 1), padding=padding, places=(c, prod(rest)), divide=size)
    return x / power(reshape(mean_square, shape=x.shape) * alpha + k, beta)


def _by_channel(x: Any, input: Any) -> Any:
    """A vector (c,) in a shape that broadcasts along the second axis of `input`; a statistic keeps its name."""
    if x is None or input.ndim == 2:
        return x
    return called_as(x, reshape(x, shape=(-1,) + (1,) * (input.ndim - 2)))


def _by_own_statistics(
    x: Any, axes: tuple[int, ...], n: int, running: tuple[Any, Any, Any], weight: Any, bias: Any, eps: float
) -> Tensor:
    """`x` normalised over `axes`, of `n` elements, whose mean and variance the running ones, unless None, move to."""
    if not n:
        return affine(x, weight, bias)  # without values there are no statistics
    running_mean, running_var, momentum = running
    unit, centred, variance = standardized(x, axes, eps, weight)
    with no_grad():
        if running_mean is not None:
            first = tuple([slice(0, 1) if i in axes else slice(None) for i in range(x.ndim)])
            _move(running_mean, x[first] - centred[first], momentum)  # what the first values lost is the mean
        if running_var is not None:
            _move(running_var, variance, momentum, n / (n - 1))
    return affine(unit, None, bias)


def _move(running: Any, statistic: Any, momentum: Any, factor: float = 1.0) -> None:
    """Move a running statistic towards `factor` times the average of `statistic` over the samples, in place."""
    if not statistic.size:
        return
    rows = reshape(statistic, shape=(-1, running.size))
    average = reshape(rows, shape=(-1,)) if rows.shape[0] == 1 else mean(rows, axis=0)
    running *= 1 - momentum
    running += average * (factor * momentum)
