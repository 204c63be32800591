"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from micrograd_np.engine.tensor import Tensor


class NAdam(Optimizer):
    """Adam whose first moment looks ahead by one step, with the momentum schedule μₜ = β₁ (1 − ½ · 0.96^(t ψ)).

    ψ is `momentum_decay`. The product of all μ so far is part of the state, as in PyTorch.
    Source: Dozat (2016).

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = NAdam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4)
    array([ 0.8944, -1.8944])
    """

    slots = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The product of no momenta is 1."""
        return {**super().start(p, group), "mu_product": np.ones((), p.dtype)}

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The momentum of this step and of the next."""
        beta1, beta2 = group["betas"]
        decay, lr, weight_decay = group["momentum_decay"], group["lr"], group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        return {
            "by_gradient": lr * (1 - mu),
            "by_momentum": lr * mu_next,
            "mu": mu,
            "mu_next": mu_next,
            "beta1": beta1,
            "share1": 1 - beta1,
            "beta2": beta2,
            "share2": 1 - beta2,
            "correction": 1 - beta2**t,
            "eps": group["eps"],
            "weight_decay": 0.0 if decoupled else weight_decay,
            "shrink": 1 - lr * weight_decay,
            "decoupled": bool(decoupled and weight_decay),
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        by_gradient: Any,
        by_momentum: Any,
        mu: Any,
        mu_next: Any,
        beta1: Any,
        share1: Any,
        beta2: Any,
        share2: Any,
        correction: Any,
        eps: Any,
        weight_decay: Any,
        shrink: Any,
        decoupled: bool,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        if decoupled:
            p *= shrink
        m, v, product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        product *= mu
        m *= beta1
        m += share1 * g
        v *= beta2
        v += share2 * (g * g)
        d = sqrt(v / correction)
        d += eps
        p -= (by_gradient / (1 - product)) * g / d
        p -= (by_momentum / (1 - product * mu_next)) * m / d
