"""What a check is given: which inputs are to be differentiated by, what they are called, and leaves in their place."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor


def unpacked(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """PyTorch passes the inputs in one tuple."""
    several = len(inputs) == 1 and isinstance(inputs[0], (tuple, list)) and bool(inputs[0])
    if several and all(isinstance(x, (Tensor, np.ndarray)) for x in inputs[0]):
        return tuple(inputs[0])
    return inputs


def leaves_of(f: Any, inputs: Sequence[Any], *, everything: bool) -> tuple[list[tuple[str, Tensor]], list[Any]]:
    """Named leaves in float64 for the inputs to check, and all inputs with those in their places."""
    asked = asks(inputs)
    names = names_of(f, inputs)
    leaves, given = [], []
    for name, x in zip(names, inputs, strict=True):
        if is_floating(x) and (asks([x]) if asked else everything):
            leaf = Tensor(np.array(array_of(x), dtype=np.float64, order="C"), requires_grad=True, name=name)
            leaves.append((name, leaf))
            given.append(leaf)
        else:
            given.append(x)
    return leaves, given


def asks(inputs: Sequence[Any]) -> bool:
    """Whether any of them is a Tensor that requires a gradient."""
    return any(isinstance(x, Tensor) and x.requires_grad for x in inputs)


def array_of(x: Any) -> Any:
    """The array in a Tensor, or made of what is none."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def is_floating(x: Any) -> bool:
    """Whether this is something to differentiate by: floats in whatever form."""
    if isinstance(x, (list, tuple)):
        try:
            x = np.asarray(x)
        except ValueError:
            return False
    return isinstance(x, (float, np.floating)) or (isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f")


def names_of(f: Any, inputs: Sequence[Any]) -> list[str]:
    """What the inputs are called: by the user, else by the function's signature."""
    known = getattr(f, "names", None)
    if known is None:
        try:
            bound = inspect.signature(f).bind(*inputs)
            known = []
            for name, value in bound.arguments.items():
                several = inspect.signature(f).parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                known += [f"{name}[{i}]" for i in range(len(value))] if several else [name]
        except (TypeError, ValueError):
            known = [f"input {i}" for i in range(len(inputs))]
    return [x.name if isinstance(x, Tensor) and x.name else name for x, name in zip(inputs, known, strict=False)]


def told(f: Any) -> str:
    """What a report calls the function."""
    name = getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)
