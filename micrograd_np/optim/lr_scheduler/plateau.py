"""A rate that falls when a measure stops improving."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Annotated, Any

from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Size
from micrograd_np.engine.tensor import Tensor
from micrograd_np.optim.optimizer import Optimizer

from .scheduler import LRScheduler


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor`, not below `min_lr`, once `step(metric)` has seen no better value for over `patience`
    epochs.

    Better is lower (`mode` "min") or higher ("max") than the best by `threshold`, relative ("rel") or absolute
    ("abs"). After lowering, the next `cooldown` epochs do not count; a change of less than `eps` is not made.
    ValueError for a `factor` of 1 or more.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    _per_group = ("min_lrs",)

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Annotated[str, "min", "max"] = "min",
        factor: float = 0.1,
        patience: Size = 10,
        threshold: float = 1e-4,
        threshold_mode: Annotated[str, "rel", "abs"] = "rel",
        cooldown: Size = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        require_value("ReduceLROnPlateau", "factor", factor, factor < 1, "below 1")
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.min_lrs = self._one_per_group(optimizer, "min_lr", min_lr)
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = self.cooldown_counter = 0
        super().__init__(optimizer)

    def is_better(self, value: float) -> bool:
        """Whether `value` beats the best so far by more than the threshold."""
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * value < sign * self.best * (1 - sign * self.threshold)
        return sign * value < sign * self.best - self.threshold

    def step(self, metrics: Any = None) -> None:
        """Report the value of an epoch, a number or a 0-d tensor. TypeError without it."""
        if metrics is None:
            raise TypeError("ReduceLROnPlateau: step needs the value it watches: step(validation_loss).")
        self.grow()
        value = float(metrics.item() if isinstance(metrics, Tensor) else metrics)
        self.last_epoch += 1
        if self.is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lower = max(group["lr"] * self.factor, least)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._note()
