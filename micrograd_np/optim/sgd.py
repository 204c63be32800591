"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .optimizer import Optimizer, Slot, effective_gradient


class SGD(Optimizer):
    """p ← p − lr · g, or with `momentum` μ: b ← μ b + (1 − d) g, p ← p − lr · b (Nesterov: lr · (g + μ b)).

    On the first step b is g, without dampening d. `weight_decay` adds its multiple of p to g; `maximize` climbs.
    Source: Sutskever et al. (2013), in PyTorch's form.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([ 0.8, -1.6])
    """

    slots = (Slot("momentum_buffer", when="momentum"),)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group) -> None:
        super().check(group)
        fits = group["momentum"] > 0 and not group["dampening"]
        self.require(fits or not group["nesterov"], "nesterov needs momentum > 0 and dampening 0.")

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The share of the new gradient: 1 on the first step, 1 − dampening later."""
        return {"share": 1.0 if t == 1 else 1.0 - group["dampening"]}

    @staticmethod
    def update(p, g, state, *, lr, momentum, share, weight_decay, nesterov, maximize) -> None:
        if maximize or weight_decay:
            g = effective_gradient(p, g, maximize, weight_decay)
        if momentum:
            b = state["momentum_buffer"]
            b *= momentum
            b += share * g
            g = g + momentum * b if nesterov else b
        p -= lr * g
