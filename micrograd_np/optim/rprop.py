"""Rprop: only the sign of the gradient counts, and each element finds its own step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_np.core.messages import require_value
from micrograd_np.ops.choice import maximum, minimum, where
from micrograd_np.ops.comparison import greater, less
from micrograd_np.ops.elementwise import sign

from .optimizer import Optimizer, Slot


class Rprop(Optimizer, example=("Rprop([p], lr=0.1)", "p.data", "array([ 0.9, -1.9])")):
    """p ← p − step · sign g. A step grows while the sign stays, and shrinks, without being taken, where it has turned.

    `etas` are the factors for shrinking and growing, `step_sizes` the bounds. For whole-batch training only.
    Source: Riedmiller & Braun (1993), without weight backtracking.
    """

    slots = ("prev", Slot("step_size", start="lr"))

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group) -> None:
        super().check(group)
        shrink, grow = group["etas"]
        suits = 0 < shrink < 1 < grow
        require_value(self._name, "etas", group["etas"], suits, "a factor below 1 and one above")

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        return {"shrink": shrink, "grow": grow, "smallest": smallest, "largest": largest}

    @staticmethod
    def update(p, g, state, *, shrink, grow, smallest, largest, maximize) -> None:
        if maximize:
            g = -g
        previous, step = state["prev"], state["step_size"]
        agreement = g * previous
        turned = less(agreement, 0)
        step[...] = where(greater(agreement, 0), step * grow, where(turned, step * shrink, step))
        step[...] = minimum(maximum(step, smallest), largest)
        g = where(turned, 0 * g, g)
        p -= sign(g) * step
        previous[...] = g
