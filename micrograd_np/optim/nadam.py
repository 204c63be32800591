"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.ops.transcendental import sqrt

from .adam import shares
from .optimizer import Optimizer, Slot, effective_gradient


class NAdam(Optimizer, example=("NAdam([p], lr=0.1)", "p.data.round(4)", "array([ 0.8944, -1.8944])")):
    """Adam whose first moment looks ahead by one step, with the momentum schedule μₜ = β₁ (1 − ½ · 0.96^(t ψ)).

    ψ is `momentum_decay`. The product of all μ so far is part of the state, as in PyTorch.
    Source: Dozat (2016).
    """

    slots = ("exp_avg", "exp_avg_sq", Slot("mu_product", start=1.0, shape=()))

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
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The momentum of this step and of the next."""
        beta1, beta2 = group["betas"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])) for step in (t, t + 1))
        by_gradient, by_momentum = group["lr"] * (1 - mu), group["lr"] * mu_next
        numbers = {"by_gradient": by_gradient, "by_momentum": by_momentum, "mu": mu, "mu_next": mu_next}
        return {**numbers, "correction": 1 - beta2**t, **shares(group)}

    @staticmethod
    def update(
        p, g, state, *, by_gradient, by_momentum, mu, mu_next, beta1, share1, beta2, share2, correction, eps,
        weight_decay, shrink, decoupled, maximize,
    ) -> None:  # fmt: skip
        g = effective_gradient(p, g, maximize, weight_decay)
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
