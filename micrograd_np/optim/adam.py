"""Adam and AdamW: steps scaled by running moments of the gradient."""

from __future__ import annotations

from math import sqrt as root
from typing import TYPE_CHECKING, Any

from micrograd_np.ops.choice import maximum
from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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

    slots = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

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
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def kept(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The largest second moment only for amsgrad."""
        return self.slots if group["amsgrad"] else self.slots[:2]

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """Both corrections, √c₂ / c₁ and ε √c₂ with cᵢ = 1 − βᵢᵗ, are folded into two numbers: the fewest passes over
        p.
        """
        beta1, beta2 = group["betas"]
        lr, weight_decay, decoupled = group["lr"], group["weight_decay"], group["decoupled_weight_decay"]
        correction = root(1 - beta2**t)
        return {
            "step_size": lr * correction / (1 - beta1**t),
            "beta1": beta1,
            "share1": 1 - beta1,
            "beta2": beta2,
            "share2": 1 - beta2,
            "eps": group["eps"] * correction,
            "weight_decay": 0.0 if decoupled else weight_decay,
            "shrink": 1 - lr * weight_decay,
            "decoupled": bool(decoupled and weight_decay),
            "amsgrad": group["amsgrad"],
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        step_size: Any,
        beta1: Any,
        share1: Any,
        beta2: Any,
        share2: Any,
        eps: Any,
        weight_decay: Any,
        shrink: Any,
        decoupled: bool,
        amsgrad: bool,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
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


class AdamW(Adam):
    """Adam with decoupled weight decay: p shrinks by lr · `weight_decay`, and g is left alone.

    Source: Loshchilov & Hutter (2019).
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
