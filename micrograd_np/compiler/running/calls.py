"""Kinds of calls: what two calls must have in common for one program to serve both."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import with_article
from micrograd_np.core.trees import instances, parts, with_parts
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.tensor import Tensor

from ..program import Program
from ..tracing.numbers import Fixed, Numbers, array_of


def signature_of(x: Any, leaves: list[Any]) -> Any:
    """What kind of argument this is; its arrays are appended to `leaves`."""
    kind = type(x)
    if isinstance(x, np.ndarray):
        leaves.append(x if kind is np.ndarray else np.asarray(x))  # an array on disk is an array
        return x.shape, x.dtype, x.strides  # what NumPy makes of x takes over its order, and sums follow that
    if isinstance(x, Vertex):
        leaves.append(x.data)
        return x.result_type, x.data.shape, x.data.dtype, x.data.strides, x.requires_grad
    numbers = array_of(x) if kind is list else None
    if numbers is not None:
        leaves.append(numbers)
        return list, numbers.shape, numbers.dtype
    if kind is tuple or kind is list:
        return kind, tuple([signature_of(part, leaves) for part in x])
    held = parts(x)
    if held is not None:  # dicts, tuples with names, dataclasses and so on
        return kind, tuple([(k, signature_of(part, leaves)) for k, part in held.items()])
    if isinstance(x, (float, np.generic, slice)):
        return kind, repr(x)  # 0.0 and -0.0 are equal, and nan is not equal to itself
    try:
        hash(x)
    except TypeError:
        message = (
            f"compile: an argument is {with_article(kind.__name__)}, {x!r:.60}; whether another call brings the same "
            f"kind cannot be told. Pass tensors, arrays, numbers and strings, or tuples, lists and dicts of these."
        )
        raise TypeError(message) from None
    return kind, x  # 1, 1.0 and True are equal, but not the same in arithmetic


def repeated(leaves: list[Any]) -> Any:
    """Which arguments are one and the same array; None where none are."""
    if len(leaves) < 2:
        return None
    first: dict[int, int] = {}
    places = tuple([first.setdefault(id(a), i) for i, a in enumerate(leaves)])
    return places if len(first) < len(leaves) else None


def lifted(x: Any, name: str, arrays: list[tuple[str, Any]], others: list[tuple[str, Any]], tensors: Any) -> Any:
    """`x` with arrays as tensors, `made` for each that differs, and lists of numbers as `Numbers`.

    All these are noted in `arrays`, with names, and functions, modules, objects and numbers in `others`.
    """
    if isinstance(x, np.ndarray):
        x = np.asarray(x)
        arrays.append((name, x))
        return tensors.setdefault(id(x), Tensor(x))
    if isinstance(x, Vertex):
        arrays.append((name, x.data))
        return x
    if isinstance(x, (Numbers, Fixed)):  # of a trace that this is part of
        return x
    numbers = array_of(x) if type(x) is list else None
    if numbers is not None:
        arrays.append((name, numbers))
        return Numbers(x, numbers)
    if type(x) is tuple and array_of(list(x)) is not None:
        return Fixed(x)
    held = parts(x)
    if held is None:
        others.append((name, x))
        return x
    return with_parts(x, [lifted(y, f"{name}_{k}", arrays, others, tensors) for k, y in held.items()])


def tensors_of(x: Any) -> list[Any]:
    """The tensors among arguments, in order."""
    return list(instances(x, Vertex))


def overwritten(program: Program, arrays: list[tuple[str, Any]]) -> list[int]:
    """Which of `arrays`, the arguments of `program`, it writes into: one that came twice is one array."""
    mine = {id(a) for (_, a), v in zip(arrays, program.inputs, strict=True) if v.memory in program.stores}
    return [i for i, (_, a) in enumerate(arrays) if id(a) in mine]
