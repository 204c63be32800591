"""`LRScheduler`: counts epochs and writes the learning rates of an optimiser's groups."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from micrograd_np.core.messages import count_of
from micrograd_np.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class LRScheduler:
    """What all schedules share. A derived class says what the rate is at epoch 0 (`start`), and how it goes on
    (`rate`).

    Both get the number of the group and its rate as it is now; ``base_lrs[i]`` is its `initial_lr`. A rate made from
    the present one composes: other schedulers, or the user, may change it in between. `last_epoch` other than −1 takes
    up a schedule: the next epoch's rate is set at once, by those schedules that compute it from the epoch alone
    (`take_up`); the others rely on the rates that the optimiser has. To resume exactly, load a state dict instead.
    KeyError if a group has no `initial_lr` then. Groups that the optimiser gets later join in: what was given once for
    all groups counts for them too; where each group was given its own, the next step is a ValueError.
    """

    _unsaved: tuple[str, ...] = ("optimizer",)
    _shared: bool = True  # whether all values were given once for all groups

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            message = f"{type(self).__name__}: needs an optimiser, found {type(optimizer).__name__}."
            raise TypeError(message)
        self.optimizer: Optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                message = (
                    f"{type(self).__name__}: last_epoch={last_epoch} resumes, but a group has no 'initial_lr' "
                    "to resume from."
                )
                raise KeyError(message)
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._last_lr = [group["lr"] for group in optimizer.param_groups]
        if last_epoch == -1:
            self.begin()
        else:
            self._write(self.take_up)

    def start(self, i: int, lr: float) -> float:
        """The rate at epoch 0."""
        return lr

    def rate(self, i: int, lr: float) -> float:
        """The rate at `last_epoch`, given that of the epoch before."""
        raise NotImplementedError

    def take_up(self, i: int, lr: float) -> float:
        """The rate at `last_epoch`, where an earlier run left off."""
        return lr

    def for_groups(self) -> list[list[Any]]:
        """The lists that this schedule keeps, of one value for each group."""
        return []

    def grow(self) -> None:
        """Take in the groups that the optimiser has got since. ValueError where each was given values of its own."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            for values in self.for_groups():
                if not self._shared:
                    message = (
                        f"{type(self).__name__}: the optimiser has "
                        f"{count_of(len(self.optimizer.param_groups), 'group')}, and the schedule was given "
                        f"values for {len(values)}; make it anew, or give one value for all groups."
                    )
                    raise ValueError(message)
                values.append(values[0])
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))

    def step(self) -> None:
        """Go on by one epoch: to be called after the optimiser's step (or after an epoch of them)."""
        self.grow()
        self.last_epoch += 1
        self._write(self.rate)

    def begin(self) -> None:
        """Epoch 0, from the rates as they are."""
        self.last_epoch = 0
        self._write(self.start)

    def restart(self) -> None:
        """Epoch 0, from the initial rates."""
        self.grow()
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base
        self.begin()

    def _write(self, rule: Callable[[int, float], float]) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = rule(i, group["lr"])
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rates this schedule has written last, one per group."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Copies of everything but the optimiser and functions given by the user: plain numbers, strings and lists."""
        return deepcopy({name: value for name, value in vars(self).items() if name not in (*self._unsaved, "_shared")})

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state; the rates themselves are in the optimiser's. ValueError, nothing changed, for names
        missing.
        """
        self.grow()
        own = self.state_dict()
        missing = own.keys() - state_dict.keys()
        if missing:
            message = f"load_state_dict into {type(self).__name__}: the state lacks {', '.join(sorted(missing))}."
            raise ValueError(message)
        if len(state_dict["base_lrs"]) != len(self.base_lrs):
            message = (
                f"load_state_dict into {type(self).__name__}: the optimiser has "
                f"{count_of(len(self.base_lrs), 'group')}, the state {len(state_dict['base_lrs'])}."
            )
            raise ValueError(message)
        for name in own:
            setattr(self, name, deepcopy(state_dict[name]))
