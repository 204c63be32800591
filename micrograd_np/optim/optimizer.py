"""`Optimizer`: parameter groups, a state per parameter, and a step. What differs between optimisers is two functions.

`scalars(group, t)` computes, in plain Python, the numbers that step `t` needs from the hyperparameters; `update(p, g,
state, **scalars)` changes one parameter in place, in arithmetic that runs on arrays (eager, fast) and on tensors
(traced by the compiler) alike. Its numbers may change from step to step; its booleans, and which numbers are zero,
choose the form of the update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from micrograd_np.core.errors import no_array
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode
from micrograd_np.core.settings import check
from micrograd_np.core.writes import writes
from micrograd_np.engine.accumulate import clear_grad
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_NOTHING: dict[str, Any] = {}
_NOT_NEGATIVE = ("lr", "eps", "weight_decay", "momentum")
_COUNTS = {"ns_steps", "max_iter", "max_eval", "history_size"}
_PYTORCH_ONLY = {"foreach", "fused", "capturable", "differentiable"}  # how PyTorch executes, not what it computes


class Optimizer:
    """What all optimisers share. `params` are tensors, or dicts ``{"params": tensors, "lr": …}`` with settings of
    their own.

    Raises ValueError for no parameters at all, for one that is there twice or was computed, and for settings that make
    no sense; TypeError for what is not a tensor.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """The arrays, shaped like the parameter and zero at first, that `update` keeps in its state."""

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if isinstance(params, Tensor):
            message = f"{type(self).__name__}: params is one tensor of shape {params.shape}; pass a list of it."
            raise TypeError(message)
        groups: list[Any] = [params] if isinstance(params, dict) else _listed(params, type(self).__name__)
        if not groups:
            message = f"{type(self).__name__}: there are no parameters to train; found an empty list."
            raise ValueError(message)
        whole: list[Any] = groups if isinstance(groups[0], dict) else [{"params": groups}]
        for group in whole:
            self.add_param_group(group)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Train more parameters, with settings of their own where `param_group` has them; on an error nothing has
        changed.
        """
        me = type(self).__name__
        if "params" not in param_group:
            message = (
                f"{me}: a group is a dict with the key 'params', found {', '.join(map(repr, param_group)) or 'none'}. "
                "Of a dict of tensors pass list(d.values())."
            )
            raise ValueError(message)
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else _listed(params, me)
        found = set(self._params())
        for p in params:
            if not isinstance(p, Tensor):
                hint = " Pass model.parameters()." if isinstance(p, (str, tuple)) else ""
                message = f"{me}: parameters must be tensors, found {type(p).__name__}.{hint}"
                raise TypeError(message)
            if p in found:
                message = f"{me}: {p.name or 'a parameter'} of shape {p.shape} is there twice."
                raise ValueError(message)
            if p.op is not None:
                message = (
                    f"{me}: {p.name or 'a tensor'} of shape {p.shape} was computed by {p.op.name}; only "
                    "leaves can be trained."
                )
                raise ValueError(message)
            found.add(p)
        unknown = param_group.keys() - self.defaults.keys() - {"params", "initial_lr"}  # a schedule's, to resume from
        if unknown:
            message = f"{me}: has no setting {', '.join(sorted(unknown))}; it has {', '.join(self.defaults)}."
            raise TypeError(message)
        full = {name: _plain(name, value) for name, value in {**self.defaults, **param_group, "params": params}.items()}
        self.check(full)
        self.param_groups.append(full)
        self.state.update((p, {}) for p in params)

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense, TypeError for what is of another kind."""
        check(type(self).__name__, getattr(type(self).__init__, "rules", {}), group)
        for name in _NOT_NEGATIVE:
            if not group.get(name, 0) >= 0:
                message = f"{type(self).__name__}: {name} must not be negative, found {group[name]}."
                raise ValueError(message)
        if not all(0 <= beta < 1 for beta in group.get("betas", ())):
            message = f"{type(self).__name__}: betas must be in [0, 1), found {group['betas']}."
            raise ValueError(message)

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The numbers that step `t` (1, 2, …) needs, as keyword arguments of `update`."""
        raise NotImplementedError

    @staticmethod
    def update(p: Any, g: Any, state: Mapping[str, Any], *_: Any, **scalars: Any) -> None:
        """Change `p`, given its gradient `g`, in place, and with it the arrays in `state`."""
        raise NotImplementedError

    def start(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a parameter of `group` before its first step."""
        return {"step": 0, **{name: np.zeros_like(p.data) for name in self.kept(group)}}

    def started(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The state of `p` with all that the settings of `group` need: they may have come to need more (momentum)."""
        self.state[p] = {**self.start(p, group), **self.state.get(p, _NOTHING)}
        return self.state[p]

    def _params(self) -> Iterator[Tensor]:
        """All parameters, in the order of the groups: `state` may be in any, and may have been emptied."""
        return (p for group in self.param_groups for p in group["params"])

    def kept(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Which of `slots` the settings of `group` need."""
        return self.slots

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. `closure`, if given, is called first and returns the loss."""
        loss = None
        if closure is not None:
            with set_grad_enabled(enabled=True):
                loss = closure()
        if mode.events.optimizer_step(self):
            return loss
        written: list[Any] = []
        states, update = self.state, self.update
        for group in self.param_groups:
            kept = len(self.kept(group))
            at = 0  # the step for which `numbers` are; hardly ever do parameters of one group stand at different ones
            numbers: dict[str, Any] = {}
            for p in group["params"]:
                grad = p._grad
                if grad is None:
                    continue
                g, data = grad.data, p.data
                try:
                    fits = g.shape == data.shape
                except AttributeError:
                    raise TypeError(f"{type(self).__name__}: {no_array(p)}") from None
                if not fits:
                    raise self._misfit(p)
                state = states.get(p, _NOTHING)
                if len(state) <= kept:  # a step number and these
                    state = self.started(p, group)
                t = state["step"] = state["step"] + 1
                if t != at:
                    at, numbers = t, self.scalars(group, t)
                written.append(data)
                try:
                    update(data, g, state, **numbers)
                except ValueError as error:
                    writes.note_all(written)
                    raise self._read_only(p) if not data.flags.writeable else error from error
        writes.note_all(written)
        return loss

    def _read_only(self, p: Tensor) -> ValueError:
        message = (
            f"{type(self).__name__}: {p.name or 'a parameter'} of shape {p.shape} lies in read-only memory, and cannot "
            "be updated; give it a copy, p.data = p.data.copy(), or freeze it, p.requires_grad_(False)."
        )
        return ValueError(message)

    def _misfit(self, p: Tensor) -> ValueError:
        message = (
            f"{type(self).__name__}: {p.name or 'a parameter'} is {p.shape} and its grad {p._grad.shape}; they "
            "must be equal."
        )
        return ValueError(message)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        if set_to_none and mode.events is QUIET:
            for group in self.param_groups:
                for p in group["params"]:
                    p._grad = None
            return
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """Copies of all state in PyTorch's layout: ``{"state": {0: {…}, …}, "param_groups": [{…, "params": [0, …]}]}``.

        Parameters are numbered in the order of the groups; only those that have been updated have a state.
        """
        numbers = {p: i for i, p in enumerate(self._params())}
        state = {
            i: {name: _copied(value) for name, value in self.state[p].items()}
            for p, i in numbers.items()
            if self.state.get(p)
        }
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over settings and state, of this optimiser's own or of PyTorch's optimiser of the same name.

        Arrays are written into those that exist, so that programs compiled with them go on. Raises ValueError, with
        nothing changed, where groups, parameters, shapes or the names in a state do not match.
        """
        me = type(self).__name__
        sizes = [len(group["params"]) for group in self.param_groups]
        found = [len(group["params"]) for group in state_dict["param_groups"]]
        if sizes != found:
            message = f"load_state_dict into {me}: its groups have {sizes} parameters, those of the state {found}."
            raise ValueError(message)
        groups = [
            {**mine, **{k: _plain(k, v) for k, v in theirs.items() if k not in _PYTORCH_ONLY}, "params": mine["params"]}
            for mine, theirs in zip(self.param_groups, state_dict["param_groups"], strict=True)
        ]
        fresh: dict[Tensor, dict[str, Any]] = {}
        for group, saved in zip(groups, state_dict["param_groups"], strict=True):
            self.check(group)
            for p, number in zip(group["params"], saved["params"], strict=True):
                fresh[p] = self._adopted(p, group, state_dict["state"].get(number) or {})
        for mine, group in zip(self.param_groups, groups, strict=True):
            mine.update(group)
        for p, state in fresh.items():
            before = self.state.get(p, _NOTHING)
            if before.keys() != state.keys():
                self.state[p] = state
                continue
            for name, value in state.items():
                if isinstance(value, np.ndarray):
                    before[name][...] = value
                else:
                    before[name] = value

    def _adopted(self, p: Tensor, group: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
        """The state of `p` from a saved one: arrays in the dtype of the parameter, the step as a plain int."""
        given = {name: value for name, value in saved.items() if value is not None}
        if not given:
            return {}
        state = self.start(p, group)
        given.setdefault("step", 1)  # PyTorch's SGD counts no steps; what matters is that the first is over
        told = f"load_state_dict into {type(self).__name__}: the state of {p.name or 'a parameter'} of shape {p.shape}"
        missing = state.keys() - given.keys()
        if missing:
            message = f"{told} lacks {', '.join(sorted(missing))}; it has {', '.join(given)}."
            raise ValueError(message)
        for name in state:
            value = np.asarray(given[name].data if isinstance(given[name], Tensor) else given[name])
            if name == "step":
                state[name] = int(value)
            elif value.shape != state[name].shape:
                message = f"{told} has {name} of shape {value.shape}; it must be {state[name].shape}."
                raise ValueError(message)
            else:
                state[name][...] = value  # in the memory order of the parameter, on which the last bit of a sum depends
        return state

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines.extend(f"    {name}: {value}" for name, value in sorted(group.items()) if name != "params")
        return "\n".join([*lines, ")"])


def _listed(params: Any, caller: str) -> list[Any]:
    try:
        return list(params)
    except TypeError:
        hint = " Pass model.parameters()." if hasattr(params, "parameters") else ""
        message = f"{caller}: params must be tensors or dicts of them, found {type(params).__name__}.{hint}"
        raise TypeError(message) from None


def _plain(name: str, value: Any) -> Any:
    """Numbers as floats, unless they count something: a float may change from step to step, also in a compiled one."""
    return float(value) if type(value) is int and name not in _COUNTS else value


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
