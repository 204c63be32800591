"""PyTorch's functions that make tensors of shapes, ranges and draws, where they take more than an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import micrograd_np as mg

from .dtypes import default
from .rules import _array, _listed


def _sized(f: Any) -> Callable[..., Any]:
    """``f(*size, dtype=)``, in the default dtype."""

    def sized(*size: Any, dtype: Any = None, **settings: Any) -> Any:
        size = (settings.pop("size"),) if "size" in settings else size
        return f(tuple(map(int, _listed(size))), dtype=np.dtype(dtype or default()), **settings)

    return sized


def _kind(dtype: Any, *numbers: Any) -> Any:
    """`dtype`; without one int64 where all numbers are whole, else the default."""
    if dtype is not None:
        return np.dtype(dtype)
    return np.dtype(np.int64) if all(np.asarray(x).dtype.kind in "iub" for x in numbers) else default()


def _arange(*args: Any, start: Any = 0, end: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    if len(args) == 1 and end is None:
        end = args[0]
    else:
        start, end, step = (*args, *(start, end, step)[len(args) :])
    start, end, step = (_array(x).item() for x in (start, end, step))
    return mg.arange(start, end, step, dtype=_kind(dtype, start, end, step))


def _full(size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    value = _array(fill_value).item()
    kind = np.dtype(bool) if isinstance(value, bool) and dtype is None else _kind(dtype, value)
    return mg.full(tuple(size) if np.ndim(size) else (size,), value, kind)


def _whole_numbers(
    *args: Any, low: Any = 0, high: Any = None, size: Any = None, dtype: Any = None, generator: Any = None
) -> Any:
    """``randint(high, size)`` or ``randint(low, high, size)``."""
    args, size = (args[:-1], args[-1]) if args and np.ndim(args[-1]) else (args, size)
    low, high = (low, args[0]) if len(args) == 1 and high is None else (*args, *(low, high)[len(args) :])
    return mg.random.randint(low, high, tuple(size), np.int64, generator).astype(np.dtype(dtype or np.int64))


def _window(f: Any, n: int, periodic: bool, dtype: Any) -> Any:
    z = np.ones(1) if n == 1 else f(n + 1)[:-1] if periodic else f(n)
    return z.astype(np.dtype(dtype or default()))
