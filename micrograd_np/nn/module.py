"""`Module`: a network, or a part of one. Nothing is registered; what a module owns is found by looking.

Parameters, buffers and submodules are the attributes that are such, also inside lists, tuples and dicts. Their names
are the dotted paths to them. They come in PyTorch's order, so that the integers in an optimiser's state mean the same
there and here: what a module holds itself, in the order in which it was set, and then what its submodules hold.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from weakref import WeakSet

import numpy as np

from micrograd_np.changes import changes
from micrograd_np.hooks import Hooks, RemovableHandle
from micrograd_np.primitive import mode
from micrograd_np.tensor import Tensor, clear_grad

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


class Module:
    """Derive from this, set parameters and submodules as attributes, and write `forward`.

    ``super().__init__()`` may be called, and need not be. A plain Tensor as an attribute is an attribute and nothing
    more, whether or not it requires a gradient: what shall be trained is a `Parameter`, what shall be saved a `Buffer`.

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

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """As usual, and known to be alive."""
        module = super().__new__(cls)
        alive.add(module)
        return module

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch norm learns. A compiled step takes another program when it changes."""
        if not mode.usual and mode.watcher is not None:
            asked = getattr(mode.watcher, "training", None)
            if asked is not None:
                asked(self, self._training)
        return self._training

    @training.setter
    def training(self, flag: bool) -> None:
        self._training = flag

    def __setattr__(self, name: str, x: Any) -> None:
        if x is not None and not isinstance(x, Tensor) and isinstance(vars(self).get(name), Parameter):
            message = (
                f"{type(self).__name__}: {name} is a parameter, and would no longer be one as a {type(x).__name__}; "
                f"write into {name}.data[...], or set a Parameter."
            )
            raise TypeError(message)
        before = vars(self).get(name)
        super().__setattr__(name, x)
        if isinstance(x, (Tensor, Module)) or isinstance(before, (Tensor, Module)):
            changes.note()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        changes.note()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: to be written by the derived class."""
        message = f"{type(self).__name__}: write a method forward(self, ...) that says what it computes."
        raise NotImplementedError(message)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the module: `forward`, with the hooks around it. The first call names the parameters by their paths."""
        if not self._named:
            for module in self.modules():
                module._named = True
            for _ in self.named_parameters():
                pass
        if self._hooks is None and mode.watcher is None:
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
            stack.extend(reversed([(_join(path, name), x, 0) for name, x in _held(module) if isinstance(x, Module)]))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one, each once."""
        seen = set()
        for name, x in _held(self):
            if isinstance(x, Module) and id(x) not in seen:
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
        return self._tensors(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """Every buffer with its dotted name, as `named_parameters`."""
        return self._tensors(Buffer, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """Every buffer, each once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def _tensors(
        self, kind: type[Any], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, x in _held(module):
                if isinstance(x, kind) and not (remove_duplicate and id(x) in seen):
                    seen.add(id(x))
                    full = _join(path, name)
                    if not prefix and (x.name is None or full.endswith(f".{x.name}")):
                        x.name = full
                    yield full, x

    def get_submodule(self, target: str) -> Module:
        """The module at the dotted path `target`, this one for ""; AttributeError if there is none."""
        return self._found(target, dict(self.named_modules(remove_duplicate=False)), "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`; AttributeError if there is none."""
        return self._found(target, dict(self.named_parameters(remove_duplicate=False)), "parameter")

    def get_buffer(self, target: str) -> Buffer:
        """The buffer at the dotted path `target`; AttributeError if there is none."""
        return self._found(target, dict(self.named_buffers(remove_duplicate=False)), "buffer")

    def _found(self, target: str, there: dict[str, Any], what: str) -> Any:
        if target in there:
            return there[target]
        near = get_close_matches(target, there)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else f" It has {', '.join(there) or 'none'}."
        message = f"{type(self).__name__} has no {what} {target!r}.{hint}"
        raise AttributeError(message)

    # changing

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Keep `tensor` (or None) as the buffer `name`: the same as ``self.name = Buffer(tensor)``."""
        self._register(
            name, None if tensor is None else Buffer(tensor.data if isinstance(tensor, Tensor) else tensor, persistent)
        )

    def register_parameter(self, name: str, param: Any) -> None:
        """Keep `param` (or None) under `name`: the same as ``self.name = param``. TypeError for anything else."""
        if param is not None and not isinstance(param, Parameter):
            message = f"register_parameter: {name!r} is a {type(param).__name__}; wrap it: Parameter(...)."
            raise TypeError(message)
        self._register(name, param)

    def add_module(self, name: str, module: Any) -> None:
        """Keep `module` (or None) under `name`, which need not be an identifier. TypeError for anything else."""
        if module is not None and not isinstance(module, Module):
            message = f"add_module: {name!r} is a {type(module).__name__}, not a Module."
            raise TypeError(message)
        self._register(name, module)

    register_module = add_module

    def _register(self, name: Any, x: Any) -> None:
        if not isinstance(name, str) or not name or "." in name:
            message = f"{type(self).__name__}: a name is a string that is not empty and has no dots, found {name!r}."
            raise KeyError(message)
        if name not in vars(self) and hasattr(self, name):
            message = f"{type(self).__name__}: {name!r} is the name of something else here; choose another."
            raise KeyError(message)
        setattr(self, name, x)

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
        wanted = np.dtype(dtype)
        if wanted.kind != "f":
            message = f"to: needs a floating dtype such as 'float32', found {wanted}."
            raise TypeError(message)
        for x in (*self.parameters(), *self.buffers()):
            if x.data.dtype.kind == "f":
                x.data = x.data.astype(wanted, copy=False)
                x.grad = None if x.grad is None else Tensor(x.grad.data.astype(wanted, copy=False))
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
            yield from ((_join(path, name), x) for name, x in held if isinstance(x, Parameter))
            yield from ((_join(path, name), x) for name, x in held if isinstance(x, Buffer) and x.persistent)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Write the arrays of `state_dict` into the parameters and buffers of these names; returns what did not match.

        The values may be arrays, Tensors or PyTorch's tensors, and are cast to the dtype here; with `assign`, each
        parameter gets a copy of the given array, and with it its dtype. One ValueError lists everything that is missing
        or unexpected (unless not `strict`) or of another shape, and then nothing has been changed.
        """
        own = dict(self._state())
        given = {name: np.asarray(x.data if isinstance(x, Tensor) else x) for name, x in state_dict.items()}
        missing = [name for name in own if name not in given]
        unexpected = [name for name in given if name not in own]
        unequal = [
            f"{name} is {own[name].shape} here and {x.shape} there"
            for name, x in given.items()
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
        for name, x in given.items():
            if name in own:
                if assign:
                    own[name].data = np.array(x, order="C")
                else:
                    own[name].data[...] = x
                own[name].version += 1
        return IncompatibleKeys(missing, unexpected)

    # showing

    def extra_repr(self) -> str:
        """What stands in the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        inner = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not inner:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join((f"{type(self).__name__}(", *extra.splitlines(), *inner)) + "\n)"


_UNSEEN = "_hooks"  # a hook may be a module, and is not part of this one for that


def _held(owner: Module) -> list[tuple[str, Any]]:
    """Modules and tensors among the attributes of `owner`, in order; lists, tuples and dicts opened, cycles cut."""
    found = []
    stack = [(name, x, frozenset[int]()) for name, x in reversed(vars(owner).items()) if name != _UNSEEN]
    while stack:
        name, x, inside = stack.pop()
        if isinstance(x, (Module, Tensor)):
            found.append((name, x))
        elif isinstance(x, (list, tuple, dict)) and id(x) not in inside:
            items = x.items() if isinstance(x, dict) else enumerate(x)
            stack.extend(reversed([(f"{name}.{key}", y, inside | {id(x)}) for key, y in items]))
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
