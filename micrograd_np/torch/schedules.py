"""PyTorch's schedules of learning rates where they are not this package's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd_np.optim import lr_scheduler


class StepLR(lr_scheduler.StepLR):
    """PyTorch's StepLR, whose `step_size` may be a float, as tutorials write it."""

    def __init__(self, optimizer: Any, step_size: Any, *args: Any, **settings: Any) -> None:
        whole = int(step_size) if isinstance(step_size, float) and step_size.is_integer() else step_size
        super().__init__(optimizer, whole, *args, **settings)


class _Kind(type):
    """The class of `LRScheduler`, of which all schedules are instances."""

    def __instancecheck__(cls, x: Any) -> bool:
        return super().__instancecheck__(x) or (cls is LRScheduler and isinstance(x, lr_scheduler.LRScheduler))


class LRScheduler(lr_scheduler.LRScheduler, metaclass=_Kind):
    """Derive from this and write ``get_lr()``, which returns the rates of all groups at `last_epoch`.

    >>> import micrograd_np.torch as torch
    >>> class Warmup(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * min(1, (self.last_epoch + 1) / 4) for lr in self.base_lrs]
    >>> schedule = Warmup(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    _get_lr_called_within_step = True

    def __init__(self, optimizer: Any, last_epoch: int = -1, *_: Any) -> None:
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates of all groups at `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__}: write get_lr(), which returns the rates of all groups.")

    def _write(self, rule: Callable[[int, float], float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, list(self.get_lr()), strict=False):
            group["lr"] = lr
        self._note()
