"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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

    slots = ("momentum_buffer",)

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
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"]):
            message = "SGD: nesterov needs momentum > 0 and dampening 0."
            raise ValueError(message)

    def kept(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Without momentum there is nothing to keep."""
        return self.slots if group["momentum"] else ()

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The share of the new gradient is 1 on the first step and 1 − dampening later."""
        return {
            "lr": group["lr"],
            "momentum": group["momentum"],
            "share": 1.0 if t == 1 else 1.0 - group["dampening"],
            "weight_decay": group["weight_decay"],
            "nesterov": group["nesterov"],
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        lr: Any,
        momentum: Any,
        share: Any,
        weight_decay: Any,
        nesterov: bool,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        if momentum:
            b = state["momentum_buffer"]
            b *= momentum
            b += share * g
            g = g + momentum * b if nesterov else b
        p -= lr * g
