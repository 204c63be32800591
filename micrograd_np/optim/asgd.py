"""ASGD: stochastic gradient descent whose steps shrink, and the average of where it has been."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .optimizer import Optimizer, Slot, effective_gradient


class ASGD(Optimizer, example=("ASGD([p], lr=0.1)", "p.data.round(4)", "array([ 0.8, -1.6])")):
    """p ← (1 − λη) p − η g with steps η = lr / (1 + λ · lr · t)^α; the average of p is the state `ax`.

    The average begins after `t0` steps: until then `ax` is p. `lambd` is λ, `alpha` α.
    Source: Polyak & Juditsky (1992), in PyTorch's form.
    """

    slots = (Slot("eta", start="lr", shape=()), Slot("mu", start=1.0, shape=()), "ax")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The step and the share of p in the average that the next call will take."""
        next_eta = group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]
        return {"next_eta": next_eta, "next_mu": 1 / max(1.0, t - group["t0"])}

    @staticmethod
    def update(p, g, state, *, lambd, next_eta, next_mu, weight_decay, maximize) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        eta, mu, average = state["eta"], state["mu"], state["ax"]
        p *= 1 - lambd * eta
        p -= eta * g
        average += mu * (p - average)
        eta[...] = next_eta
        mu[...] = next_mu
