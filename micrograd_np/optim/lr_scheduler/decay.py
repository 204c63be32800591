"""Rates that follow a formula of the epoch: steps, powers, lines, and functions of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count, Positive, Size
from micrograd_np.optim.optimizer import Optimizer

from .scheduler import LRScheduler


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2)
    >>> for _ in range(3):
    ...     print(optimizer.param_groups[0]["lr"])
    ...     optimizer.step()
    ...     schedule.step()
    1.0
    1.0
    0.1
    """

    def __init__(self, optimizer: Optimizer, step_size: Count, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        return lr * self.gamma if self.last_epoch % self.step_size == 0 else lr

    take_up = rate


class MultiStepLR(LRScheduler, example=("milestones=[1, 3], gamma=0.1", [1.0, 0.1, 0.1, 0.01])):
    """The rate times `gamma` at each of the epochs `milestones`; twice where one is there twice."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        times = self.milestones.count(self.last_epoch)
        return lr * self.gamma**times if times else lr

    take_up = rate


class ExponentialLR(LRScheduler, example=("gamma=0.5", [1.0, 0.5, 0.25])):
    """The rate times `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        return lr * self.gamma


class ConstantLR(LRScheduler, example=("factor=0.5, total_iters=2", [0.5, 0.5, 1.0])):
    """The rate times `factor` until epoch `total_iters`, and then as it was."""

    def __init__(
        self, optimizer: Optimizer, factor: Positive = 1 / 3, total_iters: Size = 5, last_epoch: int = -1
    ) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def start(self, i: int, lr: float) -> float:
        return lr * self.factor

    def rate(self, i: int, lr: float) -> float:
        return lr * (1 / self.factor) if self.last_epoch == self.total_iters else lr

    take_up = rate


class LinearLR(LRScheduler, example=("start_factor=0.5, total_iters=2", [0.5, 0.75, 1.0, 1.0])):
    """The rate times a factor that goes in a line from `start_factor` to `end_factor` in `total_iters` epochs.

    ValueError for a `start_factor` outside (0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: Size = 5,
        last_epoch: int = -1,
    ) -> None:
        require_value("LinearLR", "start_factor", start_factor, 0 < start_factor <= 1, "in (0, 1]")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def start(self, i: int, lr: float) -> float:
        return lr * self.start_factor

    def rate(self, i: int, lr: float) -> float:
        """By this epoch's factor over that of the epoch before."""
        if self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))


class PolynomialLR(LRScheduler, example=("total_iters=4", [1.0, 0.75, 0.5, 0.25, 0.0])):
    """The rate times (1 − epoch / total_iters)^power: 0 from epoch `total_iters` on."""

    def __init__(self, optimizer: Optimizer, total_iters: Size = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, lr: float) -> float:
        """By this epoch's factor over that of the epoch before."""
        if self.last_epoch > self.total_iters:
            return lr
        now, before = 1 - self.last_epoch / self.total_iters, 1 - (self.last_epoch - 1) / self.total_iters
        return lr * (now / before) ** self.power


class _ByFunction(LRScheduler):
    """A schedule by a function of the epoch, or by one for each group. Functions are not part of the state."""

    _unsaved = (*LRScheduler._unsaved, "lr_lambdas")
    _per_group = ("lr_lambdas",)

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        functions = lr_lambda if callable(lr_lambda) else list(lr_lambda)
        self.lr_lambdas = self._one_per_group(optimizer, "lr_lambda", functions)
        super().__init__(optimizer, last_epoch)


class LambdaLR(_ByFunction):
    """The initial rate times ``lr_lambda(epoch)``. A list has one function for each group.

    >>> from micrograd_np import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def rate(self, i: int, lr: float) -> float:
        return self.base_lrs[i] * self.lr_lambdas[i](self.last_epoch)

    start = take_up = rate


class MultiplicativeLR(_ByFunction, example=("lambda epoch: 0.9", [1.0, 0.9, 0.81])):
    """The rate times ``lr_lambda(epoch)``, from epoch 1 on at every epoch. A list has one function for each group."""

    def rate(self, i: int, lr: float) -> float:
        return lr * self.lr_lambdas[i](self.last_epoch)

    def restart(self) -> None:
        """Epoch 0, from the present rates: it multiplies them, whatever they are, as PyTorch's does."""
        self.last_epoch = 0
        self._write(self.rate)
