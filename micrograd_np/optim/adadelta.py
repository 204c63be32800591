"""Adadelta: steps in the units of the parameter, with hardly a learning rate to choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.core.settings import Share
from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer, effective_gradient


class Adadelta(Optimizer, example=("Adadelta([p])", "p.data.round(4)", "array([ 0.9968, -1.9968])")):
    """p ← p − lr · Δ with Δ = √(u + ε) / √(v + ε) · g, where v and u are the running means of g² and Δ².

    Source: Zeiler (2012).
    """

    slots = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: Share = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        return {"share": 1 - group["rho"]}

    @staticmethod
    def update(p, g, state, *, lr, rho, share, eps, weight_decay, maximize) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        v, u = state["square_avg"], state["acc_delta"]
        v *= rho
        v += share * (g * g)
        delta = sqrt(u + eps) / sqrt(v + eps) * g
        u *= rho
        u += share * (delta * delta)
        p -= lr * delta
