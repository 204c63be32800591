"""Modules that hold modules or parameters: in a chain, in a list, in a dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count, groupby
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from micrograd_np.core.messages import describe_value
from micrograd_np.engine.tensor import Tensor

from .advice import layer_for
from .module import Kind, Module, block
from .parameter import Parameter

T = TypeVar("T", Module, Parameter)


class _Container(Module, Generic[T]):
    """A module whose attributes hold its contents, under the names of the state dict."""

    def _contents(self) -> dict[str, T]:
        return {name: x for name, x in vars(self).items() if isinstance(x, (Module, Parameter))}  # type: ignore[misc]

    def _put(self, contents: Mapping[str, T]) -> None:
        """Replace the contents."""
        for name in self._contents():
            delattr(self, name)
        for name, x in contents.items():
            self._add(name, x)

    def _add(self, name: Any, x: Any) -> None:
        x = self._admitted(x)
        self._register(name, x, Kind.MODULE if isinstance(x, Module) else Kind.PARAMETER)

    def _admitted(self, x: Any) -> Any:
        """The value to hold for `x`; TypeError if there is none."""
        if isinstance(x, Module):
            return x
        raise TypeError(f"{type(self).__name__}: holds modules, found {describe_value(x)}.{layer_for(x, Module)}")

    def __len__(self) -> int:
        return len(self._contents())


class _List(_Container[T]):
    """A list whose elements are the attributes "0", "1", …"""

    _slices_keep_names: ClassVar[bool] = False

    def _like(self, contents: Mapping[str, T]) -> Self:
        new = type(self).__new__(type(self))
        new.training = self.training
        new._put(contents)
        return new

    def __iter__(self) -> Iterator[T]:
        return iter(self._contents().values())

    def __contains__(self, x: object) -> bool:
        return any(x is y for y in self)

    @overload
    def __getitem__(self, i: int) -> T: ...
    @overload
    def __getitem__(self, i: slice) -> Self: ...
    def __getitem__(self, i: Any) -> Any:
        if not isinstance(i, slice):
            return list(self)[self._index(i)]
        part = dict(list(self._contents().items())[i])
        return self._like(part if self._slices_keep_names else _numbered(part.values()))

    def _index(self, i: Any) -> int:
        index = i.__index__()
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__}: index {index} is outside the {len(self)} it holds.")
        return index

    def __setitem__(self, i: int, x: T) -> None:
        setattr(self, list(self._contents())[self._index(i)], self._admitted(x))

    def __delitem__(self, i: int | slice) -> None:
        items = list(self)
        del items[i if isinstance(i, slice) else self._index(i)]
        self._put(_numbered(items))

    def append(self, x: T) -> Self:
        """Add `x` at the end; returns self."""
        self._add(next(name for n in count(len(self)) if (name := str(n)) not in vars(self)), x)
        return self

    def extend(self, xs: Iterable[T]) -> Self:
        """Add all of `xs` at the end, in order; returns self."""
        for x in list(xs):
            self.append(x)
        return self

    def insert(self, i: int, x: T) -> Self:
        """Add `x` before position `i`, moving later ones up; returns self."""
        items = list(self)
        items.insert(i, x)
        self._put(_numbered(items))
        return self

    def pop(self, i: int = -1) -> T:
        """Remove the element at position `i` and return it."""
        x = self[i]
        del self[i]
        return x

    def __add__(self, others: Iterable[T]) -> Self:
        return self._like(_numbered(chain(self, others)))

    def __iadd__(self, others: Iterable[T]) -> Self:
        return self.extend(others)


def _numbered(items: Iterable[T]) -> dict[str, T]:
    return {str(i): x for i, x in enumerate(items)}


class Sequential(_List[Module]):
    """Modules in a chain: each is applied to the result of the one before it.

    The modules are named "0", "1", … in the state dict, or by the keys of a dict that is the only argument. Slices are
    Sequentials that share the modules and keep their names.

    >>> from micrograd_np import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
    )
    """

    _slices_keep_names = True

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        named = len(modules) == 1 and isinstance(modules[0], Mapping)
        self._put(modules[0] if named else _numbered(modules))  # type: ignore[arg-type]

    def forward(self, input: Any) -> Any:
        """Apply all modules, in order."""
        before: Any = None
        module: Any = None
        try:
            for module in vars(self).values():  # the contents, without the cost of building a dict
                if isinstance(module, Module):
                    input = module(input)
                    before = module
        except (AttributeError, TypeError, ValueError) as error:
            if type(input) is not tuple or before is None:
                raise
            what, use = type(before).__name__, type(module).__name__
            results = "(output, state)" if hasattr(before, "hidden_size") else f"a tuple of {len(input)}"
            results = "(output, weights)" if what == "MultiheadAttention" else results
            raise TypeError(
                f"Sequential: {what} returns {results}, and {use} takes one tensor. Write a module whose forward says "
                f"what goes on: x, _ = self.{what.lower()}(x)."
            ) from error
        return input


class ModuleList(_List[Module]):
    """A list of modules, which `forward` applies as it likes. A plain list works too.

    >>> from micrograd_np import nn
    >>> nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self._put(_numbered(modules or ()))

    def __repr__(self) -> str:
        lines: list[str] = []
        first = 0
        for text, run in groupby(map(repr, self)):
            n = len(list(run))
            lines.append(f"({first}): {text}" if n == 1 else f"({first}-{first + n - 1}): {n} x {text}")
            first += n
        return block(self, lines)


