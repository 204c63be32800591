"""`Module`: a network, or a part of one. Nothing is registered; what a module owns is found by looking.

Parameters, buffers and submodules are the attributes that are such, also inside lists, tuples and dicts, in the order in
which they were set; their names are the dotted paths to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from micrograd_np.tensor import Tensor

from .parameter import Buffer, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Module:
    """Derive from this, set parameters and submodules as attributes, and write `forward`.

    >>> from micrograd_np import nn
    >>> class Doubled(nn.Module):
    ...     def __init__(self):
    ...         self.inner = nn.Linear(2, 1)
    ...     def forward(self, x):
    ...         return 2 * self.inner(x)
    >>> [name for name, _ in Doubled().named_parameters()]
    ['inner.weight', 'inner.bias']
    """

    training: bool = True
    _hooks: Mapping[int, Callable[..., Any]] | None = None
    _pre_hooks: Mapping[int, Callable[..., Any]] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: to be written by the derived class."""
        message = f"{type(self).__name__}: write a method forward(self, ...) that says what it computes."
        raise NotImplementedError(message)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the module: `forward`, with the hooks around it."""
        if self._pre_hooks:
            for hook in tuple(self._pre_hooks.values()):
                given = hook(self, args)
                if given is not None:
                    args = given if isinstance(given, tuple) else (given,)
        result = self.forward(*args, **kwargs)
        if self._hooks:
            for hook in tuple(self._hooks.values()):
                given = hook(self, args, result)
                if given is not None:
                    result = given
        return result

    # looking

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with dotted names."""
        for name, x in _owned(self, prefix):
            if isinstance(x, Module):
                yield name, x

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one."""
        for name, x in _direct(self):
            if isinstance(x, Module):
                yield name, x

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one."""
        return (m for _, m in self.named_children())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Every parameter, each once, with its dotted name; a parameter that has no name yet gets this one."""
        for name, x in _owned(self, prefix):
            if isinstance(x, Parameter):
                if x.name is None:
                    x.name = name
                yield name, x

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (p for _, p in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Buffer]]:
        """Every buffer, each once, with its dotted name."""
        for name, x in _owned(self, prefix):
            if isinstance(x, Buffer):
                yield name, x

    def buffers(self) -> Iterator[Buffer]:
        """Every buffer, each once."""
        return (b for _, b in self.named_buffers())

    # changing

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below and on this one last; returns self."""
        for module in reversed(list(self.modules())):
            fn(module)
        return self

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Put this and all below into training mode (dropout drops, batch norm learns); returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put this and all below into evaluation mode; returns self."""
        return self.train(mode=False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Freeze (False) or unfreeze all parameters; returns self."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: FBT001, FBT002
        """Forget all gradients, or fill them with zeros."""
        for p in self.parameters():
            p.grad = None if set_to_none or p.grad is None else Tensor(np.zeros_like(p.data))

    # state

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of all parameters and persistent buffers by dotted name, in order; shared ones under each name."""
        return {name: x.data.copy() for name, x in self._state()}

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        for name, x in _owned(self, "", once=False):
            if isinstance(x, Parameter) or (isinstance(x, Buffer) and x.persistent):
                yield name, x

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:  # noqa: FBT001, FBT002
        """Write the arrays of `state_dict` into the parameters and buffers of these names.

        One error lists everything that is missing, unexpected (unless not `strict`) or of another shape, and then
        nothing has been changed.
        """
        own = dict(self._state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        unequal = [
            f"{name} is {own[name].shape} here and {np.shape(value)} there"
            for name, value in state_dict.items()
            if name in own and own[name].shape != np.shape(value)
        ]
        complaints = [f"wrong shape: {'; '.join(unequal)}"] if unequal else []
        if strict and missing:
            complaints.append(f"missing: {', '.join(missing)}")
        if strict and unexpected:
            complaints.append(f"unexpected: {', '.join(unexpected)}")
        if complaints:
            message = f"load_state_dict into {type(self).__name__}: {'. '.join(complaints)}."
            raise ValueError(message)
        for name, value in state_dict.items():
            if name in own:
                own[name].data[...] = value.data if isinstance(value, Tensor) else value
                own[name].version += 1

    # showing

    def extra_repr(self) -> str:
        """What stands in the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        inner = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not inner:
            return f"{type(self).__name__}({self.extra_repr()})"
        return "\n  ".join((f"{type(self).__name__}({self.extra_repr()}", *inner)) + "\n)"


def _direct(owner: Any) -> Iterator[tuple[str, Any]]:
    """What `owner` holds by name: attributes of a module, elements of a list, tuple or dict; containers opened."""
    if isinstance(owner, Module):
        items: Iterable[tuple[Any, Any]] = vars(owner).items()
    elif isinstance(owner, dict):
        items = owner.items()
    else:
        items = enumerate(owner)
    for name, x in items:
        if isinstance(x, (list, tuple, dict)):
            for rest, y in _direct(x):
                yield f"{name}.{rest}", y
        else:
            yield str(name), x


def _owned(root: Module, prefix: str, *, once: bool = True) -> Iterator[tuple[str, Any]]:
    """Modules and tensors under `root`, itself first, in order, with dotted names; tensors under each name unless `once`."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [(prefix, root)]
    while stack:
        name, x = stack.pop()
        if id(x) in seen and (once or isinstance(x, Module)):
            continue
        seen.add(id(x))
        yield name, x
        if isinstance(x, Module):
            below = [(f"{name}.{n}" if name else n, y) for n, y in _direct(x) if isinstance(y, (Module, Tensor))]
            stack.extend(reversed(below))
