"""Activation functions: PyTorch's names, arguments and defaults, on tensors and arrays.

Elementwise unless they have a `dim`. The ones composed of primitives are here; the primitives themselves, such as
`relu`, are declared in `ops`.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import must_be, require_value
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.order import argmax
from micrograd_np.ops.axes import along, axis_of, within
from micrograd_np.ops.choice import clamp_min, masked_zero, relu, where
from micrograd_np.ops.comparison import equal, greater, less_equal
from micrograd_np.ops.elementwise import absolute, multiply, negative, sign
from micrograd_np.ops.fused import softmax as _softmax
from micrograd_np.ops.fused.activations import elu, gelu_tanh, hardtanh, leaky_relu, log_sigmoid
from micrograd_np.ops.fused.activations import softplus as _softplus
from micrograd_np.ops.fused.special import ndtr
from micrograd_np.ops.index import getitem
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.shape import reshape
from micrograd_np.ops.state import as_floating, astype
from micrograd_np.ops.transcendental import log, sigmoid, tanh

from .operands import as_floats

logsigmoid = log_sigmoid  # PyTorch spells the function without the underscore, the module LogSigmoid

_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805
SELU_LIMIT = _ALPHA * _SCALE
"""Minus what `selu` tends to at −∞."""


def selu(input: Any) -> Any:
    """λ · elu(x, α), with the λ and α for which mean 0 and variance 1 persist from layer to layer.

    Elementwise. Source: Klambauer et al. (2017), "Self-normalizing neural networks".

    >>> import micrograd_np as mg
    >>> mg.functional.selu(mg.Tensor([-1.0, 0.0, 1.0]))
    Tensor([-1.11133074,  0.        ,  1.05070099])
    """
    return elu(input, alpha=_ALPHA) * _SCALE


def celu(input: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, α (exp(x/α) − 1) elsewhere: elementwise, with slope 1 at 0. ValueError if `alpha` is 0.

    >>> import micrograd_np as mg
    >>> mg.functional.celu(mg.Tensor([-1.0, 2.0]), alpha=2.0)
    Tensor([-0.78693868,  2.        ])
    """
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0, because x is divided by it; relu is the limit.")
    return elu(input) if alpha == 1 else elu(as_floating(input) / alpha) * alpha


def gelu(input: Any, approximate: str = "none") -> Any:
    """x Φ(x), Φ the distribution function of the standard normal; ``approximate="tanh"`` approximates Φ by tanh.

    ValueError for another `approximate`. Source: Hendrycks and Gimpel (2016).

    >>> import numpy as np
    >>> gelu(np.array([-1.0, 2.0])).round(6)
    array([-0.158655,  1.9545  ])
    """
    if approximate == "none":
        x = as_floating(input)
        return clamp_min(x, -50.0) * ndtr(x)  # Φ is 0 below, and −∞ · 0 would be nan
    if approximate == "tanh":
        return gelu_tanh(input)
    raise ValueError(must_be("gelu", "approximate", "'none' or 'tanh'", f"{approximate!r}"))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(βx)) / β, and x itself where βx is above `threshold`, with slope 1.

    Never overflows, whatever the threshold; with ``threshold=inf`` the values are exact. The error of the default,
    which is PyTorch's, is below 2.1e-9 / β. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.functional.softplus(mg.Tensor([-1.0, 0.0, 30.0]))
    Tensor([ 0.31326169,  0.69314718, 30.        ])
    """
    x = as_floating(input)
    smooth = _softplus(x) if beta == 1 else _softplus(multiply(x, beta)) / beta
    return smooth if threshold == inf else where(greater(x * beta, threshold), x, smooth)


def softsign(input: Any) -> Any:
    """x / (1 + |x|): ±1 at ±∞. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.functional.softsign(mg.Tensor([-1.0, 0.0, 3.0]))
    Tensor([-0.5 ,  0.  ,  0.75])
    """
    x = as_floating(input)
    largest = float(np.finfo(x.dtype).max)
    x = hardtanh(x, min_val=-largest, max_val=largest)  # avoids ∞ / ∞
    return x / (absolute(x) + 1)


def relu6(input: Any) -> Any:
    """min(max(x, 0), 6). The subgradient at 0 and 6 is 0. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.functional.relu6(mg.Tensor([-1.0, 3.0, 8.0]))
    Tensor([0., 3., 6.])
    """
    return hardtanh(input, min_val=0.0, max_val=6.0)


def hardsigmoid(input: Any) -> Any:
    """min(max(x + 3, 0), 6) / 6. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.functional.hardsigmoid(mg.Tensor([-4.0, 0.0, 1.5]))
    Tensor([0.  , 0.5 , 0.75])
    """
    return relu6(as_floating(input) + 3) * (1 / 6)


def glu(input: Any, dim: int = -1) -> Any:
    """a σ(b) for the halves a and b of the input along `dim`: ``(…, 2n) -> (…, n)``.

    ValueError if the length along `dim` is odd. Source: Dauphin et al. (2017).

    >>> import micrograd_np as mg
    >>> mg.functional.glu(mg.Tensor([-2.0, 1.0, 0.0, 3.0]))
    Tensor([-1.        ,  0.95257413])
    """
    input = as_operand(input)
    at = axis_of(dim, input.ndim, "dim")
    n, odd = divmod(input.shape[at], 2)
    if odd:
        raise ValueError(f"glu: input is {tuple(input.shape)}; its length along dim={dim} must be even, to be halved.")
    return getitem(input, along(at, slice(None, n))) * sigmoid(getitem(input, along(at, slice(n, None))))


def softmax(input: Any, dim: int = -1) -> Any:
    """exp(x) / Σ exp(x) along `dim`, stable for any x. Entries of −inf give 0, even where all are −inf. ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> mg.functional.softmax(mg.Tensor([[0.0, 0.0], [1.0, 1.0]]), dim=1)
    Tensor([[0.5, 0.5],
            [0.5, 0.5]])
    """
    return _softmax.softmax(input, axis=dim)


def log_softmax(input: Any, dim: int = -1) -> Any:
    """x − log Σ exp(x) along `dim`, stable for any x. ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> mg.functional.log_softmax(mg.Tensor([0.0, 0.0]))
    Tensor([-0.69314718, -0.69314718])
    """
    return _softmax.log_softmax(input, axis=dim)


def softmin(input: Any, dim: int = -1) -> Any:
    """exp(−x) / Σ exp(−x) along `dim`: `softmax` of −x. ``(…) -> (…)``

    >>> softmin(np.zeros(2))
    array([0.5, 0.5])
    """
    return softmax(negative(as_operand(input)), dim)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((logits + Gumbel noise) / τ) along `dim`: a draw of a class with a gradient: ``(…) -> (…)``.

    The largest element of the result is where a draw from the softmax of `logits` would be. The smaller `tau`, the
    closer is the result to one-hot. With `hard` its values are one-hot, the gradient that of the soft ones. `eps`
    chooses nothing, as in PyTorch. ValueError unless `tau` is positive. Source: Jang et al. (2017), "Categorical
    reparameterization with Gumbel-softmax".

    >>> import micrograd_np as mg
    >>> mg.functional.gumbel_softmax(mg.Tensor([0.0, 90.0, 0.0]), hard=True)
    Tensor([0., 1., 0.])
    """
    require_value("gumbel_softmax", "tau", tau, within(tau, "tau", 0) and tau > 0, "positive")
    x = as_floats(logits)
    least = float(np.finfo(x.dtype).tiny)  # log 0 would be −∞
    u = random.uniform(least, 1.0, x.shape, x.dtype)
    soft = softmax((x - log(negative(log(u)))) / tau, dim)
    if not hard:
        return soft
    axis = axis_of(dim, x.ndim, "dim")
    places = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - 1 - axis))
    value = soft.detach()
    chosen = astype(equal(argmax(value, axis=axis, keepdims=True), constant(places)), dtype=x.dtype)
    return chosen - value + soft


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """x where it is positive; elsewhere, x times a slope, for each element drawn evenly from [lower, upper).

    Elementwise. The slope is the mean of the two unless `training`. ValueError for `lower` above `upper`. Source: Xu et
    al. (2015), "Empirical evaluation of rectified activations in convolutional network".

    >>> import micrograd_np as mg
    >>> mg.functional.rrelu(mg.Tensor([-4.0, 3.0]), 0.125, 0.375)
    Tensor([-1.,  3.])
    """
    require_value("rrelu", "lower", lower, within(lower, "lower", high=upper), f"at most upper, {upper}")
    x = as_floating(input)
    if not training:
        return leaky_relu(x, negative_slope=(lower + upper) / 2)
    slopes = random.uniform(lower, upper, x.shape, x.dtype)
    return where(greater(x, 0), x, x * slopes)


