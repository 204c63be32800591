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


def _points(n: int, sym: bool) -> Any:
    """Where a window of `n` points is evaluated, and its length: a periodic one leaves out its last point."""
    return np.arange(n), n if sym else n + 1


def _cosines(a: Any, n: int, sym: bool, dtype: Any) -> Any:
    """Σ (−1)ᵏ aₖ cos(2πkt): the windows of Hann, Hamming, Blackman and Nuttall."""
    terms = lambda t: sum((-1) ** k * x * np.cos(2 * np.pi * k * t) for k, x in enumerate(a))
    return _spread_out(terms, n, sym, dtype)


def _spread_out(f: Any, n: int, sym: bool, dtype: Any, ends: float = 0) -> Any:
    """``f(t)`` for t from 0 to 1 over a window, `ends` of a step from its ends."""
    at, length = _points(n, sym)
    z = np.ones(1) if n == 1 else f((at + ends) / (length - 1 + 2 * ends))
    return np.asarray(z).astype(np.dtype(dtype or default()))


def _about_middle(f: Any, n: int, sym: bool, dtype: Any, center: Any = None) -> Any:
    """``f(t)`` for t in points from the middle of a window, or from `center`."""
    at, length = _points(n, sym)
    z = np.ones(n) if n == 1 else f(at - ((length - 1) / 2 if center is None else center))
    return z.astype(np.dtype(dtype or default()))
