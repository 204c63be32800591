"""Layers that pad: their `padding` is (before, after) of the last axis, then of the one before it, or one number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from micrograd_np import functional

from .docstring import Docstring
from .module import Module


class _Pad(Module):
    _function = staticmethod(functional.pad)
    _mode: ClassVar[str] = "constant"
    _d: ClassVar[int] = 0
    value: float = 0.0

    def __init_subclass__(cls, mode: str = "", d: int = 0, **others: Any) -> None:
        super().__init_subclass__(**others)
        cls._mode, cls._d = mode or cls._mode, d or cls._d
        if d:
            settings = (1, 0.5) if issubclass(cls, _ConstantPad) else (1,)
            numbers = np.arange(2.0**d).reshape(1, 1, *[2] * d).tolist()
            cls.__doc__ = Docstring(vars(cls)["__doc__"], settings, (numbers,))  # type: ignore[assignment]

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        self.padding = tuple(padding) if isinstance(padding, Iterable) else (padding,) * (2 * self._d)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"

    def forward(self, input: Any) -> Any:
        """`input`, padded. ValueError for a rank that has no d axes after its channels."""
        ndim, d = input.ndim, self._d
        if self._mode != "constant" and ndim not in (d + 1, d + 2):
            raise ValueError(
                f"{type(self).__name__}: input is {input.shape}; it must have {d + 2} axes, or {d + 1} for one sample."
            )
        return functional.pad(input, self.padding, self._mode, self.value if self._mode == "constant" else None)


class _ConstantPad(_Pad, mode="constant"):
    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The padding and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad, d=1):
    """`value` at both ends: ``(n, c, l) -> (n, c, l′)``; see `functional.pad`."""


class ConstantPad2d(_ConstantPad, d=2):
    """`value` at both ends: ``(n, c, h, w) -> (n, c, h′, w′)``; see `functional.pad`."""


class ConstantPad3d(_ConstantPad, d=3):
    """`value` at both ends: ``(n, c, d, h, w) -> (n, c, d′, h′, w′)``; see `functional.pad`."""


class ZeroPad1d(_Pad, mode="constant", d=1):
    """Zeros at both ends: ``(n, c, l) -> (n, c, l′)``; see `functional.pad`."""


class ZeroPad2d(_Pad, mode="constant", d=2):
    """Zeros at both ends: ``(n, c, h, w) -> (n, c, h′, w′)``; see `functional.pad`."""


class ZeroPad3d(_Pad, mode="constant", d=3):
    """Zeros at both ends: ``(n, c, d, h, w) -> (n, c, d′, h′, w′)``; see `functional.pad`."""


class ReflectionPad1d(_Pad, mode="reflect", d=1):
    """Mirrored at both ends: ``(n, c, l) -> (n, c, l′)``; see `functional.pad`."""


class ReflectionPad2d(_Pad, mode="reflect", d=2):
    """Mirrored at both ends: ``(n, c, h, w) -> (n, c, h′, w′)``; see `functional.pad`."""


class ReflectionPad3d(_Pad, mode="reflect", d=3):
    """Mirrored at both ends: ``(n, c, d, h, w) -> (n, c, d′, h′, w′)``; see `functional.pad`."""


class ReplicationPad1d(_Pad, mode="replicate", d=1):
    """The last element repeated: ``(n, c, l) -> (n, c, l′)``; see `functional.pad`."""


class ReplicationPad2d(_Pad, mode="replicate", d=2):
    """The last element repeated: ``(n, c, h, w) -> (n, c, h′, w′)``; see `functional.pad`."""


class ReplicationPad3d(_Pad, mode="replicate", d=3):
    """The last element repeated: ``(n, c, d, h, w) -> (n, c, d′, h′, w′)``; see `functional.pad`."""


class CircularPad1d(_Pad, mode="circular", d=1):
    """The other end goes on: ``(n, c, l) -> (n, c, l′)``; see `functional.pad`."""


class CircularPad2d(_Pad, mode="circular", d=2):
    """The other end goes on: ``(n, c, h, w) -> (n, c, h′, w′)``; see `functional.pad`."""


class CircularPad3d(_Pad, mode="circular", d=3):
    """The other end goes on: ``(n, c, d, h, w) -> (n, c, d′, h′, w′)``; see `functional.pad`."""
