"""Modules that hold modules or parameters: in order, by number, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Generic, Self, TypeVar, overload

from micrograd_np.core.messages import described
from micrograd_np.engine.tensor import Tensor

from .module import Kind, Module
from .parameter import Parameter

T = TypeVar("T", Module, Parameter)


class _Held(Module, Generic[T]):
    """What containers share: their contents are attributes, under numbers or names."""

    def _contents(self) -> dict[str, T]:
        return {name: x for name, x in vars(self).items() if isinstance(x, (Module, Parameter))}  # type: ignore[misc]

    def _put(self, contents: Mapping[str, T]) -> None:
        for name in self._contents():
            delattr(self, name)
        for name, x in contents.items():
            self._add(name, x)

    def _add(self, name: Any, x: Any) -> None:
        """Keep one more, if it may be."""
        x = self._admitted(x)
        self._register(name, x, Kind.MODULE if isinstance(x, Module) else Kind.PARAMETER)

    def _admitted(self, x: Any) -> Any:
        if isinstance(x, Module):
            return x
        message = f"{type(self).__name__}: holds modules, found {described(x)}."
        raise TypeError(message)

    def __len__(self) -> int:
        return len(self._contents())


class _Numbered(_Held[T]):
    """A list whose elements are attributes "0", "1", …, as in the state dict."""

    def _number(self, items: Iterable[T]) -> None:
        self._put({str(i): x for i, x in enumerate(items)})

    def __iter__(self) -> Iterator[T]:
        return iter(self._contents().values())

    def __contains__(self, x: object) -> bool:
        return any(x is y for y in self)

    @overload
    def __getitem__(self, i: int) -> T: ...
    @overload
    def __getitem__(self, i: slice) -> Self: ...
    def __getitem__(self, i: Any) -> Any:
        items = list(self)
        return self._part(i) if isinstance(i, slice) else items[self._index(i)]

    def _part(self, i: slice) -> Self:
        return self._like(list(self)[i])

    def _like(self, items: Iterable[T]) -> Self:
        other = type(self).__new__(type(self))
        other.training = self.training
        other._number(items)
        return other

    def _index(self, i: Any) -> int:
        at = i.__index__()
        if not -len(self) <= at < len(self):
            message = f"{type(self).__name__}: index {at} is outside the {len(self)} it holds."
            raise IndexError(message)
        return at

    def __setitem__(self, i: int, x: T) -> None:
        setattr(self, list(self._contents())[self._index(i)], self._admitted(x))

    def __delitem__(self, i: int | slice) -> None:
        items = list(self)
        del items[i if isinstance(i, slice) else self._index(i)]
        self._number(items)

    def append(self, x: T) -> Self:
        """Add one at the end; returns self."""
        number = len(self)
        while str(number) in vars(self):  # a slice of a Sequential keeps its numbers
            number += 1
        self._add(str(number), x)
        return self

    def extend(self, xs: Iterable[T]) -> Self:
        """Add all at the end, in order; returns self."""
        for x in list(xs):
            self.append(x)
        return self

    def insert(self, i: int, x: T) -> Self:
        """Add one before position `i`, moving later ones up; returns self."""
        items = list(self)
        items.insert(i, x)
        self._number(items)
        return self

    def pop(self, i: int = -1) -> T:
        """Take out the one at position `i` and return it."""
        x = self[i]
        del self[i]
        return x

    def __add__(self, others: Iterable[T]) -> Self:
        return self._like(chain(self, others))

    def __iadd__(self, others: Iterable[T]) -> Self:
        return self.extend(others)


class Sequential(_Numbered[Module]):
    """One module after another: each is applied to what the one before it returned.

    Given as arguments, they are named "0", "1", … in the state dict; given as one dict, by its keys. Slices are
    Sequentials that share the modules, under the names they have here.

    >>> from micrograd_np import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
    )
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            self._put(modules[0])
        else:
            self._number(modules)  # type: ignore[arg-type]

    def _part(self, i: slice) -> Self:
        other = self._like(())
        other._put(dict(list(self._contents().items())[i]))
        return other

    def forward(self, input: Any) -> Any:
        """Apply all, in order."""
        before: Any = None
        module: Any = None
        try:
            for module in vars(self).values():  # the contents, without making a dict of them
                if isinstance(module, Module):
                    input = module(input)
                    before = module
        except (AttributeError, TypeError, ValueError) as error:
            if type(input) is not tuple or before is None:
                raise
            raise self._several(before, module, input) from error
        return input

    def _several(self, before: Module, module: Module, results: tuple[Any, ...]) -> TypeError:
        """What to say where one module returns several things and the next takes one."""
        what, use = type(before).__name__, type(module).__name__
        names = {"MultiheadAttention": "(output, weights)"}.get(what, "(output, state)")
        shown = names if hasattr(before, "hidden_size") or what in names else f"a tuple of {len(results)}"
        return TypeError(
            f"Sequential: {what} returns {shown}, and {use} takes one tensor. Write a module whose forward says what "
            f"goes on: x, _ = self.{what.lower()}(x)."
        )


