"""Adagrad: each element's step shrinks with all the gradients it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from micrograd_np.engine.tensor import Tensor


class Adagrad(Optimizer):
    """p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√Σg² + ε), the sum starting at `initial_accumulator_value`.

    Source: Duchi, Hazan & Singer (2011).

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -1.9])
    """

    slots = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "maximize": maximize,
            },
        )

    def start(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The sum need not start at zero."""
        state = super().start(p, group)
        state["sum"] += group["initial_accumulator_value"]
        return state

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The learning rate after its own decay."""
        return {
            "step_size": group["lr"] / (1 + (t - 1) * group["lr_decay"]),
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any, g: Any, state: Mapping[str, Any], *, step_size: Any, eps: Any, weight_decay: Any, maximize: bool
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        total = state["sum"]
        total += g * g
        d = sqrt(total)
        d += eps
        p -= step_size * (g / d)
