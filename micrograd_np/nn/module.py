"""`Module`: a network, or a part of one. Parameters, buffers and submodules are attributes, registered by name.

An attribute keeps the kind it was registered as: a buffer is still a buffer after a computed tensor replaces it. Lists,
tuples and dicts are searched too; in them, the kind of a value is that of its class. A name is the dotted path. The
order is PyTorch's, so that the integers in an optimiser's state mean the same in both: first what a module holds
itself, in the order in which it was set, then what its submodules hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from inspect import Signature, signature
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self
from weakref import WeakSet

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.hooks import Hooks, RemovableHandle, changes
from micrograd_np.core.messages import explain_keywords, is_inert, require_type, with_article, wrong_call
from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.spellings import add_foreign_names
from micrograd_np.core.writes import writes
from micrograd_np.engine.accumulate import clear_grad
from micrograd_np.engine.tensor import Tensor

from . import hooked
from .advice import explain_call, require_state_dict, would_lose
from .parameter import Buffer, Parameter

alive: WeakSet[Module] = WeakSet()
"""Every module that exists, copies included: pictures look up here which module a parameter is part of."""


class IncompatibleKeys(NamedTuple):
    """The names of the module that the state dict lacks, and the names of the state dict that the module lacks."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Kind(Enum):
    """What an attribute is registered as. The value says, for errors, what it is and what may replace it."""

    PARAMETER = "a parameter", "a Parameter or None"
    BUFFER = "a buffer", "a Tensor or None"
    UNSAVED_BUFFER = "a buffer that is not saved", "a Tensor or None"
    MODULE = "a module", "a Module or None"


_BUFFERS = (Kind.BUFFER, Kind.UNSAVED_BUFFER)


