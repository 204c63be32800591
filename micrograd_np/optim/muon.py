"""Muon: momentum, made orthogonal, for the matrices of a network."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt as root
from typing import Any

from micrograd_np.core.messages import require_value
from micrograd_np.ops.choice import maximum
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer


class Muon(Optimizer):
    """The step is the momentum with all its singular values brought near 1, by `ns_steps` Newton-Schulz iterations.

    For matrices only; give biases, gains and embeddings to AdamW. Weight decay is decoupled. `adjust_lr_fn` is
    "original" (None, too), which multiplies lr by √max(1, rows / columns), or "match_rms_adamw", by 0.2 √max(rows,
    columns). The iterations run in the dtype of the parameter (PyTorch's in bfloat16, so the two agree to about 1 %).
    Source: Jordan et al. (2024).

    >>> import numpy as np
    >>> from micrograd_np import Tensor
    >>> p = Tensor(np.zeros((2, 2)), requires_grad=True)
    >>> optimizer = Muon([p], lr=0.1)
    >>> (p @ [[3.0], [4.0]]).sum().backward()
    >>> optimizer.step()
    >>> bool(np.linalg.norm(p.data, 2) < 0.13)  # the step's largest singular value is near lr
    True
    """

    slots = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group) -> None:
        super().check(group)
        for p in group["params"]:
            shape = f"{p.name or 'a parameter'} of shape {p.shape}"
            self.require(p.ndim == 2, f"takes matrices only, found {shape}. Give it to AdamW.")
        rule, rules = group["adjust_lr_fn"], (None, "original", "match_rms_adamw")
        require_value(self._name, "adjust_lr_fn", rule, rule in rules, "None, 'original' or 'match_rms_adamw'")

    @staticmethod
    def scalars(group, t) -> dict[str, Any]:
        a, b, c = group["ns_coefficients"]
        return {
            "shrink": 1 - group["lr"] * group["weight_decay"],
            "share": 1 - group["momentum"],
            "a": a,
            "b": b,
            "c": c,
            "iterations": range(group["ns_steps"]),
            "like_adamw": group["adjust_lr_fn"] == "match_rms_adamw",
        }

    @staticmethod
    def update(p, g, state, *, lr, shrink, momentum, share, a, b, c, eps, iterations, nesterov, like_adamw) -> None:
        buffer = state["momentum_buffer"]
        buffer *= momentum
        buffer += share * g
        x = share * g + momentum * buffer if nesterov else buffer
        rows, columns = p.shape
        x = x / maximum(sqrt(sum(x * x)), eps)
        for _ in iterations:
            if rows > columns:  # the smaller of the two Gram matrices is the cheaper
                gram = matmul(x.T, x)
                x = a * x + matmul(x, b * gram + c * matmul(gram, gram))
            else:
                gram = matmul(x, x.T)
                x = a * x + matmul(b * gram + c * matmul(gram, gram), x)
        p *= shrink
        p -= (0.2 * root(max(rows, columns)) if like_adamw else root(max(1, rows / columns))) * (lr * x)
