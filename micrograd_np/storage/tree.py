"""A tree of dicts, lists, arrays and numbers, taken apart into arrays with readable names and a description in JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor

_PLAIN = (type(None), bool, int, float, str)


def taken_apart(tree: Any) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """The arrays of `tree`, by the dotted path to each, and JSON that says how they hang together.

    What has a ``state_dict()`` stands for it; a `numpy.random.Generator` for its state. TypeError, saying where, for
    anything that is not an array, tensor, number, string, None, or a dict, list or tuple of such.

    >>> arrays, description = taken_apart({"weights": {"w": np.ones(2)}, "epoch": 3})
    >>> arrays
    {'weights.w': array([1., 1.])}
    >>> put_together(arrays, description)
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
        return {kind: _kept(x.data if kind == "tensor" else np.asarray(x), path, arrays)}
    if isinstance(x, np.random.Generator):
        return _described(x.bit_generator.state, path, arrays)
    if hasattr(x, "state_dict"):
        return _described(x.state_dict(), path, arrays)
    if isinstance(x, dict):
        for key in x:
            if type(key) not in _PLAIN:
                raise TypeError(
                    f"save: a key of {path or 'the dict'} is {type(key).__name__}; keys must be strings or numbers."
                )
        return {
            "dict": [
                [key, _described(value, f"{path}.{key}" if path else str(key), arrays)] for key, value in x.items()
            ]
        }
    if isinstance(x, (list, tuple)):
        kind = "list" if isinstance(x, list) else "tuple"
        return {kind: [_described(value, f"{path}.{i}" if path else str(i), arrays) for i, value in enumerate(x)]}
    raise TypeError(
        f"save: {path or 'the object'} is {type(x).__name__}, which no file format here can hold. Save "
        "arrays, tensors, "
        f"numbers, strings, what has a state_dict(), and dicts, lists and tuples of these."
    )


def _kept(array: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    if array.dtype.kind not in "fiub":
        raise TypeError(f"save: {path or 'the array'} has dtype {array.dtype}; only numbers and booleans can be saved.")
    name = path or "array"
    while name in arrays:  # {"a": {"b": …}, "a.b": …}
        name += "'"
    arrays[name] = np.array(array, order="C", copy=True)
    return name


def put_together(arrays: dict[str, Any], description: str) -> Any:
    """The tree that `taken_apart` took apart. KeyError for an array that is missing, ValueError for what is no
    description.
    """
    return _built(json.loads(description), arrays)


def _built(x: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, inner),) = x.items()
    if kind == "array":
        return arrays[inner]
    if kind == "tensor":
        return Tensor(arrays[inner])
    if kind == "dict":
        return {key: _built(value, arrays) for key, value in inner}
    parts = [_built(value, arrays) for value in inner]
    return tuple(parts) if kind == "tuple" else parts