class _Dict(_Container[T]):
    """A dict whose values are the attributes named by its keys."""

    def __getitem__(self, key: str) -> T:
        return self._contents()[key]

    def __setitem__(self, key: str, x: T) -> None:
        self._add(key, x)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents())

    def __contains__(self, key: object) -> bool:
        return key in self._contents()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._contents().keys()

    def values(self) -> Iterable[T]:
        """The modules or parameters."""
        return self._contents().values()

    def items(self) -> Iterable[tuple[str, T]]:
        """The names with their modules or parameters."""
        return self._contents().items()

    def update(self, others: Mapping[str, T] | Iterable[tuple[str, T]]) -> None:
        """Add or replace, by name."""
        for key, x in dict(others).items():
            self[key] = x

    def pop(self, key: str) -> T:
        """Remove the entry of this name and return its value; KeyError if there is none."""
        x = self[key]
        delattr(self, key)
        return x

    def clear(self) -> None:
        """Remove all entries."""
        self._put({})


class ModuleDict(_Dict[Module]):
    """Modules by name, for a `forward` that chooses among them. KeyError for the name of an attribute of `Module`.

    >>> from micrograd_np import nn
    >>> nn.ModuleDict({"up": nn.Linear(1, 4), "act": nn.ReLU()})["act"]
    ReLU()
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or ())


class _Parameters(_Container[Parameter]):
    def _admitted(self, x: Any) -> Parameter:
        return x if isinstance(x, Parameter) else Parameter(x.detach() if isinstance(x, Tensor) else x)

    def extra_repr(self) -> str:
        """One line for each parameter."""
        return "\n".join(f"({name}): Parameter of shape {p.shape}, {p.dtype}" for name, p in self._contents().items())

    def __repr__(self) -> str:
        return block(self, self.extra_repr().splitlines())


class ParameterList(_Parameters, _List[Parameter]):
    """A list of parameters; other values become parameters.

    >>> from micrograd_np import nn
    >>> nn.ParameterList([[1.0, 2.0], [[3.0]]])
    ParameterList(
      (0): Parameter of shape (2,), float64
      (1): Parameter of shape (1, 1), float64
    )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self._put(_numbered(() if values is None else values))


class ParameterDict(_Parameters, _Dict[Parameter]):
    """Parameters by name; other values become parameters.

    >>> import micrograd_np as mg
    >>> mg.nn.ParameterDict({"scale": mg.Tensor([1.0])})["scale"]
    Tensor([1.], requires_grad=True)
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.update(parameters or ())
