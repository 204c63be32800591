"""`Optimizer`: parameter groups, a state per parameter, and a step. What differs between optimisers is two functions.

`scalars(group, t)` computes, in plain Python, the numbers that step `t` needs from the hyperparameters; `update(p, g,
state, **scalars)` changes one parameter in place, in arithmetic that runs on arrays (eager, fast) and on tensors (traced
by the compiler) alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from micrograd_np.grad_mode import set_grad_enabled
from micrograd_np.primitive import mode
from micrograd_np.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Optimizer:
    """Base of all optimisers. `params` are tensors, or dicts ``{"params": tensors, "lr": …}`` with settings of their own.

    Raises ValueError for no parameters at all, TypeError for what is not a tensor.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """The arrays, shaped like the parameter and zero at first, that `update` keeps in its state."""

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        groups = list(params) if not isinstance(params, Tensor) else [params]
        if not groups:
            message = f"{type(self).__name__}: there are no parameters to train; found an empty list."
            raise ValueError(message)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Train more parameters, with settings of their own where `group` has them."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            if not isinstance(p, Tensor):
                message = f"{type(self).__name__}: parameters must be tensors, found {type(p).__name__}."
                raise TypeError(message)
            if p in self.state:
                message = f"{type(self).__name__}: {p.name or 'a parameter'} of shape {p.shape} is there twice."
                raise ValueError(message)
            self.state[p] = {}
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            message = f"{type(self).__name__}: has no setting {', '.join(sorted(unknown))}; it has {', '.join(self.defaults)}."
            raise TypeError(message)
        full = {**self.defaults, **group, "params": params}
        self.check(full)
        self.param_groups.append(full)

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense."""
        if group["lr"] < 0:
            message = f"{type(self).__name__}: lr must not be negative, found {group['lr']}."
            raise ValueError(message)

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The numbers that step `t` (1, 2, …) needs, as keyword arguments of `update`."""
        raise NotImplementedError

    @staticmethod
    def update(p: Any, g: Any, state: Mapping[str, Any], **scalars: Any) -> None:
        """Change `p`, given its gradient `g`, in place, and with it the arrays in `state`."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. `closure`, if given, is called first and returns the loss."""
        loss = None
        if closure is not None:
            with set_grad_enabled(enabled=True):
                loss = closure()
        watcher = mode.watcher
        lifted = watcher is not None and getattr(watcher, "lifts", False)
        if lifted:
            with set_grad_enabled(enabled=False):
                watcher.optimizer_step(self)  # type: ignore[union-attr]
            return loss
        for group in self.param_groups:
            numbers: dict[int, dict[str, Any]] = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state = self.state[p] = self.start(p)
                t = state["step"] = state["step"] + 1
                if t not in numbers:
                    numbers[t] = self.scalars(group, t)
                self.update(p.data, p.grad.data, state, **numbers[t])
                p.version += 1
        return loss

    def start(self, p: Tensor) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        return {"step": 0, **{name: np.zeros_like(p.data) for name in self.slots}}

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: FBT001, FBT002
        """Forget the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None if set_to_none or p.grad is None else Tensor(np.zeros_like(p.data))
