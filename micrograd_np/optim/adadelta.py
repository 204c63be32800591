"""Adadelta: steps in the units of the parameter, with hardly a learning rate to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Adadelta(Optimizer):
    """p ← p − lr · Δ with Δ = √(u + ε) / √(v + ε) · g, where v and u are the running means of g² and Δ².

    Source: Zeiler (2012).

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adadelta([p])
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4)
    array([ 0.9968, -1.9968])
    """

    slots = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense."""
        super().check(group)
        if not 0 <= group["rho"] <= 1:
            message = f"Adadelta: rho must be in [0, 1], found {group['rho']}."
            raise ValueError(message)

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The same at every step."""
        return {
            "lr": group["lr"],
            "rho": group["rho"],
            "share": 1 - group["rho"],
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
        lr: Any,
        rho: Any,
        share: Any,
        eps: Any,
        weight_decay: Any,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        v, u = state["square_avg"], state["acc_delta"]
        v *= rho
        v += share * (g * g)
        delta = sqrt(u + eps) / sqrt(v + eps) * g
        u *= rho
        u += share * (delta * delta)
        p -= lr * delta
