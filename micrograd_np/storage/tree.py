"""A tree of dicts, lists, arrays and numbers as arrays with readable names and a description in JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor

_PLAIN = (type(None), bool, int, float, str)


def flatten(tree: Any) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """The arrays of `tree`, by the dotted path to each, and its structure in JSON.

    An object with a ``state_dict()`` stands for that; a `numpy.random.Generator` for its state. TypeError, with the
    path, for anything that is not an array, tensor, number, string, None, or a dict, list or tuple of such.

    >>> arrays, description = flatten({"weights": {"w": np.ones(2)}, "epoch": 3})
    >>> arrays
    {'weights.w': array([1., 1.])}
    >>> unflatten(arrays, description)
    {'weights': {'w': array([1., 1.])}, 'epoch': 3}
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    return arrays, json.dumps(_described(tree, "", arrays), ensure_ascii=False)


def _described(x: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if type(x) in _PLAIN:
        return x
    if isinstance(x, (np.float64, np.int64, np.bool_)):  # Python has numbers just like these
        return x.item()
    if isinstance(x, (np.ndarray, np.generic, Tensor)):
        kind = "tensor" if isinstance(x, Tensor) else "array"
        return {kind: _stored(x.data if kind == "tensor" else np.asarray(x), path, arrays)}
    if isinstance(x, np.random.Generator):
        return _described(x.bit_generator.state, path, arrays)
    if hasattr(x, "state_dict"):
        return _described(x.state_dict(), path, arrays)
    if not isinstance(x, (dict, list, tuple)):
        raise TypeError(
            f"save: {path or 'the object'} is {type(x).__name__}, which no file format here can hold. Save arrays, "
            f"tensors, numbers, strings, what has a state_dict(), and dicts, lists and tuples of these."
        )
    children = []
    for key, value in x.items() if isinstance(x, dict) else enumerate(x):
        if type(key) not in _PLAIN:
            message = f"save: a key of {path or 'the dict'} is {type(key).__name__}; keys must be strings or numbers."
            raise TypeError(message)
        children.append([key, _described(value, f"{path}.{key}" if path else str(key), arrays)])
    if isinstance(x, dict):
        return {"dict": children}
    return {"list" if isinstance(x, list) else "tuple": [child for _, child in children]}


def _stored(array: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    """Copy `array` into `arrays`; returns its name."""
    if array.dtype.kind not in "fiub":
        raise TypeError(f"save: {path or 'the array'} has dtype {array.dtype}; only numbers and booleans can be saved.")
    name = path or "array"
    while name in arrays:  # {"a": {"b": …}, "a.b": …}
        name += "'"
    arrays[name] = np.array(array, order="C", copy=True)
    return name


def unflatten(arrays: dict[str, Any], description: str) -> Any:
    """The tree that `flatten` took. KeyError for a missing array, ValueError for text that is no description."""
    return _rebuilt(json.loads(description), arrays)


def _rebuilt(x: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, inner),) = x.items()
    if kind == "array":
        return arrays[inner]
    if kind == "tensor":
        return Tensor(arrays[inner])
    if kind == "dict":
        return {key: _rebuilt(value, arrays) for key, value in inner}
    parts = [_rebuilt(value, arrays) for value in inner]
    return tuple(parts) if kind == "tuple" else parts
