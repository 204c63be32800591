"""Losses as modules: called with (input, target)."""

from __future__ import annotations

from typing import Any

from micrograd_np import functional
from micrograd_np.tensor import Tensor

from .module import Module


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            message = f"{type(self).__name__}: reduction must be 'mean', 'sum' or 'none', found {reduction!r}."
            raise ValueError(message)
        self.reduction = reduction


class MSELoss(_Loss):
    """Mean squared error; see `micrograd_np.functional.mse_loss`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.mse_loss(input, target, self.reduction)


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities; see `micrograd_np.functional.binary_cross_entropy`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.binary_cross_entropy(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """Cross-entropy of logits and class indices; see `micrograd_np.functional.cross_entropy`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.cross_entropy(input, target, self.reduction)
