"""What the functions here take: numbers, arrays and tensors, as tensors, in floating point, of one kind and shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.errors import as_array
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.ops.state import astype

_NUMBERS = (bool, int, float, np.generic)


def as_tensor(x: Any) -> Tensor:
    """`x` as a Tensor; in a step that is compiled, a number is a constant of it."""
    if isinstance(x, Tensor):
        return x
    t = Tensor(x)
    return as_constant(t.data) if isinstance(x, _NUMBERS) else t


def tensor_or_array(x: Any) -> Any:
    """`x`, a Tensor or else an array."""
    return x if isinstance(x, Tensor) else np.asarray(x)


def as_floats(x: Any) -> Tensor:
    """`x` as a Tensor of floating numbers: integers, which overflow, and booleans take on the default dtype."""
    if isinstance(x, Tensor) and x.data.dtype.kind == "f":
        return x
    x = as_tensor(x)
    return x if x.dtype.kind == "f" else astype(x, dtype=get_default_dtype())


def as_like(x: Any, input: Any) -> Any:
    """`x` as a Tensor or array; numbers that are not floating, and Python's own, in the dtype of `input`."""
    if (isinstance(x, Tensor) and x.data.dtype.kind == "f") or (type(x) is np.ndarray and x.dtype.kind == "f"):
        return x
    if isinstance(x, _NUMBERS):
        return as_constant(np.asarray(x, input.dtype))
    if not isinstance(x, Tensor) and type(x) is not np.ndarray:
        x = as_array(x)
        if x.dtype.kind == "f":
            return x.astype(input.dtype, copy=False)
    if x.dtype.kind != "f":
        return astype(x, dtype=input.dtype) if isinstance(x, Tensor) else x.astype(input.dtype)
    return x


def operands(name: str, input: Any, **others: Any) -> list[Any]:
    """`input` as a floating Tensor, and the others in its dtype. ValueError unless all have one shape."""
    x = as_floats(input)
    xs = [x]
    shape = x.data.shape
    for label, other in others.items():
        y = as_like(other, x)
        if (y.data if isinstance(y, Tensor) else y).shape != shape:
            refuse_broadcast(name, "input", shape, label, y.shape)
        xs.append(y)
    return xs


def refuse_broadcast(name: str, first: str, shape: tuple[int, ...], second: str, other: tuple[int, ...]) -> None:
    """Raise ValueError: the two have different shapes, so that they would broadcast or do not fit together."""
    try:
        result = f"would broadcast to {np.broadcast_shapes(shape, other)}"
    except ValueError:
        result = "do not fit together"
    if shape == (*other, 1):
        fix = f"Reshape one: {second}[{':' if len(other) == 1 else '...'}, None]"
    elif other == (*shape, 1):
        fix = f"Reshape one: {first}[{':' if len(shape) == 1 else '...'}, None]"
    else:
        fix = "Give both one shape"
    raise ValueError(f"{name}: {first} is {shape} and {second} is {other}; they {result}. {fix}.")
