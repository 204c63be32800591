"""Losses of real numbers against real numbers, and what all losses share.

PyTorch's names and defaults. Two shapes that would broadcast are an error: a loss between (64, 1) and (64,) would
compare everything with everything, train, and be wrong.
"""

from __future__ import annotations

from math import log as log_of
from math import pi
from typing import Any

from micrograd_np.core.messages import caller, must_be, require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import within
from micrograd_np.ops.checks import check, variances_within
from micrograd_np.ops.choice import masked_zero, maximum, minimum, where
from micrograd_np.ops.comparison import equal, greater
from micrograd_np.ops.elementwise import absolute, square, subtract, zero_safe_multiply
from micrograd_np.ops.fused.losses import mean_squared_error
from micrograd_np.ops.reduce import mean, sum  # noqa: A004
from micrograd_np.ops.transcendental import exp, log

from .operands import as_like, operands, refuse_broadcast

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses: Any, reduction: str) -> Tensor:
    """`losses` averaged, summed or as they are: `reduction` is "mean", "sum" or "none"."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    raise ValueError(must_be(caller("reduction"), "reduction", "'mean', 'sum' or 'none'", f"{reduction!r}"))


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Squared error ``(input − target)²``, averaged unless `reduction` says otherwise: ``(…), (…) -> ()``.

    Raises ValueError when the shapes differ, also when they would broadcast.

    >>> mse_loss(Tensor([1.0, 2.0]), [0.0, 4.0])
    Tensor(2.5)
    """
    x, target = operands("mse_loss", input, target=target)
    if reduction == "mean":
        return mean_squared_error(x, target)
    return reduced(square(subtract(x, target)), reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Absolute error ``|input − target|``: ``(…), (…) -> ()``. The gradient at 0 is 0. ValueError for unequal shapes.

    >>> l1_loss(Tensor([1.0, 2.0]), [0.0, 4.0])
    Tensor(1.5)
    """
    x, target = operands("l1_loss", input, target=target)
    return reduced(absolute(x - target), reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d² / 2β where the error d is below β, |d| − β/2 beyond: ``(…), (…) -> ()``. `beta` 0 is `l1_loss`.

    ValueError for unequal shapes, and for a negative `beta`. Source: Girshick (2015), eq. 3.

    >>> smooth_l1_loss(Tensor([0.0, 0.0]), [0.5, 2.0], reduction="none")
    Tensor([0.125, 1.5  ])
    """
    if not within(beta, "beta", 0):
        raise ValueError(f"smooth_l1_loss: beta must not be negative, found {beta}.")
    if beta == 0:
        return l1_loss(input, target, reduction)
    x, target = operands("smooth_l1_loss", input, target=target)
    return reduced(_huber(x - target, beta) / beta, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d² / 2 where the error d is below δ, δ (|d| − δ/2) beyond: δ times `smooth_l1_loss`. Source: Huber (1964).

    ``(…), (…) -> ()``. ValueError for unequal shapes, and unless `delta` is positive.

    >>> huber_loss(Tensor([0.0]), [2.0], delta=0.5)
    Tensor(0.875)
    """
    require_value("huber_loss", "delta", delta, within(delta, "delta", 0) and delta != 0, "positive")
    x, target = operands("huber_loss", input, target=target)
    return reduced(_huber(x - target, delta), reduction)


def _huber(d: Any, bend: float) -> Any:
    """d² / 2 up to `bend`, and linear from there on."""
    size = absolute(d)
    near = minimum(size, bend)
    return near * (size - 0.5 * near)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Kullback–Leibler divergence of the distribution `target` from exp(`input`), in nats: ``(…), (…) -> ()``.

    `input` are log-probabilities; `target` probabilities, or their logarithms with `log_target`; 0 log 0 is 0, and of
    a negative target the loss is nan. "mean" divides by the number of elements, as in PyTorch; "batchmean", by the
    length of the first axis, which is the divergence proper. ValueError for unequal shapes.

    >>> import numpy as np
    >>> round(kl_div(Tensor(np.log([[0.5, 0.5]])), [[1.0, 0.0]], reduction="batchmean").item(), 6)  # log 2
    0.693147
    """
    x, target = operands("kl_div", input, target=target)
    if log_target:
        losses = exp(target) * (target - x)
    else:
        zero = equal(target, 0)
        losses = masked_zero(target * log(where(zero, 1, target)), zero) - zero_safe_multiply(target, x)
    if reduction == "batchmean":
        return sum(losses) / x.shape[0] if x.ndim else losses
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    """Negative log-likelihood of counts `target` under a Poisson distribution: ``(…), (…) -> ()``.

    `input` is the logarithm of its mean, or with ``log_input=False`` the mean, to which `eps` is added before taking
    the logarithm. Without log(target!), unless `full`: then Stirling's approximation of it, where the target is above
    1. ValueError for unequal shapes.

    >>> poisson_nll_loss(Tensor([0.0]), [3.0])
    Tensor(1.)
    """
    x, target = operands("poisson_nll_loss", input, target=target)
    losses = exp(x) - target * x if log_input else x - target * log(x + eps)
    if full:
        many = greater(target, 1)
        n = where(many, target, 1)
        losses = losses + where(many, n * log(n) - n + 0.5 * log(2 * pi * n), 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log-likelihood of `target` under normal distributions of mean `input` and variance `var`, without
    log(2π)/2 unless `full`: ``(…), (…), (…) -> ()``.

    `var` has the shape of `input`, or that with one axis 1 or the last missing (one variance for a row), or is a
    number; it counts as `eps` at least. ValueError for other shapes and for a negative variance.

    >>> gaussian_nll_loss(Tensor([1.0]), [3.0], [1.0])
    Tensor(2.)
    """
    x, target = operands("gaussian_nll_loss", input, target=target)
    var = as_like(var, x)
    if var.shape == x.shape[:-1] and var.shape != x.shape and var.ndim:
        var = var.reshape((*var.shape, 1))
    other = [m for n, m in zip(x.shape, var.shape, strict=False) if m != n]
    if var.ndim and (var.ndim != x.ndim or other not in ([], [1])):
        refuse_broadcast("gaussian_nll_loss", "input", x.shape, "var", var.shape)
    check(variances_within, var)
    var = maximum(var, eps)
    losses = 0.5 * (log(var) + square(x - target) / var)
    return reduced(losses + 0.5 * log_of(2 * pi) if full else losses, reduction)
