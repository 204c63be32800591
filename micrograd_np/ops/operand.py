"""Operands of functions that ask for shapes: tensors, arrays and symbols as they are, all else as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import caller
from micrograd_np.core.primitive import as_array
from micrograd_np.core.vertex import Vertex


def as_operand(x: Any) -> Any:
    """`x` itself if it can take part in a graph, else as an array: what functions that ask for a shape begin with."""
    if isinstance(x, (Vertex, np.ndarray)) or hasattr(type(x), "__primitive__"):
        return x
    return as_array(x)


def as_operands(xs: Any) -> list[Any]:
    """Every one of a sequence of arrays as `given` has it; TypeError for what is no sequence."""
    try:
        parts = list(xs)
    except TypeError:
        message = f"{caller()}: needs a list of arrays, found one {type(xs).__name__} without axes."
        raise TypeError(message) from None
    return [as_operand(x) for x in parts]
