"""Rprop: only the sign of the gradient counts, and each element finds its own step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.ops.choice import maximum, minimum, where
from micrograd_np.ops.comparison import greater, less
from micrograd_np.ops.elementwise import sign

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from micrograd_np.engine.tensor import Tensor


class Rprop(Optimizer):
    """p ← p − step · sign g. A step grows while the sign stays, and shrinks, without being taken, where it has turned.

    `etas` are the factors for shrinking and growing, `step_sizes` the bounds. For whole-batch training only.
    Source: Riedmiller & Braun (1993), without weight backtracking.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Rprop([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([ 0.9, -1.9])
    """

    slots = ("prev", "step_size")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense."""
        super().check(group)
        if not 0 < group["etas"][0] < 1 < group["etas"][1]:
            message = f"Rprop: etas must be a factor below 1 and one above, found {group['etas']}."
            raise ValueError(message)

    def start(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """Every element starts with a step of `lr`."""
        state = super().start(p, group)
        state["step_size"] += group["lr"]
        return state

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The same at every step."""
        return {
            "shrink": group["etas"][0],
            "grow": group["etas"][1],
            "smallest": group["step_sizes"][0],
            "largest": group["step_sizes"][1],
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        shrink: Any,
        grow: Any,
        smallest: Any,
        largest: Any,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        before, step = state["prev"], state["step_size"]
        agreement = g * before
        turned = less(agreement, 0)
        step[...] = where(greater(agreement, 0), step * grow, where(turned, step * shrink, step))
        step[...] = minimum(maximum(step, smallest), largest)
        g = where(turned, 0 * g, g)
        p -= sign(g) * step
        before[...] = g
