"""`Module`: a network, or a part of one. Parameters, buffers and submodules are attributes, registered by name.

An attribute stays what it was registered as: a buffer is still a buffer when a computed tensor takes its place. Lists,
tuples and dicts are searched as well, where the kind of a thing is that of its class. Names are the dotted paths. They
come in PyTorch's order, so that the integers in an optimiser's state mean the same there and here: what a module holds
itself, in the order in which it was set, and then what its submodules hold.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self
from weakref import WeakSet

import numpy as np

from micrograd_np.core.changes import changes
from micrograd_np.core.events import QUIET
from micrograd_np.core.hooks import Hooks, RemovableHandle
from micrograd_np.core.messages import an, described, insist
from micrograd_np.core.modes import mode
from micrograd_np.core.writes import writes
from micrograd_np.engine.tensor import Tensor, clear_grad

from . import hooked
from .parameter import Buffer, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


alive: WeakSet[Module] = WeakSet()
"""Every module that exists, copies too: a picture finds here what a parameter is part of."""


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` did not find in the state dict, and what it found there and had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Kind(Enum):
    """What an attribute is registered as. The values are what errors call it, and what may take its place."""

    PARAMETER = "a parameter", "a Parameter or None"
    BUFFER = "a buffer", "a Tensor or None"
    UNSAVED_BUFFER = "a buffer that is not saved", "a Tensor or None"
    MODULE = "a module", "a Module or None"


_BUFFERS = (Kind.BUFFER, Kind.UNSAVED_BUFFER)


class Module:
    """Derive from this, set parameters and submodules as attributes, and write `forward`.

    ``super().__init__()`` may be called, and need not be. A plain Tensor as an attribute is an attribute and nothing
    more, whether or not it requires a gradient: what shall be trained is a `Parameter`, what shall be saved a `Buffer`.

    The name stays registered: after that a Tensor or None may take a buffer's place, a Parameter or None a parameter's,
    a Module or None a module's, and anything else is a TypeError. A Parameter may take any place, a Module any but a
    parameter's. ``del`` forgets the name.

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
    _named: bool = False  # so that pictures and errors know layers before anybody asked for the parameters
    _hooks: dict[str, Hooks] | None = None
    _registered: Mapping[str, Kind] = MappingProxyType({})  # by the names of attributes, also of those that are None
    _in_repr: ClassVar[
        tuple[str, ...]
    ] = ()  # attributes in the repr, "name=" with the name; a bias by whether there is one
    _later_buffers: tuple[str, ...] = ()  # which older state dicts do not have, and need not

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """As usual, and known to be alive."""
        module = super().__new__(cls)
        alive.add(module)
        return module

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch norm learns. A compiled step takes another program when it changes."""
        if not mode.fast_path:
            mode.events.training(self, self._training)
        return self._training

    @training.setter
    def training(self, flag: bool) -> None:
        self._training = flag

    def __setattr__(self, name: str, x: Any) -> None:
        own, kind = _kind_of(x), self._registered.get(name)
        if own is not Kind.PARAMETER and kind is not None and not (own is Kind.MODULE and kind in _BUFFERS):
            suits = own is kind or x is None or (isinstance(x, Tensor) and kind in _BUFFERS)
            if not suits:
                what, allowed = kind.value
                message = (
                    f"{type(self).__name__}: {name} is {what}, and would no longer be one as {an(type(x).__name__)}; "
                    f"set {allowed}{f', write into {name}.data[...]' if kind is not Kind.MODULE else ''}, or del it "
                    f"first."
                )
                raise TypeError(message)
            own = own or kind
        if own is None:
            if x is not vars(self).get(name):
                changes.note()
            super().__setattr__(name, x)
        else:
            self._keep(name, x, own)

    def _keep(self, name: str, x: Any, kind: Kind) -> None:
        """Set an attribute and register its name; what was registered as another kind loses its place in the order."""
        own = vars(self)
        registered: dict[str, Kind] = own.setdefault("_registered", {})
        before = registered.get(name, kind)
        if before is not kind and not (before in _BUFFERS and kind in _BUFFERS):
            own.pop(name, None)
        registered[name] = kind
        super().__setattr__(name, x)
        changes.note()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in self._registered:
            del vars(self)["_registered"][name]
        changes.note()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: to be written by the derived class."""
        message = f"{type(self).__name__}: write a method forward(self, ...) that says what it computes."
        raise NotImplementedError(message)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the module: `forward`, with the hooks around it. The first call names what it holds by paths."""
        if not self._named:
            for module in self.modules():
                module._named = True
            for _ in chain(self.named_parameters(), self.named_buffers()):
                pass
        if self._hooks is None and mode.events is QUIET:
            return self.forward(*args, **kwargs)
        return hooked.call(self, args, kwargs)

    # hooks

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, result)`` after `forward`; what it returns, unless None, replaces the result.

        `with_kwargs` gives it ``(module, args, kwargs, result)``; `always_call`, also if `forward` raises; `prepend`,
        before those that are there. The handle returned removes it: ``handle.remove()``, or ``with handle:``.
        """
        return self._hook("forward", hook, prepend=prepend, with_kwargs=with_kwargs, always_call=always_call)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before `forward`; what it returns, unless None, replaces the arguments.

        `with_kwargs` gives it ``(module, args, kwargs)``, and it returns ``(args, kwargs)``.
        """
        return self._hook("forward_pre", hook, prepend=prepend, with_kwargs=with_kwargs)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the arguments have been computed.

        Both are tuples, one for each tensor (nested ones flattened), None where there is none. What it returns, unless
        None, replaces `grad_input`.
        """
        return self._hook("backward", hook, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the result have arrived; it may replace them."""
        return self._hook("backward_pre", hook, prepend=prepend)

    def _hook(self, when: str, hook: Callable[..., Any], **options: Any) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = {}
        return self._hooks.setdefault(when, Hooks()).add(hook, **options)

    # looking

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all below it with dotted names, parents first; each once, or under each of its names."""
        seen: set[int] = set()
        open_: set[int] = set()  # modules above the present one: a cycle is not entered again
        stack: list[tuple[str, Module | None, int]] = [(prefix, self, 0)]
        while stack:
            path, module, closed = stack.pop()
            if module is None:
                open_.discard(closed)
                continue
            if id(module) in (seen if remove_duplicate else open_):
                continue
            seen.add(id(module))
            open_.add(id(module))
            yield path, module
            stack.append(("", None, id(module)))
            stack.extend(
                reversed([(_join(path, name), x, 0) for name, x, kind in _held(module) if kind is Kind.MODULE])
            )

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one, each once."""
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

        Each once, or, without `remove_duplicate`, under each of its names. A parameter is told its name, for errors and
        pictures, and told again when a module further up knows a longer one.
        """
        return self._tensors((Kind.PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its dotted name, as `named_parameters`."""
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
        return self._at_path(target, dict(self.named_modules(remove_duplicate=False)), "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`; AttributeError if there is none."""
        return self._at_path(target, dict(self.named_parameters(remove_duplicate=False)), "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`; AttributeError if there is none."""
        return self._at_path(target, dict(self.named_buffers(remove_duplicate=False)), "buffer")

    def _at_path(self, target: str, there: dict[str, Any], what: str) -> Any:
        if target in there:
            return there[target]
        near = get_close_matches(target, there)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else f" It has {', '.join(there) or 'none'}."
        message = f"{type(self).__name__} has no {what} {target!r}.{hint}"
        raise AttributeError(message)

    # changing

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Keep `tensor` (or None) as the buffer `name`; an array becomes a `Buffer`, a Tensor stays itself.

        TypeError for anything else, KeyError for a name that is taken.
        """
        allowed = "a Tensor, an array or None"
        insist("register_buffer", repr(name), tensor, tensor is None or hasattr(tensor, "__array__"), allowed)
        if tensor is not None and not isinstance(tensor, Tensor):
            tensor = Buffer(tensor, persistent)
        self._register(name, tensor, Kind.BUFFER if persistent else Kind.UNSAVED_BUFFER)

    def register_parameter(self, name: str, param: Any) -> None:
        """Keep `param` (or None) under `name`: the same as ``self.name = param``. TypeError for anything else."""
        if param is not None and not isinstance(param, Parameter):
            message = f"register_parameter: {name!r} is {an(type(param).__name__)}; wrap it: Parameter(...)."
            raise TypeError(message)
        self._register(name, param, Kind.PARAMETER)

    def add_module(self, name: str, module: Any) -> None:
        """Keep `module` (or None) under `name`, which need not be an identifier. TypeError for anything else."""
        if module is not None and not isinstance(module, Module):
            message = f"add_module: {name!r} must be a Module or None; found {described(module)}."
            raise TypeError(message)
        self._register(name, module, Kind.MODULE)

    register_module = add_module

    def _register(self, name: Any, x: Any, kind: Kind) -> None:
        if not isinstance(name, str) or not name or "." in name:
            message = f"{type(self).__name__}: a name is a string that is not empty and has no dots, found {name!r}."
            raise KeyError(message)
        if name not in self._registered and hasattr(self, name):
            message = f"{type(self).__name__}: {name!r} is the name of something else here; choose another."
            raise KeyError(message)
        before = self._registered.get(name, kind)
        if before is not kind and not (before in _BUFFERS and kind in _BUFFERS):
            message = (
                f"{type(self).__name__}: {name!r} is {before.value[0]} already; del it first, or choose another name."
            )
            raise KeyError(message)
        self._keep(name, x, kind)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below, children before parents, and on this one last; returns self."""
        order: list[Module] = []
        stack: list[Module] = [self]
        seen: set[int] = set()
        while stack:  # parents first and later children first: the reverse of what is wanted
            module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                order.append(module)
                stack.extend(module.children())
        for module in reversed(order):
            fn(module)
        return self

    def train(self, mode: bool = True) -> Self:
        """Put this and all below into training mode (dropout drops, batch norm learns); returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put this and all below into evaluation mode; returns self."""
        return self.train(mode=False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters; returns self."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with zeros."""
        for p in self.parameters():
            clear_grad(p, set_to_none)

    def to(self, dtype: Any) -> Self:
        """Change all floating parameters, buffers and gradients to `dtype`, in place; returns self.

        TypeError for a dtype that is not floating.
        """
        target = np.dtype(dtype)
        if target.kind != "f":
            message = f"to: needs a floating dtype such as 'float32', found {target}."
            raise TypeError(message)
        for module in self.modules():
            for name, x, kind in _held(module):
                if kind is Kind.MODULE or x.data.dtype.kind != "f":
                    continue
                if _kind_of(x) is None:  # a plain Tensor that was set in a buffer's place, and that others may hold
                    setattr(module, name, x.astype(target))
                else:
                    x.data = x.data.astype(target, copy=False)
                    x.grad = None if x.grad is None else Tensor(x.grad.data.astype(target, copy=False))
        return self

    def float(self) -> Self:
        """All floating parameters and buffers as float32; returns self."""
        return self.to(np.float32)

    def double(self) -> Self:
        """All floating parameters and buffers as float64; returns self."""
        return self.to(np.float64)

    # state

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name, in order; shared ones under each name.

        As arrays that are copies, so that a state dict kept from an earlier epoch stays what it was; with `keep_vars`,
        as the parameters and buffers themselves.
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

        The values may be arrays, Tensors or PyTorch's tensors, and are cast to the dtype here; with `assign`, each
        parameter gets a copy of the given array, and with it its dtype. One ValueError lists everything that is missing
        or unexpected (unless not `strict`) or of another shape, and then nothing has been changed. A batch norm's
        `num_batches_tracked`, which old state dicts lack, may be missing, and stays as it is.
        """
        own = dict(self._state())
        arrays = {name: np.asarray(x.data if isinstance(x, Tensor) else x) for name, x in state_dict.items()}
        optional = {
            _join(path, name)
            for path, module in self.named_modules(remove_duplicate=False)
            for name in module._later_buffers
        }
        missing = [name for name in own if name not in arrays and name not in optional]
        unexpected = [name for name in arrays if name not in own]
        unequal = [
            f"{name} is {own[name].shape} here and {x.shape} there"
            for name, x in arrays.items()
            if name in own and own[name].shape != x.shape
        ]
        complaints = [f"wrong shape: {'; '.join(unequal)}"] if unequal else []
        if strict and missing:
            complaints.append(f"missing: {', '.join(missing)}")
        if strict and unexpected:
            complaints.append(f"unexpected: {', '.join(unexpected)}")
        if complaints:
            message = f"load_state_dict into {type(self).__name__}: {'. '.join(complaints)}."
            raise ValueError(message)
        for name, x in arrays.items():
            if name in own:
                if assign:
                    own[name].data = np.array(x, order="C")
                else:
                    own[name].data[...] = x
                    writes.note(own[name].data)
        return IncompatibleKeys(missing, unexpected)

    # showing

    def extra_repr(self) -> str:
        """What stands in the parentheses of the repr: the settings that `_in_repr` lists, as PyTorch shows them."""
        values = ((item, getattr(self, item.rstrip("="))) for item in self._in_repr)
        return ", ".join(
            f"{item if item[-1] == '=' else ''}{x is not None if item == 'bias=' else repr(x)}" for item, x in values
        )

    def __repr__(self) -> str:
        extra = self.extra_repr()
        inner = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not inner:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join((f"{type(self).__name__}(", *extra.splitlines(), *inner)) + "\n)"


_UNSEEN = ("_hooks", "_registered")  # a hook may be a module, and is not part of this one for that


def _held(owner: Module) -> list[tuple[str, Any, Kind]]:
    """The parameters, buffers and modules of `owner`, in order; lists, tuples and dicts opened, cycles cut."""
    entries = []
    registered = owner._registered
    stack = [(name, x, frozenset[int]()) for name, x in reversed(vars(owner).items()) if name not in _UNSEEN]
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
    """What a thing is by its class."""
    if isinstance(x, Parameter):
        return Kind.PARAMETER
    if isinstance(x, Buffer):
        return Kind.BUFFER if x.persistent else Kind.UNSAVED_BUFFER
    return Kind.MODULE if isinstance(x, Module) else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
