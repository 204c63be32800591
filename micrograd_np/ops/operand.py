"""Operands of functions that read shapes: tensors, arrays and symbols stay, everything else becomes an array."""

from typing import Any

import numpy as np

from micrograd_np.core.errors import as_array
from micrograd_np.core.messages import caller, count_of
from micrograd_np.core.vertex import Vertex


def as_operand(x: Any) -> Any:
    """`x` itself if it is a tensor, an array or a symbol, else `x` as an array; TypeError for what is not numbers."""
    if isinstance(x, (Vertex, np.ndarray)) or hasattr(type(x), "__primitive__"):
        return x
    return as_array(x)


def with_axes(x: Any, least: int, name: str = "x") -> Any:
    """`x` by `as_operand`; ValueError where it has fewer than `least` axes."""
    x = as_operand(x)
    if x.ndim < least:
        raise ValueError(f"{caller()}: {name} is {tuple(x.shape)}; it must have at least {count_of(least, 'axis')}.")
    return x


def as_operands(xs: Any) -> list[Any]:
    """Each of a sequence of arrays by `as_operand`; TypeError for what is no sequence."""
    try:
        parts = list(xs)
    except TypeError:
        raise TypeError(f"{caller()}: needs a list of arrays, found one {type(xs).__name__} without axes.") from None
    return [as_operand(x) for x in parts]
