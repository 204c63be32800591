"""What a check computes by the graph: the weighted sum of all that a function returns, and its gradient."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from operator import add
from typing import Any

import numpy as np

from micrograd_np.autograd import reverse
from micrograd_np.core import trees
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.elementwise import multiply
from micrograd_np.ops.reduce import sum as total

from .inputs import array_of


@cache
def weights(shape: tuple[int, ...], turn: int = 0) -> Any:
    """Irregular numbers between ½ and 1½, always the same for a `shape` and a `turn`: no errors cancel in their sum."""
    k = np.arange(1, 1 + int(np.prod(shape, dtype=int))) + 97 * turn
    array = (0.5 + k * 0.6180339887498949 % 1.0).reshape(shape)  # multiples of the golden ratio spread evenly
    array.flags.writeable = False  # all callers share it
    return array


def floating(result: Any) -> list[Any]:
    """The floating tensors and arrays in a function's result: an array, a number, or nested lists, tuples and dicts."""
    parts = [x if isinstance(x, (Tensor, np.ndarray)) else np.asarray(x) for x in trees.values(result)]
    return [x for x in parts if x.dtype.kind == "f"]


def weighted_sum(result: Any) -> Any:
    """The sum of all elements of a function's result, each times its weight; a scalar as it is."""
    parts = floating(result)
    if len(parts) == 1 and parts[0].ndim == 0:
        return parts[0]
    if not parts:
        raise TypeError(
            f"gradient check: f returned {type(result).__name__}, without a floating number to differentiate."
        )
    return reduce(add, [total(multiply(part, weights(part.shape, turn))) for turn, part in enumerate(parts)])


def magnitude(result: Any) -> tuple[float, Any]:
    """The sum of the absolute values in a function's result, and the coarsest dtype: they determine its rounding."""
    parts = list(map(array_of, floating(result)))
    size = sum(float(np.abs(x).sum(dtype=float)) for x in parts)
    return size, min((x.dtype for x in parts), key=lambda d: d.itemsize, default=np.dtype(float))


def gradients(z: Any, leaves: Sequence[Tensor], *, create_graph: bool = False) -> list[Tensor | None]:
    """The derivative of the scalar `z` by each of `leaves`, None where it does not depend on one; no ``.grad`` changes.

    `z` may be an array, which depends on nothing.
    """
    outputs = [z] if isinstance(z, Tensor) else []
    seeds = [np.ones(y.shape, y.dtype) for y in outputs]
    return reverse.gradients(outputs, seeds, leaves, retain=create_graph, create=create_graph)


@contextmanager
def in_float64(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Inside the block, `tensors` hold float64 copies of their values; afterwards their own arrays."""
    before = [(t, t.data) for t in tensors]
    for t, data in before:
        t.data = np.array(data, dtype=np.float64 if data.dtype.kind == "f" else None, order="C")
    try:
        yield
    finally:
        for t, data in before:
            t.data = data
