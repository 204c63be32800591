"""Adamax: Adam with the largest gradient in place of the root mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.ops.choice import maximum
from micrograd_np.ops.elementwise import absolute

from .optimizer import Optimizer, effective_gradient


class Adamax(Optimizer, example=("Adamax([p], lr=0.1)", "p.data.round(6)", "array([ 0.9, -1.9])")):
    """p ← p − lr / (1 − β₁ᵗ) · m / u, with u ← max(β₂ u, |g| + ε).

    Source: Kingma & Ba (2015), section 7.1.
    """

    slots = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The largest gradient needs no correction for its start."""
        beta1, beta2 = group["betas"]
        return {"step_size": group["lr"] / (1 - beta1**t), "beta1": beta1, "share1": 1 - beta1, "beta2": beta2}

    @staticmethod
    def update(p, g, state, *, step_size, beta1, share1, beta2, eps, weight_decay, maximize) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        m, u = state["exp_avg"], state["exp_inf"]
        m *= beta1
        m += share1 * g
        u *= beta2
        u[...] = maximum(u, absolute(g) + eps)
        p -= step_size * (m / u)