class ModuleList(_Numbered[Module]):
    """A list of modules, for a `forward` that says itself how they are applied. A plain list does as well.

    >>> from micrograd_np import nn
    >>> nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self._number(modules or ())

    def __repr__(self) -> str:
        runs: list[tuple[int, int, str]] = []  # first, last, what they look like
        for i, x in enumerate(self):
            text = repr(x)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        lines = [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in runs]
        return (
            f"{type(self).__name__}("
            + "".join("\n  " + line.replace("\n", "\n  ") for line in lines)
            + "\n" * bool(lines)
            + ")"
        )


class _Named(_Held[T]):
    """A dict whose values are attributes of their keys' names."""

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
        """What it holds."""
        return self._contents().values()

    def items(self) -> Iterable[tuple[str, T]]:
        """Names and what they stand for."""
        return self._contents().items()

    def update(self, others: Mapping[str, T] | Iterable[tuple[str, T]]) -> None:
        """Add or replace, by name."""
        for key, x in dict(others).items():
            self[key] = x

    def pop(self, key: str) -> T:
        """Take out the one of this name and return it; KeyError if there is none."""
        x = self[key]
        delattr(self, key)
        return x

    def clear(self) -> None:
        """Take out all."""
        self._put({})


class ModuleDict(_Named[Module]):
    """Modules by name, for a `forward` that chooses among them. KeyError for a name that a module needs itself.

    >>> from micrograd_np import nn
    >>> nn.ModuleDict({"up": nn.Linear(1, 4), "act": nn.ReLU()})["act"]
    ReLU()
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or ())


class _Parameters(Module):
    def _admitted(self, x: Any) -> Parameter:
        if isinstance(x, Parameter):
            return x
        return Parameter(x.detach() if isinstance(x, Tensor) else x)

    def extra_repr(self) -> str:
        """One line for each."""
        return "\n".join(
            f"({name}): Parameter of shape {p.shape}, {p.dtype}"
            for name, p in vars(self).items()
            if isinstance(p, Parameter)
        )

    def __repr__(self) -> str:
        lines = self.extra_repr().splitlines()
        return f"{type(self).__name__}(" + "".join(f"\n  {line}" for line in lines) + "\n" * bool(lines) + ")"


class ParameterList(_Parameters, _Numbered[Parameter]):
    """A list of parameters; what is not one yet becomes one.

    >>> from micrograd_np import nn
    >>> nn.ParameterList([[1.0, 2.0], [[3.0]]])
    ParameterList(
      (0): Parameter of shape (2,), float64
      (1): Parameter of shape (1, 1), float64
    )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self._number(() if values is None else values)


class ParameterDict(_Parameters, _Named[Parameter]):
    """Parameters by name; what is not one yet becomes one."""

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.update(parameters or ())