def tanhshrink(input: Any) -> Any:
    """x − tanh(x). Elementwise.

    >>> import micrograd_np as mg
    >>> mg.functional.tanhshrink(mg.Tensor([0.0, 2.0]))
    Tensor([0.        , 1.03597242])
    """
    return input - tanh(input)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 where |x| ≤ λ, x elsewhere: ``(…) -> (…)``. The subgradient at ±λ is 0.

    >>> hardshrink(np.array([-1.0, 0.25, 2.0]))
    array([-1.,  0.,  2.])
    """
    x = as_floating(input)
    return masked_zero(x, less_equal(absolute(x), lambd))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 where |x| ≤ λ, x moved towards 0 by λ elsewhere: ``(…) -> (…)``. The subgradient at ±λ is 0.

    ValueError for a negative λ.

    >>> softshrink(np.array([-1.0, 0.25, 2.0]))
    array([-0.5,  0. ,  1.5])
    """
    require_value("softshrink", "lambd", lambd, within(lambd, "lambd", 0), "at least 0")
    x = as_floating(input)
    return masked_zero(x - lambd * sign(x), less_equal(absolute(x), lambd))


def threshold(input: Any, threshold: float, value: float) -> Any:
    """x where it is above `threshold`, `value` elsewhere: ``(…) -> (…)``. The subgradient at the threshold is 0.

    >>> threshold(np.array([0.5, 2.0]), 1.0, -3.0)
    array([-3.,  2.])
    """
    x = as_operand(input)
    return where(less_equal(x, threshold), value, x)


def prelu(input: Any, weight: Any) -> Any:
    """x where it is positive, `weight` times x elsewhere: ``(n, c, …), (1,) or (c,) -> (n, c, …)``.

    The subgradient at 0 is `weight`, as in PyTorch.
    ValueError unless there is one weight, or one for each channel, on axis 1. Source: He et al. (2015).

    >>> import micrograd_np as mg
    >>> mg.functional.prelu(mg.Tensor([-2.0, 3.0]), mg.Tensor([0.25]))
    Tensor([-0.5,  3. ])
    """
    input, weight = as_floating(input), as_floating(weight)
    if not input.ndim and weight.size == 1:
        weight = reshape(weight, shape=())
    elif weight.size != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.shape != (channels,):
            raise ValueError(
                f"prelu: input is {tuple(input.shape)} and weight {weight.shape}; it must be (1,) or ({channels},)."
            )
        weight = reshape(weight, shape=(channels,) + (1,) * (input.ndim - 2))
    return relu(input) + weight * masked_zero(input, greater(input, 0))
