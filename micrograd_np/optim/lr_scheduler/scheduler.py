"""`LRScheduler`: counts epochs and writes the learning rates of an optimiser's groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

from micrograd_np.core.messages import count_of
from micrograd_np.optim.optimizer import Optimizer

_EXAMPLE = """
    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = optim.lr_scheduler.{}(optimizer, {})
    >>> rates = []
    >>> for _ in range({}):
    ...     rates.append(round(schedule.get_last_lr()[0], 3))
    ...     schedule.step()
    >>> rates
    {}
    """


class LRScheduler:
    """What all schedules share. A derived class computes the rate at epoch 0 (`start`) and at later ones (`rate`).

    Both get the number of the group and its present rate; ``base_lrs[i]`` is its `initial_lr`. A rate computed from the
    present one composes: other schedulers, or the user, may change it in between.

    With a `last_epoch` other than −1 the schedule resumes: schedules that compute the rate from the epoch alone set the
    next epoch's rate at once (`take_up`); the others rely on the rates that the optimiser has. To resume exactly, load
    a state dict instead. KeyError if a group has no `initial_lr` then.

    Groups that are added to the optimiser later join in: a value that is shared by all groups holds for them, too;
    where each group has a value of its own, the next step is a ValueError.

    >>> from micrograd_np import Tensor, optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def rate(self, i, lr):
    ...         return lr / 2
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = Halving(optimizer)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "_shared")
    _per_group: ClassVar[tuple[str, ...]] = ()  # the attributes that are lists of one value for each group
    _shared: bool = True  # whether each of these values is the same for all groups

    def __init_subclass__(cls, example: tuple[str, list[float]] | None = None, **arguments: Any) -> None:
        """`example` is for the docstring: the arguments after the optimiser, and the first rates, from 1.0 on."""
        super().__init_subclass__(**arguments)
        if example and cls.__doc__:
            settings, rates = example
            cls.__doc__ = cls.__doc__.rstrip() + "\n" + _EXAMPLE.format(cls.__name__, settings, len(rates), rates)

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name}: needs an optimiser, found {type(optimizer).__name__}.")
        self.optimizer: Optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{self._name}: last_epoch={last_epoch} resumes, but a group has no 'initial_lr' to resume from."
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._note()
        if last_epoch == -1:
            self.begin()
        else:
            self._write(self.take_up)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def start(self, i: int, lr: float) -> float:
        """The rate at epoch 0."""
        return lr

    def rate(self, i: int, lr: float) -> float:
        """The rate at `last_epoch`, from that of the epoch before."""
        raise NotImplementedError

    def take_up(self, i: int, lr: float) -> float:
        """The rate at `last_epoch`, where an earlier run left off."""
        return lr

    def for_groups(self) -> list[list[Any]]:
        """The lists of one value for each group."""
        return [getattr(self, name) for name in self._per_group]

    def _one_per_group(self, optimizer: Any, name: str, value: Any) -> list[Any]:
        """`value` for each group of `optimizer`; of a sequence, one each. ValueError for too few or too many."""
        groups = len(getattr(optimizer, "param_groups", ()))
        if not isinstance(value, Sequence):
            return [value] * groups
        self._shared = False
        if len(value) != groups:
            counts = f"{count_of(groups, 'group')} and {count_of(len(value), 'value')} of {name}"
            raise ValueError(f"{self._name}: found {counts}; give one value, or one for each group.")
        return list(value)

    def grow(self) -> None:
        """Adopt the groups that were added to the optimiser. ValueError where each group has values of its own."""
        groups = self.optimizer.param_groups
        for group in groups[len(self.base_lrs) :]:
            for values in self.for_groups():
                if not self._shared:
                    raise ValueError(
                        f"{self._name}: the optimiser has {count_of(len(groups), 'group')}, and the schedule was given "
                        f"values for {len(values)}; construct a new one, or give one value for all groups."
                    )
                values.append(values[0])
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))

    def step(self) -> None:
        """Go on by one epoch: to be called after the optimiser's step (or after an epoch of them)."""
        self.grow()
        self.last_epoch += 1
        self._write(self.rate)

    def begin(self) -> None:
        """Epoch 0, from the present rates."""
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
        self._note()

    def _note(self) -> None:
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rates this schedule has written last, one per group."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Copies of everything but the optimiser and functions given by the user: plain numbers, strings and lists."""
        return deepcopy({name: value for name, value in vars(self).items() if name not in self._unsaved})

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state; the rates themselves are in the optimiser's. ValueError, with nothing changed, for names
        that are missing.
        """
        self.grow()
        own = self.state_dict()
        missing = own.keys() - state_dict.keys()
        if missing:
            raise ValueError(f"load_state_dict into {self._name}: the state lacks {', '.join(sorted(missing))}.")
        if len(state_dict["base_lrs"]) != len(self.base_lrs):
            counts = f"{count_of(len(self.base_lrs), 'group')}, the state {len(state_dict['base_lrs'])}"
            raise ValueError(f"load_state_dict into {self._name}: the optimiser has {counts}.")
        for name in own:
            setattr(self, name, deepcopy(state_dict[name]))
