"""Adam and AdamW: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt as root
from typing import Any

from micrograd_np.ops.choice import maximum
from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer, Slot, effective_gradient


class Adam(Optimizer):
    """p ← p − lr · m̂ / (√v̂ + ε), with m and v the running means of g and g², both corrected for their start at zero.

    `weight_decay` adds its multiple of p to g, or, if `decoupled_weight_decay`, shrinks p beforehand; `amsgrad`
    divides by the largest v so far; `maximize` climbs. Source: Kingma & Ba (2015); Reddi et al. (2018) for amsgrad.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)  # the first step is lr long, whatever the gradient
    array([ 0.9, -1.9])
    """

    slots = ("exp_avg", "exp_avg_sq", Slot("max_exp_avg_sq", when="amsgrad"))

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """Both corrections, √c₂ / c₁ and ε √c₂ with cᵢ = 1 − βᵢᵗ, are folded into two numbers: fewest passes over p."""
        beta1, beta2 = group["betas"]
        correction = root(1 - beta2**t)
        step_size = group["lr"] * correction / (1 - beta1**t)
        return {"step_size": step_size, "eps": group["eps"] * correction, **shares(group)}

    @staticmethod
    def update(
        p, g, state, *, step_size, beta1, share1, beta2, share2, eps, weight_decay, shrink, decoupled, amsgrad, maximize
    ) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        if decoupled:
            p *= shrink
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m *= beta1
        m += share1 * g
        v *= beta2
        v += share2 * (g * g)
        if amsgrad:
            largest = state["max_exp_avg_sq"]
            largest[...] = maximum(largest, v)
            v = largest
        d = sqrt(v)
        d += eps
        p -= step_size * (m / d)


def shares(group) -> dict[str, Any]:
    """What Adam and its relatives compute from settings alone: the weights of the means, and how p decays."""
    beta1, beta2 = group["betas"]
    decay, decoupled = group["weight_decay"], group["decoupled_weight_decay"]
    return {
        "beta1": beta1, "share1": 1 - beta1, "beta2": beta2, "share2": 1 - beta2, "shrink": 1 - group["lr"] * decay,
        "weight_decay": 0.0 if decoupled else decay, "decoupled": bool(decoupled and decay),
    }  # fmt: skip


class AdamW(Adam):
    """Adam with decoupled weight decay: p shrinks by lr · `weight_decay`, and g is left alone.

    Source: Loshchilov & Hutter (2019).

    >>> import micrograd_np as mg
    >>> p = mg.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = mg.optim.AdamW([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.899, -1.898])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
