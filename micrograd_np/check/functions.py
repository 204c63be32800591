"""The function that is checked: its inputs and leaves, its result as one number, and its gradient by the graph."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from operator import add
from typing import Any

import numpy as np

from micrograd_np.autograd import reverse
from micrograd_np.autograd.reverse import array_of
from micrograd_np.core import trees
from micrograd_np.engine.grad_mode import enable_grad, is_grad_enabled
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.elementwise import multiply
from micrograd_np.ops.reduce import sum as total


def name_of(f: Any) -> str:
    """The name of a function in a report."""
    name = getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)


def _names(f: Any, inputs: Sequence[Any]) -> list[str]:
    """The names of the inputs: of the tensors themselves, else in ``f.names``, else in the signature of `f`."""
    names = getattr(f, "names", None)
    if names is None:
        try:
            signature = inspect.signature(f)
            names = []
            for name, value in signature.bind(*inputs).arguments.items():
                several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                names += [f"{name}[{i}]" for i in range(len(value))] if several else [name]
        except (TypeError, ValueError):
            names = [f"input {i}" for i in range(len(inputs))]
    return [x.name if isinstance(x, Tensor) and x.name else name for x, name in zip(inputs, names, strict=False)]


def _is_floating(x: Any) -> bool:
    try:
        x = np.asarray(x) if isinstance(x, (list, tuple)) else x
    except ValueError:
        return False
    return isinstance(x, (float, np.floating)) or (isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f")


def with_leaves(
    f: Any, inputs: Sequence[Any], *, all_floating: bool = True
) -> tuple[list[int], list[Tensor], list[Any]]:
    """The positions of the inputs to differentiate by, a leaf in float64 for each, and the inputs with these leaves.

    They are those that require a gradient; if none does, all floating ones, else Python's whole numbers, or none.
    Leaves have values and names.
    """
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    places = places or [i for i, x in enumerate(inputs) if all_floating and _is_floating(x)]
    places = places or [i for i, x in enumerate(inputs) if all_floating and type(x) is int]
    names = _names(f, inputs)
    arrays = [np.array(array_of(inputs[i]), dtype=np.float64, order="C") for i in places]
    leaves = [Tensor(a, requires_grad=True, name=names[i]) for i, a in zip(places, arrays, strict=True)]
    return places, leaves, replaced(inputs, places, leaves)


def replaced(inputs: Sequence[Any], places: Iterable[int], values: Iterable[Any]) -> list[Any]:
    """`inputs` with `values` at `places`.

    >>> replaced("abc", [0, 2], "xz")
    ['x', 'b', 'z']
    """
    values_at = dict(zip(places, values, strict=True))
    return [values_at.get(i, x) for i, x in enumerate(inputs)]


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
        kind = type(result).__name__
        raise TypeError(f"gradient check: f returned {kind}, without a floating number to differentiate.")
    return reduce(add, [total(multiply(part, weights(part.shape, turn))) for turn, part in enumerate(parts)])


def gradients(z: Any, leaves: Sequence[Tensor], *, create_graph: bool = False) -> list[Tensor | None]:
    """The derivative of the scalar `z` by each of `leaves`, None where it does not depend on one; no ``.grad`` changes.

    `z` may be an array, which depends on nothing.
    """
    outputs = [z] if isinstance(z, Tensor) else []
    seeds = [np.ones(y.shape, y.dtype) for y in outputs]
    return reverse.gradients(outputs, seeds, leaves, retain=create_graph, create=create_graph)


def second_order(f: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """A function whose derivatives are the second ones of `f`, and its inputs: those of `f`, and arriving gradients."""
    places, leaves, arguments = with_leaves(f, inputs)
    with enable_grad(), np.errstate(all="ignore"):
        arriving = [weights(x.shape, turn) for turn, x in enumerate(floating(f(*arguments)))]

    def first(*varied: Any) -> Any:
        recorded = isinstance(varied[0], Tensor) and is_grad_enabled()
        seeds = varied[len(places) :]
        xs = [x if recorded else Tensor(array_of(x), requires_grad=True) for x in varied[: len(places)]]
        with enable_grad():
            z = 0.0
            for y, g in zip(floating(f(*replaced(inputs, places, xs))), seeds, strict=True):
                z = z + (y * g).sum() if isinstance(y, Tensor) else z
            return [g for g in gradients(z, xs, create_graph=recorded) if g is not None] or [np.zeros(())]

    first.recorded = False  # type: ignore[attr-defined]  # it records what it needs itself, which takes a third of the time
    first.__name__ = f"the gradient of {name_of(f)}"
    first.names = [x.name for x in leaves] + [f"g{turn or ''}" for turn in range(len(arriving))]  # type: ignore[attr-defined]
    return (first, *(np.array(array_of(inputs[i]), dtype=float) for i in places), *arriving)
