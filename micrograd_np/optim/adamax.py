"""Adamax: Adam with the largest gradient in place of the root mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.ops.choice import maximum
from micrograd_np.ops.elementwise import absolute

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Adamax(Optimizer):
    """p ← p − lr / (1 − β₁ᵗ) · m / u, with u ← max(β₂ u, |g| + ε).

    Source: Kingma & Ba (2015), section 7.1.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adamax([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -1.9])
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
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        )

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The largest gradient needs no correction for its start."""
        beta1, beta2 = group["betas"]
        return {
            "step_size": group["lr"] / (1 - beta1**t),
            "beta1": beta1,
            "share1": 1 - beta1,
            "beta2": beta2,
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
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
        eps: Any,
        weight_decay: Any,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        m, u = state["exp_avg"], state["exp_inf"]
        m *= beta1
        m += share1 * g
        u *= beta2
        u[...] = maximum(u, absolute(g) + eps)
        p -= step_size * (m / u)
