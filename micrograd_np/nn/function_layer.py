"""Layers that apply one function of `functional` to their input and their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from micrograd_np import functional

from .module import Module


class FunctionLayer(Module):
    """A layer of `_settings`, which its function takes by position after the input; `_shown` are those in its repr.

    ``class MaxPool3d(_MaxPool, d=3)`` is a layer over three spatial axes, whose function is ``functional.max_pool3d``.
    """

    _name: ClassVar[str]  # of the function, without the number of axes
    _d: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]
    _settings: ClassVar[tuple[str, ...]]
    _shown: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, d: int | None = None, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if d is not None:
            cls._d, cls._function = d, staticmethod(getattr(functional, f"{cls._name}{d}d"))

    def forward(self, input: Any) -> Any:
        """The function of `input` and the settings."""
        return self._function(input, *[getattr(self, name) for name in self._settings])

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)
