"""RMSprop: steps scaled by the running root mean square of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer, Slot, effective_gradient


class RMSprop(Optimizer, example=("RMSprop([p], lr=0.01)", "p.data.round(6)", "array([ 0.9, -1.9])")):
    """p ← p − lr · g / (√v + ε), with v the running mean of g², or of its variance if `centered`.

    With `momentum` μ: b ← μ b + g / (√v + ε), p ← p − lr · b. Source: Hinton (2012), lecture 6; Graves (2013) for
    `centered`.
    """

    slots = ("square_avg", Slot("momentum_buffer", when="momentum"), Slot("grad_avg", when="centered"))

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        first = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}  # as in PyTorch
        super().__init__(params, {**first, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, group) -> None:
        super().check(group)
        self.require(group["alpha"] >= 0, f"alpha must not be negative, found {group['alpha']}.")

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        return {"share": 1 - group["alpha"]}

    @staticmethod
    def update(p, g, state, *, lr, alpha, share, eps, weight_decay, momentum, centered, maximize) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        v = state["square_avg"]
        v *= alpha
        v += share * (g * g)
        if centered:
            mean = state["grad_avg"]
            mean *= alpha
            mean += share * g
            v = v - mean * mean
        d = sqrt(v)
        d += eps
        g = g / d
        if momentum:
            b = state["momentum_buffer"]
            b *= momentum
            b += g
            g = b
        p -= lr * g
