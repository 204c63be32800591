"""Arrays as a line or two of a picture: small ones in full, large ones as their range and a tiny histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.engine.symbol import number

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["number", "subscript", "summary"]

_SMALL = 6  # so many numbers are printed; a matrix may have two more
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_BARS = "▁▂▃▄▅▆"  # no higher: where the font is not the one asked for, they run into the line above
_PART = 2**12  # numbers that are looked at at once: what is drawn should need little beside the graph


def subscript(n: int) -> str:
    """`n` as it stands in x₁."""
    return str(n).translate(_DIGITS)


def summary(array: Any) -> str:
    """The values of `array`: a number, rows of numbers, or minimum, mean and maximum with a histogram below.

    >>> print(summary(np.array([[1.0, 2.5], [0.0, -1.0]])))
    [1 2.5]
    [0 -1]
    >>> print(summary(np.linspace(0, 1, 64)))
    0 … 0.5 … 1
    ▆▆▆▆▆▆▆▆
    """
    array = np.asarray(array)
    if not array.ndim:
        return number(array)
    if not array.size:
        return "empty"
    flat = array.reshape([n for n in array.shape if n > 1]) if array.ndim > 2 else array
    if flat.size <= _SMALL + 2 * (flat.ndim == 2) and flat.ndim <= 2:
        rows = flat if flat.ndim == 2 else flat.reshape(1, -1)
        return "\n".join(f"[{' '.join(map(number, row))}]" for row in rows)
    if array.dtype.kind == "b":
        return f"{int(array.sum()):,} of {array.size:,} true"
    if array.dtype.kind not in "fiu":
        return ""
    stats = [(part.min(), part.max(), part.sum(dtype=float), part.size) for part in _parts(array)]
    lows, highs, sums, sizes = zip(*stats, strict=True) if stats else ((), (), (), ())
    count = sum(sizes)
    note = f"\n{array.size - count:,} nan or infinite" if count < array.size else ""
    if not count:
        return note.strip()
    low, high = min(lows), max(highs)
    if low == high:
        return f"all {number(low)}{note}"
    middle = sum(sums) / count
    if abs(middle) <= 1e-12 * (float(high) - float(low)):
        middle = 0.0  # but for rounding
    return f"{number(low, 3)} … {number(middle, 3)} … {number(high, 3)}\n{_histogram(array, low, high)}{note}"


def _parts(array: Any) -> Iterator[Any]:
    """The finite elements, so many at a time that they take little memory."""
    for start in range(0, array.size, _PART):
        part = array.flat[start : start + _PART]
        part = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if part.size:
            yield part


def _histogram(array: Any, low: Any, high: Any) -> str:
    span = float(high) - float(low)
    if not np.isfinite(span):
        return ""
    limits = float(low), float(high)
    counts = np.sum([np.histogram(part.astype(float), 8, limits)[0] for part in _parts(array)], axis=0)
    return "".join(_BARS[int(np.ceil(5 * n / counts.max()))] for n in counts)
