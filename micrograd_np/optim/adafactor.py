"""Adafactor: Adam's scale for each element, remembered by row and column instead of element by element."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from math import sqrt as root
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.ops.choice import maximum
from micrograd_np.ops.reduce import mean, sum  # noqa: A004
from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer


class Adafactor(Optimizer, example=("Adafactor([p], lr=0.1)", "p.data.round(4)", "array([ 0.8419, -1.8419])")):
    """p ← p − α u / max(1, rms(u) / d), u = g / √v, α = max(ε₂, rms(p)) · min(lr, 1/√t): steps relative to p.

    v is the running mean of g², of a matrix the product of that of its rows and of its columns, so that the state of
    (n, m) is n + m numbers; the share of the latest is t^`beta2_decay`. `eps` is (ε₁, ε₂): v counts as ε₁² at least,
    ε₁ being the machine epsilon if None. Weight decay is decoupled. Source: Shazeer & Stern (2018).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group) -> None:
        super().check({name: value for name, value in group.items() if name != "eps"})
        suits = len(group["eps"]) == 2 and all(x is None or x >= 0 for x in group["eps"])
        require_value(self._name, "eps", group["eps"], suits, "two numbers of at least 0, or None and one")
        require_value(self._name, "beta2_decay", group["beta2_decay"], group["beta2_decay"] <= 0, "at most 0")
        require_value(self._name, "d", group["d"], group["d"] >= 1, "at least 1")

    def start(self, p, group) -> dict[str, Any]:
        """One array of the shape of `p`, or of a matrix one for its rows and one for its columns."""
        *rest, n, m = (1, 1, *p.shape)[-max(2, p.ndim) :]
        shapes = {"variance": p.shape} if p.ndim < 2 else {"row_var": (*rest, n, 1), "col_var": (*rest, 1, m)}
        return {**super().start(p, group), **{k: np.zeros_like(p.data, shape=s) for k, s in shapes.items()}}

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        share, (eps1, eps2) = t ** group["beta2_decay"], group["eps"]
        rho, shrink = min(group["lr"], 1 / root(t)), 1 - group["lr"] * group["weight_decay"]
        floor = None if eps1 is None else eps1 * eps1
        return {"share": share, "eps1": eps1, "floor": floor, "eps2": eps2, "rho": rho, "shrink": shrink}

    @staticmethod
    def update(p, g, state, *, share, eps1, floor, eps2, rho, shrink, d, maximize) -> None:
        if eps1 is None:
            eps1 = float(np.finfo(p.dtype).eps)
            floor = eps1 * eps1
        size = root(max(1, prod(p.shape)))
        step = rho * maximum(sqrt(sum(p * p)) / size, eps2)
        p *= shrink
        square = g * g
        if p.ndim > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows += share * (mean(square, axis=-1, keepdims=True) - rows)
            columns += share * (mean(square, axis=-2, keepdims=True) - columns)
            v = rows * columns / maximum(mean(rows, axis=-2, keepdims=True), eps1)
        else:
            v = state["variance"]
            v += share * (square - v)
        u = g / sqrt(maximum(v, floor))
        u = u * (step / maximum(sqrt(sum(u * u)) / size / d, 1.0))
        if maximize:
            p += u
        else:
            p -= u
