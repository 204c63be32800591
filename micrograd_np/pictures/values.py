"""Arrays as a line or two of a picture: small ones in full, large ones as their range and a tiny histogram."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["number", "subscript", "summary"]

_SMALL = 6  # so many numbers are printed; a matrix may have two more
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_BARS = "▁▂▃▄▅▆▇█"


def number(x: Any, digits: int = 4) -> str:
    """A number as a person writes it.

    >>> number(0.731058), number(3.0), number(True)
    ('0.7311', '3', 'True')
    """
    x = np.asarray(x)
    whole = x.dtype.kind == "f" and abs(x) < 1e6 and x == np.round(x)
    return f"{x.item():.{6 if whole else digits}g}" if x.dtype.kind in "fc" else str(x.item())


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
    ████████
    """
    array = np.asarray(array)
    if not array.ndim:
        return number(array)
    if not array.size:
        return "empty"
    if array.size <= _SMALL + 2 * (array.ndim == 2) and array.ndim <= 2:
        rows = array if array.ndim == 2 else array[None]
        return "\n".join(f"[{' '.join(map(number, row))}]" for row in rows)
    if array.dtype.kind == "b":
        return f"{int(array.sum()):,} of {array.size:,} true"
    if array.dtype.kind not in "fiu":
        return ""
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array.ravel()
    strange = array.size - finite.size
    note = f"\n{strange:,} nan or infinite" if strange else ""
    if not finite.size:
        return note.strip()
    low, high = finite.min(), finite.max()
    if low == high:
        return f"all {number(low)}{note}"
    middle = finite.mean(dtype=float)
    return f"{number(low, 3)} … {number(middle, 3)} … {number(high, 3)}\n{_histogram(finite, low, high)}{note}"


def _histogram(values: Any, low: Any, high: Any) -> str:
    with np.errstate(all="ignore"):
        span = float(high) - float(low)
        if not np.isfinite(span):
            return ""
        scaled = (values.astype(float) - float(low)) / span
    counts = np.bincount(np.minimum((scaled * 8).astype(int).ravel(), 7), minlength=8)
    return "".join(_BARS[int(np.ceil(7 * n / counts.max()))] if n else " " for n in counts).replace(" ", "▁")