class Module:
    """Derive from this, set parameters and submodules as attributes, and write `forward`.

    Calling ``super().__init__()`` is optional. A `Parameter` is trained, a `Buffer` is saved; a plain Tensor is an
    ordinary attribute, whether or not it requires a gradient.

    A name stays registered: a Tensor or None may replace a buffer, a Parameter or None a parameter, a Module or None a
    module. A Parameter may replace anything, a Module anything but a parameter; the rest is a TypeError. ``del``
    unregisters the name.

    >>> from micrograd_np import nn
    >>> class Doubled(nn.Module):
    ...     def __init__(self):
    ...         self.inner = nn.Linear(2, 1)
    ...     def forward(self, x):
    ...         return 2 * self.inner(x)
    >>> [name for name, _ in Doubled().named_parameters()]
    ['inner.weight', 'inner.bias']
    """

    _training: bool = True
    _named: bool = False  # whether the parameters have got the names that errors and pictures show
    _hooks: dict[str, Hooks] | None = None
    _registered: Mapping[str, Kind] = MappingProxyType({})  # by attribute name; includes attributes that are None
    _in_repr: ClassVar[tuple[str, ...]] = ()
    """The attributes in the repr. "x" shows the value, "x=" name and value, "x=?" both if it is not the default.

    The default is that of the constructor, for each axis if there are several; "x=?" shows text without quotes.
    """
    _later_buffers: tuple[str, ...] = ()  # buffers that older state dicts lack, which is no error

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Create the module, and add it to `alive`. TypeError for settings where no constructor takes any."""
        if (args or settings) and cls.__init__ is object.__init__:
            raise wrong_call(cls.__name__, Signature(), settings, TypeError("takes no settings"))
        module = super().__new__(cls)
        alive.add(module)
        return module

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch norm learns. A compiled step runs a program of its own for each value."""
        if unusual:
            mode.events.training(self, self._training)
        return self._training

    @training.setter
    def training(self, flag: bool) -> None:
        self._training = flag

    def __setattr__(self, name: str, x: Any) -> None:
        kind, before = _kind_of(x), self._registered.get(name)
        replaces = kind is Kind.PARAMETER or (kind is Kind.MODULE and before is not Kind.PARAMETER)
        if before is not None and not replaces:
            if not (kind is before or x is None or (isinstance(x, Tensor) and before in _BUFFERS)):
                raise would_lose(type(self).__name__, name, *before.value, x)
            kind = kind or before
        if kind is not None:
            self._set(name, x, kind)
        else:
            if x is not vars(self).get(name):
                changes.note()
            super().__setattr__(name, x)

    def _set(self, name: str, x: Any, kind: Kind) -> None:
        """Set and register an attribute. If it was of another kind, it moves to the end of the order."""
        registered: dict[str, Kind] = vars(self).setdefault("_registered", {})
        if not _alike(registered.get(name, kind), kind):
            vars(self).pop(name, None)
        registered[name] = kind
        super().__setattr__(name, x)
        changes.note()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in self._registered:
            del vars(self)["_registered"][name]
        changes.note()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: the derived class writes it."""
        name = type(self).__name__
        raise NotImplementedError(f"{name}: write a method forward(self, ...) that says what it computes.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the module: `forward` with its hooks. The first call names parameters and buffers by their paths."""
        if not self._named:
            for module in self.modules():
                module._named = True
            for _ in chain(self.named_parameters(), self.named_buffers()):
                pass
        if self._hooks is None and (not unusual or mode.state[1] is QUIET):
            try:
                return self.forward(*args, **kwargs)
            except TypeError as error:
                explain_call(type(self), error)
                raise
        return hooked.call(self, args, kwargs)

    # hooks

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, result)`` after `forward`; what it returns, unless None, replaces the result.

        `with_kwargs` passes it ``(module, args, kwargs, result)``; `always_call` calls it even if `forward` raises;
        `prepend` calls it before the present hooks. The handle removes it: ``handle.remove()``, or ``with handle:``.
        """
        return self._hook("forward", hook, prepend=prepend, with_kwargs=with_kwargs, always_call=always_call)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before `forward`; what it returns, unless None, replaces the arguments.

        `with_kwargs` passes it ``(module, args, kwargs)``, and it returns ``(args, kwargs)``.
        """
        return self._hook("forward_pre", hook, prepend=prepend, with_kwargs=with_kwargs)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the arguments have been computed.

        Both are tuples with one gradient for each tensor (nested ones flattened), or None where there is none. What it
        returns, unless None, replaces `grad_input`.
        """
        return self._hook("backward", hook, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the result have been computed.

        What it returns, unless None, replaces them.
        """
        return self._hook("backward_pre", hook, prepend=prepend)

    def _hook(self, when: str, hook: Callable[..., Any], **options: Any) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = {}
        return self._hooks.setdefault(when, Hooks()).add(hook, **options)

    # looking

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all below it with dotted names, parents first; each once, or under each of its names."""
        return ((path, module) for path, module, leaving in self._walk(prefix, remove_duplicate) if not leaving)

    def _walk(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module, bool]]:
        """This module and all below it, depth first; each comes twice, on entering it and on leaving it (True)."""
        seen: set[int] = set()
        parents: set[int] = set()  # the modules that contain the present one: a cycle is not entered again
        stack = [(prefix, self, False)]
        while stack:
            path, module, leaving = stack.pop()
            if leaving:
                parents.discard(id(module))
            elif id(module) in (seen if remove_duplicate else parents):
                continue
            yield path, module, leaving
            if not leaving:
                seen.add(id(module))
                parents.add(id(module))
                stack.append((path, module, True))
                inner = [(_join(path, name), x, False) for name, x, kind in _held(module) if kind is Kind.MODULE]
                stack += reversed(inner)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one with their names, each once."""
        seen = set()
        for name, x, kind in _held(self):
            if kind is Kind.MODULE and id(x) not in seen:
                seen.add(id(x))
                yield name, x

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one, each once."""
        return (m for _, m in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its dotted name; without those of submodules unless `recurse`.

        Each once, or, without `remove_duplicate`, under each of its names. This also sets the ``name`` that errors and
        pictures show, and replaces one that was set by a submodule.
        """
        return self._tensors((Kind.PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its dotted name; the arguments are those of `named_parameters`."""
        return self._tensors(_BUFFERS, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer, each once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def _tensors(
        self, kinds: tuple[Kind, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, x, kind in _held(module):
                if kind in kinds and not (remove_duplicate and id(x) in seen):
                    seen.add(id(x))
                    full = _join(path, name)
                    if not prefix and (x.name is None or full.endswith(f".{x.name}")):
                        x.name = full
                    yield full, x

    def get_submodule(self, target: str) -> Module:
        """The module at the dotted path `target`, this one for ""; AttributeError if there is none."""
        return self._at_path(target, self.named_modules(remove_duplicate=False), "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`; AttributeError if there is none."""
        return self._at_path(target, self.named_parameters(remove_duplicate=False), "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`; AttributeError if there is none."""
        return self._at_path(target, self.named_buffers(remove_duplicate=False), "buffer")

    def _at_path(self, target: str, entries: Iterator[tuple[str, Any]], what: str) -> Any:
        by_path = dict(entries)
        if target in by_path:
            return by_path[target]
        near = get_close_matches(target, by_path)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"It has {', '.join(by_path) or 'none'}."
        raise AttributeError(f"{type(self).__name__} has no {what} {target!r}. {hint}")

    # changing

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Set `tensor` (or None) as the buffer `name`; an array becomes a `Buffer`, a Tensor stays itself.

        TypeError for anything else, KeyError for a name that is taken.
        """
        allowed = "a Tensor, an array or None"
        require_type("register_buffer", repr(name), tensor, tensor is None or hasattr(tensor, "__array__"), allowed)
        if tensor is not None and not isinstance(tensor, Tensor):
            tensor = Buffer(tensor, persistent)
        self._register(name, tensor, Kind.BUFFER if persistent else Kind.UNSAVED_BUFFER)

    def register_parameter(self, name: str, param: Any) -> None:
        """Set `param` (or None) as the parameter `name`, like ``self.name = param``. TypeError for anything else."""
        if param is not None and not isinstance(param, Parameter):
            message = f"register_parameter: {name!r} is {with_article(type(param).__name__)}; wrap it: Parameter(...)."
            raise TypeError(message)
        self._register(name, param, Kind.PARAMETER)

    def add_module(self, name: str, module: Any) -> None:
        """Set `module` (or None) as `name`, which need not be an identifier. TypeError for anything else."""
        require_type("add_module", repr(name), module, module is None or isinstance(module, Module), "a Module or None")
        self._register(name, module, Kind.MODULE)

    register_module = add_module

    def _register(self, name: Any, x: Any, kind: Kind) -> None:
        problem = None
        if not isinstance(name, str) or not name or "." in name:
            problem = f"a name is a string that is not empty and has no dots, found {name!r}."
        elif name not in self._registered:
            if hasattr(self, name):
                problem = f"{name!r} is the name of something else here; choose another."
        elif not _alike(before := self._registered[name], kind):
            problem = f"{name!r} is {before.value[0]} already; del it first, or choose another name."
        if problem is not None:
            raise KeyError(f"{type(self).__name__}: {problem}")
        self._set(name, x, kind)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below, children before parents, and on this one last; returns self."""
        for module in [module for _, module, leaving in self._walk() if leaving]:
            fn(module)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode (dropout drops, batch norm learns) here and in all submodules; returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and in all submodules; returns self."""
        return self.train(mode=False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters; returns self."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None, or fill them with zeros."""
        for p in self.parameters():
            clear_grad(p, set_to_none)

    @explain_keywords
    def to(self, dtype: Any = None, device: Any = None) -> Self:
        """Cast all floating parameters, buffers and gradients to `dtype`, in place; returns self.

        There is one device: "cpu", as either argument, changes nothing. TypeError for a dtype that is not floating, and
        for another device.
        """
        targets = [x for x in (dtype, device) if not is_inert(x)]
        if not targets:
            return self
        try:
            target = np.dtype(targets[0])
        except TypeError:
            raise TypeError(f"to: {targets[0]!r:.80} is no dtype, and there is one device; leave it out.") from None
        if target.kind != "f":
            raise TypeError(f"to: needs a floating dtype such as 'float32', found {target}.")
        for module in self.modules():
            for name, x, kind in _held(module):
                if kind is Kind.MODULE or x.data.dtype.kind != "f":
                    continue
                if _kind_of(x) is None:  # a plain Tensor that replaced a buffer, and that others may hold
                    setattr(module, name, x.astype(target))
                else:
                    x.data = x.data.astype(target, copy=False)
                    x.grad = None if x.grad is None else Tensor(x.grad.data.astype(target, copy=False))
        return self

    def float(self) -> Self:
        """Cast all floating parameters and buffers to float32; returns self."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Cast all floating parameters and buffers to float64; returns self."""
        return self.to(np.float64)

    # state

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name, in order; shared ones under each name.

        The values are copies, as arrays: later training does not change them. With `keep_vars` they are the parameters
        and buffers themselves.
        """
        return {prefix + name: x if keep_vars else x.data.copy() for name, x in self._state()}

    def _state(self) -> Iterator[tuple[str, Any]]:
        for path, module in self.named_modules(remove_duplicate=False):
            held = _held(module)
            for saved in (Kind.PARAMETER, Kind.BUFFER):
                yield from ((_join(path, name), x) for name, x, kind in held if kind is saved)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Write the arrays of `state_dict` into the parameters and buffers of these names; returns what did not match.

        The values may be arrays, Tensors or PyTorch's tensors, and are cast to the dtype of the parameter; with
        `assign`, each parameter gets a copy of its array, dtype included. One ValueError lists every name that is
        missing or unexpected (unless not `strict`) or of another shape; then nothing is changed. A batch norm's
        `num_batches_tracked` may be missing, as in old state dicts, and keeps its value.
        """
        require_state_dict(state_dict)
        own = dict(self._state())
        arrays = {name: np.asarray(x.data if isinstance(x, Tensor) else x) for name, x in state_dict.items()}
        modules = self.named_modules(remove_duplicate=False)
        optional = {_join(path, name) for path, module in modules for name in module._later_buffers}
        missing = [name for name in own if name not in arrays and name not in optional]
        unexpected = [name for name in arrays if name not in own]
        matching = {name: x for name, x in arrays.items() if name in own}
        shapes = [(name, own[name].shape, x.shape) for name, x in matching.items()]
        problems = [("wrong shape", "; ".join(f"{name} is {a} here and {b} there" for name, a, b in shapes if a != b))]
        if strict:
            problems += [("missing", ", ".join(missing)), ("unexpected", ", ".join(unexpected))]
        if message := ". ".join(f"{problem}: {names}" for problem, names in problems if names):
            raise ValueError(f"load_state_dict into {type(self).__name__}: {message}.")
        for name, x in matching.items():
            if assign:
                own[name].data = np.array(x, order="C")
            else:
                own[name].data[...] = x
                writes.note(own[name].data)
        return IncompatibleKeys(missing, unexpected)

    # showing

    def extra_repr(self) -> str:
        """What the repr shows in parentheses: the settings, as PyTorch shows them."""
        shown = []
        for item in self._in_repr:
            name, optional = item.rstrip("=?"), item[-1] == "?"
            x = getattr(self, name)
            x = x is not None if name == "bias" and not isinstance(x, bool) else x
            if not optional:
                shown.append(f"{name}=" * ("=" in item) + repr(x))
            elif parameter := self._parameter(name):
                for_each_axis = isinstance(x, tuple) and x == (parameter.default,) * len(x)
                if x != parameter.default and not for_each_axis:
                    shown.append(f"{name}={x}")
        return ", ".join(shown)

    def _parameter(self, name: str) -> inspect.Parameter | None:
        """The argument `name` of the constructor that has one: that of a class, or of one that it derives from."""
        parameters = (signature(vars(kind).get("__init__", object)).parameters.get(name) for kind in type(self).__mro__)
        return next(filter(None, parameters), None)

    def __repr__(self) -> str:
        inner = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not inner:
            return f"{type(self).__name__}({self.extra_repr()})"
        return block(self, [*self.extra_repr().splitlines(), *inner])


add_foreign_names(Module)


def block(module: Module, lines: list[str]) -> str:
    """A repr with `lines`, each of which may be several lines itself, indented below the name of the class."""
    inner = "".join(f"\n{line}" for line in lines).replace("\n", "\n  ")
    return f"{type(module).__name__}({inner}\n)" if lines else f"{type(module).__name__}()"


_NOTHING: frozenset[int] = frozenset()
_UNSEEN = ("_hooks", "_registered")  # a hook may be a module without being a part of this one


def _held(owner: Module) -> list[tuple[str, Any, Kind]]:
    """The parameters, buffers and modules of `owner`, in order; lists, tuples and dicts are searched, cycles cut."""
    entries = []
    registered = owner._registered
    stack = [(name, x, _NOTHING) for name, x in reversed(vars(owner).items()) if name not in _UNSEEN]
    while stack:
        name, x, inside = stack.pop()
        if isinstance(x, (Module, Tensor)):
            kind = registered.get(name) or _kind_of(x)
            if kind is not None:
                entries.append((name, x, kind))
        elif isinstance(x, (list, tuple, dict)) and id(x) not in inside:
            items = x.items() if isinstance(x, dict) else enumerate(x)
            stack.extend(reversed([(f"{name}.{key}", y, inside | {id(x)}) for key, y in items]))
    return entries


def _kind_of(x: Any) -> Kind | None:
    """The kind of a value by its class."""
    if isinstance(x, Parameter):
        return Kind.PARAMETER
    if isinstance(x, Buffer):
        return Kind.BUFFER if x.persistent else Kind.UNSAVED_BUFFER
    return Kind.MODULE if isinstance(x, Module) else None


def _alike(kind: Kind, other: Kind) -> bool:
    """Whether these are the same kind, saved or not."""
    return kind is other or (kind in _BUFFERS and other in _BUFFERS)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
