"""RAdam: Adam that waits with its adaptive step until the variance is known."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt as root
from typing import Any

from micrograd_np.ops.transcendental import sqrt

from .adam import shares
from .optimizer import Optimizer, effective_gradient


class RAdam(
    Optimizer, example=("RAdam([p], lr=0.1)", "p.data  # the first steps are those of momentum", "array([ 0.8, -1.6])")
):
    """Adam, rectified: momentum alone while the second moment rests on few gradients, then Adam, phased in.

    Source: Liu et al. (2020).
    """

    slots = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        """The step is `step_size` · m / (`adaptive` √v + `eps`): 0 and 1 until the variance can be trusted, then
        1 and ε.

        So both phases are one form, which a compiled program can keep.
        """
        beta1, beta2 = group["betas"]
        step_size = group["lr"] / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / (1 - beta2**t)
        if length <= 5:  # the variance of the second moment diverges
            return {"step_size": step_size, "adaptive": 0.0, "eps": 1.0, **shares(group)}
        rectified = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
        step_size *= root(rectified) * root(1 - beta2**t)
        return {"step_size": step_size, "adaptive": 1.0, "eps": group["eps"], **shares(group)}

    @staticmethod
    def update(
        p, g, state, *, step_size, adaptive, eps, beta1, share1, beta2, share2, weight_decay, shrink, decoupled,
        maximize,
    ) -> None:  # fmt: skip
        g = effective_gradient(p, g, maximize, weight_decay)
        if decoupled:
            p *= shrink
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m *= beta1
        m += share1 * g
        v *= beta2
        v += share2 * (g * g)
        d = sqrt(v)
        d *= adaptive
        d += eps
        p -= step_size * (m / d)
