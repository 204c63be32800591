"""`Optimizer`: parameter groups, a state for each parameter, and the step. A derived class declares what differs.

- The arguments of ``__init__`` are its settings; it passes them on as ``super().__init__(params, locals())``.
- `slots` are the arrays in the state of each parameter.
- ``update(p, g, state, *, lr, …)`` changes one parameter in place, in arithmetic that runs on arrays (eager, fast) and
  on tensors (traced by the compiler) alike. By keyword it takes settings and scalars, whichever it names.
- ``scalars(group, t)`` computes, in plain Python, what else step `t` needs from the settings of a group. A scalar takes
  the place of a setting of its name.

The numbers may change from step to step; booleans, and which numbers are zero, select the form of the update.

Settings and slots have PyTorch's names, so that states move between the two libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from inspect import Parameter, signature
from typing import Any, ClassVar, NamedTuple

import numpy as np

from micrograd_np.core.errors import no_array
from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import require_value
from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.settings import check
from micrograd_np.core.spellings import add_foreign_names
from micrograd_np.core.views import array_of_data
from micrograd_np.core.writes import writes
from micrograd_np.engine.accumulate import clear_grad
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .advice import NO_PARAMETERS, Advised, listed, no_group, read_only

_NO_STATE: dict[str, Any] = {}
_ndarray = np.ndarray
_NO_SETTINGS = ("self", "params", "__class__")  # what else `locals` returns in a constructor
_NOT_NEGATIVE = ("lr", "eps", "weight_decay", "momentum")
_COUNTS = {"ns_steps", "max_iter", "max_eval", "history_size"}
_PYTORCH_ONLY = {"foreach", "fused", "capturable", "differentiable"}  # how PyTorch executes, not what it computes
_EXAMPLE = """
    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = {}
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> {}
    {}
    """


class Slot(NamedTuple):
    """An array in the state of a parameter. It exists while the setting `when` is on, and starts filled with `start`, a
    number or the name of a setting; `shape` is the parameter's unless given.
    """

    name: str
    when: str = ""
    start: float | str = 0.0
    shape: tuple[int, ...] | None = None


class Optimizer(Advised):
    """What all optimisers share. `params` are tensors, or dicts ``{"params": tensors, "lr": …}`` with settings of
    their own.

    Raises ValueError for no parameters at all, for one that is there twice or was computed, and for settings that make
    no sense; TypeError for what is not a tensor.

    >>> from micrograd_np import Tensor, optim
    >>> class Descent(optim.Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, locals())
    ...     @staticmethod
    ...     def update(p, g, state, *, lr):
    ...         p -= lr * g
    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = Descent([p])
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([0.8])
    """

    slots: ClassVar[tuple[str | Slot, ...]] = ()
    """The arrays that `update` keeps in its state: a `Slot`, or the name of one that is zero at first."""

    _keywords: ClassVar[tuple[str, ...]] = ()  # of `update`
    _conditions: ClassVar[tuple[tuple[str | Slot, str | None], ...]] = ()  # each slot, and the setting it depends on

    def __init_subclass__(cls, example: tuple[str, str, str] | None = None, **arguments: Any) -> None:
        """`example` is for the docstring: how to construct the optimiser, what to show after a step, and its value."""
        super().__init_subclass__(**arguments)
        if example and cls.__doc__:
            cls.__doc__ = cls.__doc__.rstrip() + "\n" + _EXAMPLE.format(*example)
        own = signature(cls.update).parameters.values()
        names = tuple(x.name for x in own if x.kind is Parameter.KEYWORD_ONLY)
        inherited = any(x.kind is Parameter.VAR_KEYWORD for x in own)  # it passes them on to the rule that it overrides
        cls._keywords = names + cls._keywords if inherited else names
        cls._conditions = tuple([(slot, None if isinstance(slot, str) else slot.when) for slot in cls.slots])

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        self.defaults = {name: value for name, value in defaults.items() if name not in _NO_SETTINGS}
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if isinstance(params, Tensor):
            raise TypeError(f"{self._name}: params is one tensor of shape {params.shape}; pass a list of it.")
        groups: list[Any] = [params] if isinstance(params, dict) else listed(self._name, params, alone=False)
        self.require(bool(groups), NO_PARAMETERS)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)
        self.watch()

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Train more parameters, with the settings that `param_group` has for them; on an error, nothing changes."""
        if "params" not in param_group:
            raise no_group(self._name, param_group)
        params = param_group["params"]
        params = listed(self._name, params)
        trained = set(self._params())
        for p in params:
            if p in trained:
                raise ValueError(f"{self._name}: {_called(p)} is there twice; list each parameter once.")
            if p.op is not None:
                advice = "only leaves can be trained. Make it one with nn.Parameter(...)."
                raise ValueError(f"{self._name}: {_called(p)} was computed by {p.op.name}; {advice}")
            trained.add(p)
        unknown = param_group.keys() - self.defaults.keys() - {"params", "initial_lr"}  # a schedule's, to resume from
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(f"{self._name}: has no setting {names}; it has {', '.join(self.defaults)}.")
        group = _plain({**self.defaults, **param_group, "params": params})
        self.check(group)
        self.param_groups.append(group)
        self.state.update((p, {}) for p in params)

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense, TypeError for what is of another kind."""
        check(self._name, getattr(type(self).__init__, "rules", dict)(), group)
        for name in _NOT_NEGATIVE:
            self.require(group.get(name, 0) >= 0, f"{name} must not be negative, found {group.get(name)}.")
        betas = group.get("betas", ())
        require_value(self._name, "betas", betas, all(0 <= beta < 1 for beta in betas), "in [0, 1)")

    def require(self, condition: bool, message: str) -> None:
        """Raise ValueError, with `message` after the name of the optimiser, unless the condition holds."""
        if not condition:
            raise ValueError(f"{self._name}: {message}")

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The numbers of step `t` (1, 2, …) that `update` takes and that are no settings of the group."""
        return {}

    def numbers(self, group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The keyword arguments of `update` in step `t`: scalars, and settings where no scalar has the name."""
        numbers = self.scalars(group, t)
        for name in self._keywords:
            if name not in numbers:
                numbers[name] = group[name]
        return numbers

    @staticmethod
    def update(p: Any, g: Any, state: Mapping[str, Any], *_: Any, **numbers: Any) -> None:
        """Change `p`, given its gradient `g`, in place, and with it the arrays in `state`."""
        raise NotImplementedError

    def kept(self, group: Mapping[str, Any]) -> tuple[str | Slot, ...]:
        """Which of `slots` the settings of `group` need."""
        return tuple([slot for slot, setting in self._conditions if not setting or group[setting]])

    def start(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a parameter of `group` before its first step."""
        state: dict[str, Any] = {"step": 0}
        for slot in self.kept(group):
            name, _, start, shape = Slot(slot) if isinstance(slot, str) else slot
            state[name] = np.zeros_like(p.data, shape=shape)
            state[name] += group[start] if isinstance(start, str) else start
        return state

    def started(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The state of `p` with all that the settings of `group` need: they may have come to need more (momentum)."""
        self.state[p] = {**self.start(p, group), **self.state.get(p, _NO_STATE)}
        return self.state[p]

    def _params(self) -> Iterator[Tensor]:
        """All parameters, in the order of the groups: `state` may be in any, and may have been emptied."""
        return (p for group in self.param_groups for p in group["params"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. `closure`, if given, is called first and returns the loss."""
        loss = None
        if closure is not None:
            with set_grad_enabled(enabled=True):
                loss = closure()
        if unusual and mode.events.optimizer_step(self):
            return loss
        written: list[Any] = []
        states, update = self.state, self.update
        for group in self.param_groups:
            slots = 0
            for _, setting in self._conditions:  # len(self.kept(group)), in half of the time
                if not setting or group[setting]:
                    slots += 1
            step = 0  # the step that `numbers` belong to; nearly always all parameters of a group are at the same one
            numbers: dict[str, Any] = {}
            for p in group["params"]:
                grad = p._grad
                if grad is None:
                    continue
                g, data = grad.data, p.data
                if type(data) is not _ndarray:
                    data = array_of_data(p)
                try:
                    if g.shape != data.shape:
                        shapes = f"{p.name or 'a parameter'} is {p.shape} and its grad {grad.shape}"
                        raise ValueError(f"{self._name}: {shapes}; they must be equal.")
                except AttributeError:
                    raise TypeError(f"{self._name}: {no_array(p)}") from None
                state = states.get(p, _NO_STATE)
                if len(state) <= slots:  # a step number and these
                    state = self.started(p, group)
                t = state["step"] = state["step"] + 1
                if t != step:
                    step, numbers = t, self.numbers(group, t)
                written.append(data)
                try:
                    update(data, g, state, **numbers)
                except ValueError as error:
                    writes.note_all(written)
                    if data.flags.writeable:
                        raise
                    raise read_only(self._name, _called(p)) from error
        if written:
            writes.note_all(written)
            return loss
        self.warn_of_no_gradient()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        quick = set_to_none and (not unusual or mode.events is QUIET)
        for group in self.param_groups:
            for p in group["params"]:
                if quick:
                    p._grad = None
                else:
                    clear_grad(p, set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """Copies of all state in PyTorch's layout: ``{"state": {0: {…}, …}, "param_groups": [{…, "params": [0, …]}]}``.

        Parameters are numbered in the order of the groups; only those that have been updated have a state.
        """
        numbers = {p: i for i, p in enumerate(self._params())}
        state = {i: deepcopy(self.state[p]) for p, i in numbers.items() if self.state.get(p)}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over settings and state, of this optimiser's own or of PyTorch's optimiser of the same name.

        Arrays are written into those that exist, so that compiled programs that use them remain valid. Raises
        ValueError, with nothing changed, where groups, parameters, shapes or the names in a state do not match.
        """
        saved_groups = state_dict["param_groups"]
        sizes, saved_sizes = ([len(group["params"]) for group in x] for x in (self.param_groups, saved_groups))
        if sizes != saved_sizes:
            counts = f"its groups have {sizes} parameters, those of the state {saved_sizes}"
            raise ValueError(f"load_state_dict into {self._name}: {counts}. Give it the same groups.")
        groups: list[dict[str, Any]] = []
        states: dict[Tensor, dict[str, Any]] = {}
        for mine, saved in zip(self.param_groups, saved_groups, strict=True):
            settings = _plain({name: value for name, value in saved.items() if name not in _PYTORCH_ONLY})
            groups.append({**mine, **settings, "params": mine["params"]})
            self.check(groups[-1])
            for p, number in zip(mine["params"], saved["params"], strict=True):
                states[p] = self._adopted(p, groups[-1], state_dict["state"].get(number) or {})
        for mine, group in zip(self.param_groups, groups, strict=True):
            mine.update(group)
        for p, state in states.items():
            present = self.state.get(p, _NO_STATE)
            if present.keys() != state.keys():
                self.state[p] = state
                continue
            for name, value in state.items():
                if isinstance(value, np.ndarray):
                    present[name][...] = value
                else:
                    present[name] = value

    def _adopted(self, p: Tensor, group: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
        """The state of `p` from a saved one: arrays in the dtype of the parameter, the step as a plain int."""
        saved = {name: value for name, value in saved.items() if value is not None}
        if not saved:
            return {}
        saved.setdefault("step", 1)  # PyTorch's SGD counts no steps; what matters is that the first is over
        state = self.start(p, group)
        missing = state.keys() - saved.keys()
        place = f"load_state_dict into {self._name}: the state of {_called(p)}"
        if missing:
            raise ValueError(f"{place} lacks {', '.join(sorted(missing))}; it has {', '.join(saved)}.")
        for name in state:
            value = np.asarray(saved[name].data if isinstance(saved[name], Tensor) else saved[name])
            if name == "step":
                state[name] = int(value)
            elif value.shape != state[name].shape:
                raise ValueError(f"{place} has {name} of shape {value.shape}; it must be {state[name].shape}.")
            else:
                state[name][...] = value  # in the memory order of the parameter, on which the last bit of a sum depends
        return state

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines.extend(f"    {name}: {value}" for name, value in sorted(group.items()) if name != "params")
        return "\n".join([*lines, ")"])


add_foreign_names(Optimizer)


def effective_gradient(p: Any, g: Any, maximize: bool, weight_decay: Any) -> Any:
    """The gradient to descend along: `g`, or −g to `maximize`, plus `weight_decay` times `p`."""
    if maximize:
        g = -g
    return g + weight_decay * p if weight_decay else g


def _called(p: Tensor) -> str:
    return f"{p.name or 'a parameter'} of shape {p.shape}"


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as floats, unless they count something: a float may change from step to step, also in a compiled one."""
    return {name: float(x) if type(x) is int and name not in _COUNTS else x for name, x in settings.items()}
