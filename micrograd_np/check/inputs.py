"""The inputs of a checked function: which are differentiated, their names, and leaves in their places."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor


def unpacked(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """`inputs`, or the elements of the one tuple in which PyTorch passes them."""
    packed = len(inputs) == 1 and isinstance(inputs[0], (tuple, list)) and bool(inputs[0])
    if packed and all(isinstance(x, (Tensor, np.ndarray)) for x in inputs[0]):
        return tuple(inputs[0])
    return inputs


def differentiable(inputs: Sequence[Any], *, all_floating: bool = True) -> list[int]:
    """The positions of the inputs that require a gradient; if none does, of all floating ones, or of none."""
    chosen = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    return chosen or [i for i, x in enumerate(inputs) if all_floating and _is_floating(x)]


def leaves_of(f: Any, inputs: Sequence[Any], places: Iterable[int]) -> list[Tensor]:
    """Leaves in float64 with the values and names of the inputs at `places`."""
    names = names_of(f, inputs)
    return [
        Tensor(np.array(array_of(inputs[i]), dtype=np.float64, order="C"), requires_grad=True, name=names[i])
        for i in places
    ]


def replaced(inputs: Sequence[Any], places: Iterable[int], values: Iterable[Any]) -> list[Any]:
    """`inputs` with `values` at `places`.

    >>> replaced("abc", [0, 2], "xz")
    ['x', 'b', 'z']
    """
    values_at = dict(zip(places, values, strict=True))
    return [values_at.get(i, x) for i, x in enumerate(inputs)]


def array_of(x: Any) -> Any:
    """The array in a Tensor; anything else as an array."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def _is_floating(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        try:
            x = np.asarray(x)
        except ValueError:
            return False
    return isinstance(x, (float, np.floating)) or (isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f")


def names_of(f: Any, inputs: Sequence[Any]) -> list[str]:
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


def name_of(f: Any) -> str:
    """The name of a function in a report."""
    name = getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)
