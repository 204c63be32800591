"""Rates that rise and fall, and the momentum that falls and rises with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, floor, pi
from typing import Annotated, Any

from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count, Positive, Share
from micrograd_np.optim.optimizer import Optimizer

from .scheduler import LRScheduler


class _Cycle(LRScheduler):
    """A schedule that gives each group a rate and, if `cycle_momentum`, a momentum, as functions of the epoch alone.

    The first rates are `lrs`, one for each group.
    """

    cycle_momentum: bool

    def __init__(self, optimizer: Optimizer, lrs: Sequence[float], last_epoch: int) -> None:
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lrs, strict=True):
                group["lr"] = group["initial_lr"] = lr
        if self.cycle_momentum and not {"momentum", "betas"} & getattr(optimizer, "defaults", {}).keys():
            raise ValueError(
                f"{self._name}: cycle_momentum=True, but {type(optimizer).__name__} has neither momentum nor betas. "
                "Say cycle_momentum=False."
            )
        super().__init__(optimizer, last_epoch)

    def at(self, epoch: int, i: int) -> tuple[float, float]:
        """Rate and momentum of group `i` at `epoch`."""
        raise NotImplementedError

    def _write(self, rule: Any) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"], momentum = self.at(self.last_epoch, i)
            if self.cycle_momentum and "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif self.cycle_momentum:
                group["momentum"] = momentum
        self._note()


class CyclicLR(_Cycle, example=("base_lr=0.1, max_lr=0.5, step_size_up=2", [0.1, 0.3, 0.5, 0.3])):
    """Cycles from `base_lr` to `max_lr` in `step_size_up` steps and back in `step_size_down` (as many unless given).

    `mode` shrinks the cycles: "triangular" not at all, "triangular2" by half each time, "exp_range" by ``gamma **
    step``; or `scale_fn` does, a function of the cycle (1, 2, …) or, with ``scale_mode="iterations"``, of the step.
    Momentum goes from `max_momentum` to `base_momentum` and back. Source: Smith (2017). ValueError for another `mode`.
    """

    _unsaved = (*LRScheduler._unsaved, "scale_fn")
    _per_group = ("low", "high", "base_momentums", "max_momentums")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: Positive = 2000,
        step_size_down: Positive | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        suits = mode in ("triangular", "triangular2", "exp_range") or scale_fn is not None
        require_value(
            "CyclicLR", "mode", mode, suits, "'triangular', 'triangular2' or 'exp_range' where no scale_fn is given"
        )
        self.low = self._one_per_group(optimizer, "base_lr", base_lr)
        self.high = self._one_per_group(optimizer, "max_lr", max_lr)
        self.base_momentums = self._one_per_group(optimizer, "base_momentum", base_momentum)
        self.max_momentums = self._one_per_group(optimizer, "max_momentum", max_momentum)
        self.up = float(step_size_up)
        self.total_size = self.up + (self.up if step_size_down is None else float(step_size_down))
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.cycle_momentum = cycle_momentum
        super().__init__(optimizer, self.low, last_epoch)

    def at(self, epoch: int, i: int) -> tuple[float, float]:
        cycle = floor(1 + epoch / self.total_size)
        x = 1.0 + epoch / self.total_size - cycle
        ratio = self.up / self.total_size
        height = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
        if self.scale_fn is not None:
            height *= self.scale_fn(cycle if self.scale_mode == "cycle" else epoch)
        elif self.mode == "triangular2":
            height /= 2.0 ** (cycle - 1)
        elif self.mode == "exp_range":
            height *= self.gamma**epoch
        fall = self.max_momentums[i] - self.base_momentums[i]
        return self.low[i] + (self.high[i] - self.low[i]) * height, self.max_momentums[i] - fall * height


class OneCycleLR(_Cycle):
    """One rise from max_lr / `div_factor` to `max_lr`, and one fall to a rate `final_div_factor` below the first.

    The length is `total_steps`, or `epochs` times `steps_per_epoch`; the share `pct_start` of it rises. With
    `three_phase` the fall first mirrors the rise. `anneal_strategy` is "cos" or "linear". Momentum goes the other way,
    from `max_momentum` to `base_momentum` and back. Stepping past the end is a ValueError. Source: Smith & Topin
    (2018).

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=6)
    >>> round(optimizer.param_groups[0]["lr"], 12), optimizer.param_groups[0]["momentum"]
    (0.04, 0.95)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: Count | None = None,
        epochs: Count | None = None,
        steps_per_epoch: Count | None = None,
        pct_start: Share = 0.3,
        anneal_strategy: Annotated[str, "cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: Positive = 25.0,
        final_div_factor: Positive = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                message = "OneCycleLR: needs to know its length: give total_steps, or epochs and steps_per_epoch."
                raise ValueError(message)
            total_steps = epochs * steps_per_epoch
        self.total_steps, self.anneal_strategy, self.cycle_momentum = total_steps, anneal_strategy, cycle_momentum
        top = self._one_per_group(optimizer, "max_lr", max_lr)
        calm = self._one_per_group(optimizer, "max_momentum", max_momentum)
        brisk = self._one_per_group(optimizer, "base_momentum", base_momentum)
        first = [lr / div_factor for lr in top]
        last = [lr / final_div_factor for lr in first]
        turn = float(pct_start * total_steps) - 1
        # corners of the schedule: when, and the rate and the momentum of each group
        self.corners: list[tuple[float, list[float], list[float]]] = [(0.0, first, calm), (turn, top, brisk)]
        if three_phase:
            self.corners.append((2 * turn, first, calm))
        self.corners.append((float(total_steps - 1), last, calm))
        super().__init__(optimizer, first, last_epoch)

    def step(self) -> None:
        """Go on by one step; ValueError past the last."""
        if self.last_epoch + 1 > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.last_epoch + 1} is beyond the {self.total_steps} it was made for; "
                "raise total_steps."
            )
        super().step()

    def for_groups(self) -> list[list[Any]]:
        """Rates and momenta at the corners, some of which share a list."""
        return list({id(x): x for _, *values in self.corners for x in values}.values())

    def at(self, epoch: int, i: int) -> tuple[float, float]:
        start, end = self.corners[0], self.corners[1]
        for following in self.corners[2:]:
            if epoch <= end[0]:
                break
            start, end = end, following
        share = (epoch - start[0]) / (end[0] - start[0]) if end[0] != start[0] else 1.0
        return self._between(start[1][i], end[1][i], share), self._between(start[2][i], end[2][i], share)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (1 + cos(pi * share))
