"""Rates that fall along a cosine."""

from __future__ import annotations

from math import cos, pi

from micrograd_np.core.settings import Count, Positive
from micrograd_np.optim.optimizer import Optimizer

from .scheduler import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """From the initial rate to `eta_min` in `T_max` epochs along half a cosine, and back up in the next `T_max`.

    Source: Loshchilov & Hutter (2017), without restarts.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(2):
    ...     schedule.step()
    >>> round(schedule.get_last_lr()[0], 12)
    0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: Positive, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        """The part above `eta_min` changes as the cosine does from one epoch to the next."""
        T, epoch = self.T_max, self.last_epoch
        if (epoch - 1 - T) % (2 * T) == 0:  # the cosine was at its minimum, so the ratio is undefined
            return lr + (self.base_lrs[i] - self.eta_min) * (1 - cos(pi / T)) / 2
        return (1 + cos(pi * epoch / T)) / (1 + cos(pi * (epoch - 1) / T)) * (lr - self.eta_min) + self.eta_min


class CosineAnnealingWarmRestarts(LRScheduler, example=("T_0=2", [1.0, 0.5, 1.0, 0.5])):
    """From the initial rate towards `eta_min` along half a cosine in `T_0` epochs, and once more from the initial rate,
    each time in `T_mult` times as many epochs.

    Source: Loshchilov & Hutter (2017).
    """

    def __init__(
        self, optimizer: Optimizer, T_0: Count, T_mult: Count = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        """From the part of the present period that is over."""
        over, period = self.last_epoch, self.T_0
        while over >= period:
            over -= period
            period *= self.T_mult
        return self.eta_min + (self.base_lrs[i] - self.eta_min) * (1 + cos(pi * over / period)) / 2

    start = take_up = rate
