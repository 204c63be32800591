"""Adagrad: each element's step shrinks with all the gradients it has seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer, Slot, effective_gradient


class Adagrad(Optimizer, example=("Adagrad([p], lr=0.1)", "p.data.round(6)", "array([ 0.9, -1.9])")):
    """p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√Σg² + ε), the sum starting at `initial_accumulator_value`.

    Source: Duchi, Hazan & Singer (2011).
    """

    slots = (Slot("sum", start="initial_accumulator_value"),)

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
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "eps": eps, **locals()})  # in PyTorch's order

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The learning rate after its own decay."""
        return {"step_size": group["lr"] / (1 + (t - 1) * group["lr_decay"])}

    @staticmethod
    def update(p, g, state, *, step_size, eps, weight_decay, maximize) -> None:
        g = effective_gradient(p, g, maximize, weight_decay)
        total = state["sum"]
        total += g * g
        d = sqrt(total)
        d += eps
        p -= step_size * (g / d)
