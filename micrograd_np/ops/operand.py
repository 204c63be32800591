"""Operands of functions that read shapes: tensors, arrays and symbols stay, everything else becomes an array."""

from typing import Any

import numpy as np

from micrograd_np.core.messages import caller
from micrograd_np.core.primitive import as_array
from micrograd_np.core.vertex import Vertex


def as_operand(x: Any) -> Any:
    """`x` itself if it is a tensor, an array or a symbol, else `x` as an array; TypeError for what is not numbers."""
    if isinstance(x, (Vertex, np.ndarray)) or hasattr(type(x), "__primitive__"):
        return x
    return as_array(x)


def as_operands(xs: Any) -> list[Any]:
    """Each of a sequence of arrays by `as_operand`; TypeError for what is no sequence."""
    try:
        parts = list(xs)
    except TypeError:
        raise TypeError(f"{caller()}: needs a list of arrays, found one {type(xs).__name__} without axes.") from None
    return [as_operand(x) for x in parts]
