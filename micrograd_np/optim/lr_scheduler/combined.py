"""Several schedules for one optimiser: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from micrograd_np.core.messages import count_of
from micrograd_np.optim.optimizer import Optimizer

from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler


class _Several(LRScheduler):
    """What schedules that consist of schedules share."""

    _unsaved = (*LRScheduler._unsaved, "schedulers")

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], last_epoch: int = -1) -> None:
        self.schedulers = list(schedulers)
        if any(isinstance(scheduler, ReduceLROnPlateau) for scheduler in self.schedulers):
            message = f"{self._name}: cannot hold ReduceLROnPlateau, whose step needs a value; step it by itself."
            raise ValueError(message)
        if any(scheduler.optimizer is not optimizer for scheduler in self.schedulers):
            raise ValueError(f"{self._name}: found schedulers of another optimiser; construct all with the same one.")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        states = state_dict.get("schedulers", ())
        if len(states) != len(self.schedulers):
            counts = f"there are {count_of(len(self.schedulers), 'scheduler')} here, {len(states)} there"
            raise ValueError(f"load_state_dict into {self._name}: {counts}; give it as many.")
        for name in super().state_dict():
            setattr(self, name, state_dict[name])
        for scheduler, state in zip(self.schedulers, states, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Several):
    """The first schedule until epoch ``milestones[0]``, where the second starts at its epoch 0, and so on.

    ValueError unless there is one milestone less than schedules.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> warmup = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1)
    >>> schedule = SequentialLR(optimizer, [warmup, decay], milestones=[2])
    >>> for _ in range(4):
    ...     print(round(optimizer.param_groups[0]["lr"], 6))
    ...     schedule.step()
    0.5
    0.5
    1.0
    0.1
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            counts = f"{count_of(len(schedulers), 'scheduler')} and {count_of(len(milestones), 'milestone')}"
            raise ValueError(f"SequentialLR: found {counts}; there must be one milestone less than schedulers.")
        self.milestones = list(milestones)
        super().__init__(optimizer, schedulers, last_epoch)

    def begin(self) -> None:
        """Epoch 0 of the first, as if the others had never been constructed."""
        self.last_epoch = 0
        self.schedulers[bisect_right(self.milestones, 0)].restart()
        self._note()

    def step(self) -> None:
        self.last_epoch += 1
        i = bisect_right(self.milestones, self.last_epoch)
        if i and self.milestones[i - 1] == self.last_epoch:
            self.schedulers[i].restart()
        else:
            self.schedulers[i].step()
        self._note()


class ChainedScheduler(_Several):
    """All schedules at once: each changes the rate that the one before has left. ValueError if there are none.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> warmup = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1)
    >>> schedule = optim.lr_scheduler.ChainedScheduler([warmup, decay])
    >>> for _ in range(3):
    ...     print(round(optimizer.param_groups[0]["lr"], 6))
    ...     schedule.step()
    0.5
    0.05
    0.01
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler: there are no schedulers to chain; found an empty list.")
        self.begun = False
        super().__init__(schedulers[0].optimizer if optimizer is None else optimizer, schedulers)

    def begin(self) -> None:
        """Epoch 0 of all; when this is constructed, they have begun on their own."""
        self.last_epoch = 0
        for scheduler in self.schedulers if self.begun else ():
            scheduler.begin()
        self.begun = True
        self._note()

    def step(self) -> None:
        self.last_epoch += 1
        for scheduler in self.schedulers:
            scheduler.step()
        self._note()
