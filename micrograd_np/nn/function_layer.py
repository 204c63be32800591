"""Modules that apply one function of `functional` to their inputs and their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import unwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from micrograd_np import functional

from .docstring import Docstring
from .module import Module

_LAYERS = __name__.rpartition(".")[0]
_INPLACE = "`inplace` is PyTorch's: here the result is in a new tensor with it, too, and the input keeps its values."


class FunctionModule(Module):
    """A module whose settings, the arguments of its constructor, are arguments of its function, under the same names.

    The constructor passes them on as ``self._hold(locals())``. ``class Tanh(FunctionLayer, function=functional.tanh)``
    is the layer of that function, ``class MaxPool3d(_MaxPool, d=3)`` the one of ``functional.max_pool3d``.
    """

    _name: ClassVar[str]  # of the function, without the number of axes
    _d: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]
    _settings: ClassVar[tuple[str, ...]] = ()
    _example: ClassVar[tuple[tuple[Any, ...], tuple[Any, ...]]] = (), ([-2.0, -0.5, 1.0],)
    """For the docstring: the arguments of the constructor, and inputs, which are (1, 1, 2, …) where there is a `d`."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, d: int | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if d is not None:
            cls._d, function = d, getattr(functional, f"{cls._name}{d}d")
            cls._example = cls._example[0], (np.arange(2.0**d).reshape(1, 1, *[2] * d).tolist(),)
        text = vars(cls).get("__doc__")
        if function is not None:
            code = getattr(unwrap(cls.__init__), "__code__", None)
            names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else ()
            # an op is not bound as a method, and unwrapping it would derive its docstring
            plain = isinstance(function, FunctionType)
            cls._function = staticmethod(unwrap(function)) if plain else function  # nobody misspells its keywords
            cls._settings = tuple([name for name in names if name != "inplace"])  # most functions have none
            if text and "inplace" in names:
                before, start, example = text.partition("\n\n    >>> ")
                cls.__doc__ = text = f"{before.rstrip()}\n\n    {_INPLACE}{start}{example}"
        if text and ">>>" not in text and cls.__module__.startswith(_LAYERS):
            cls.__doc__ = Docstring(text, *cls._example)  # type: ignore[assignment]

    def _hold(self, arguments: Mapping[str, Any]) -> None:
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)


class FunctionLayer(FunctionModule):
    """A `FunctionModule` with one input. Its repr shows all settings, or what `_in_repr` says."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._in_repr = cls._in_repr or tuple([f"{name}=" for name in cls._settings])

    def forward(self, input: Any) -> Any:
        """The function of `input` and the settings."""
        if not self._settings:
            return self._function(input)
        return self._function(input, **{name: getattr(self, name) for name in self._settings})
