"""A function made ready to be checked: its result weighed into one number, its leaves in float64, its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from micrograd_np.core.vertex import source
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.elementwise import multiply
from micrograd_np.ops.reduce import sum as total


@cache
def irregular(shape: tuple[int, ...], turn: int = 0) -> Any:
    """Weights between ½ and 1½ without a pattern, always the same: no error cancels in the sum they make."""
    k = np.arange(1, 1 + int(np.prod(shape, dtype=int))) + 97 * turn
    weights = (0.5 + k * 0.6180339887498949 % 1.0).reshape(shape)  # the golden ratio: multiples spread evenly
    weights.flags.writeable = False  # one array for all who ask
    return weights


def outputs(result: Any) -> Iterator[Any]:
    """The floating tensors and arrays in what a function returned, nested lists, tuples and dicts opened."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        for part in result:
            yield from outputs(part)
    elif (result if isinstance(result, (Tensor, np.ndarray)) else np.asarray(result)).dtype.kind == "f":
        yield result if isinstance(result, Tensor) else np.asarray(result)


def weighed(result: Any) -> Any:
    """The irregularly weighted sum of all that a function returned; a scalar as it is."""
    parts = list(outputs(result))
    if len(parts) == 1 and parts[0].ndim == 0:
        return parts[0]
    if not parts:
        message = f"gradient check: f returned {type(result).__name__}, without a floating number to differentiate."
        raise TypeError(message)
    sums = [total(multiply(part, irregular(part.shape, turn))) for turn, part in enumerate(parts)]
    z = sums[0]
    for part in sums[1:]:
        z = z + part
    return z


def magnitude(result: Any) -> tuple[float, Any]:
    """How large the terms are that `weighed` adds, and the coarsest dtype among them: what rounding is measured by."""
    parts = [np.asarray(x.data if isinstance(x, Tensor) else x) for x in outputs(result)]
    size = sum(float(np.abs(x).sum(dtype=float)) for x in parts)
    return size, min((x.dtype for x in parts), key=lambda d: d.itemsize, default=np.dtype(float))


def gradients(z: Any, leaves: Sequence[Tensor], *, create_graph: bool = False) -> list[Any]:
    """The derivative of the scalar `z` by each of `leaves`, None where it reaches none; `.grad` stays as it is."""
    found: dict[Any, Any] = {}
    if isinstance(z, Tensor) and z.requires_grad:
        seed = np.ones(z.shape, z.dtype)
        with set_grad_enabled(create_graph):
            walk.pull(
                z,
                Tensor(seed) if create_graph else seed,
                found.__setitem__,
                retain=create_graph,
                lifted=create_graph,
                targets=frozenset(map(source, leaves)),
            )
    return [found.get(source(leaf)) for leaf in leaves]


@contextmanager
def in_float64(tensors: Sequence[Tensor]) -> Iterator[None]:
    """For a while, `tensors` hold float64 copies of their values; then their own again, whatever became of those."""
    kept = [(t, t.data) for t in tensors]
    for t, data in kept:
        if data.dtype.kind == "f":
            t.data = np.array(data, dtype=np.float64, order="C")
        else:
            t.data = data.copy()
    try:
        yield
    finally:
        for t, data in kept:
            t.data = data


def silent(f: Callable[[], Any], *, recorded: bool = True) -> Any:
    """``f()`` without NumPy's warnings, since a perturbed entry may step over the end of a domain.

    It is `recorded`, because `f` may take gradients itself.
    """
    with set_grad_enabled(recorded), np.errstate(all="ignore"):
        return f()
