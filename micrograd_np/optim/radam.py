"""RAdam: Adam that waits with its adaptive step until the variance is known."""

from __future__ import annotations

from math import sqrt as root
from typing import TYPE_CHECKING, Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RAdam(Optimizer):
    """Adam, rectified: momentum alone while the second moment rests on few gradients, then Adam, phased in.

    Source: Liu et al. (2020).

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RAdam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data  # the first steps are those of momentum
    array([ 0.8, -1.6])
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
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The step is `step_size` · m / (`adaptive` √v + `constant`): 0 and 1 until the variance can be trusted, then
        1 and ε.

        So both phases are one form, which a compiled program can keep.
        """
        beta1, beta2 = group["betas"]
        lr, weight_decay, decoupled = group["lr"], group["weight_decay"], group["decoupled_weight_decay"]
        step_size = lr / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / (1 - beta2**t)
        trusted = length > 5  # below that the variance of the second moment diverges
        if trusted:
            rectified = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            step_size *= root(rectified) * root(1 - beta2**t)
        return {
            "step_size": step_size,
            "adaptive": 1.0 if trusted else 0.0,
            "constant": group["eps"] if trusted else 1.0,
            "beta1": beta1,
            "share1": 1 - beta1,
            "beta2": beta2,
            "share2": 1 - beta2,
            "weight_decay": 0.0 if decoupled else weight_decay,
            "shrink": 1 - lr * weight_decay,
            "decoupled": bool(decoupled and weight_decay),
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        step_size: Any,
        adaptive: Any,
        constant: Any,
        beta1: Any,
        share1: Any,
        beta2: Any,
        share2: Any,
        weight_decay: Any,
        shrink: Any,
        decoupled: bool,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        if decoupled:
            p *= shrink
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m *= beta1
        m += share1 * g
        v *= beta2
        v += share2 * (g * g)
        d = sqrt(v)
        d *= adaptive
        d += constant
        p -= step_size * (m / d)
