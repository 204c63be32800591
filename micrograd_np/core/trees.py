"""Nested containers of arrays: what they hold, their leaves as one flat list, and the same containers of other leaves.

Differentiation and hooks open dicts, lists and tuples (`children`); a compiled step opens also deques, namespaces and
dataclasses (`parts`). A module stands for the dict of its parameters by name: whoever differentiates by a module gets
such a dict.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from types import SimpleNamespace
from typing import Any

import numpy as np

from .vertex import Vertex


def is_module(x: Any) -> bool:
    """Whether `x` owns parameters (recognised by what it can do: modules live on a floor above)."""
    return type(x) is not np.ndarray and hasattr(x, "named_parameters") and not isinstance(x, type)


def children(x: Any) -> dict[Any, Any] | None:
    """What a dict, list or tuple holds, by key or index; None for anything else."""
    if isinstance(x, dict):
        return dict(x.items())
    return dict(enumerate(x)) if isinstance(x, (list, tuple)) else None


def parts(x: Any) -> dict[Any, Any] | None:
    """What any container holds, by key, index or field; None for anything else.

    >>> parts([1, 2]), parts({"a": 3}), parts("ab")
    ({0: 1, 1: 2}, {'a': 3}, None)
    """
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return dict(zip(x._fields, x, strict=True))
    if isinstance(x, (dict, list, tuple)):
        return children(x)
    if isinstance(x, deque):
        return dict(enumerate(x))
    if isinstance(x, SimpleNamespace):
        return vars(x)
    fields = getattr(type(x), "__dataclass_fields__", None)
    if fields is None or isinstance(x, Vertex) or hasattr(type(x), "named_parameters"):
        return None
    return {name: getattr(x, name) for name in fields if hasattr(x, name)}


def with_parts(x: Any, new_parts: Sequence[Any]) -> Any:
    """A container like `x` of `new_parts`, in the order of `parts`; for some kinds `x` itself if no part differs.

    >>> with_parts({"a": 1, "b": [2]}, [3, 4])
    {'a': 3, 'b': 4}
    """
    if type(x) is dict:
        return dict(zip(x, new_parts, strict=True))
    if type(x) in (list, tuple):
        return type(x)(new_parts)
    old_parts = parts(x) or {}
    if isinstance(x, (dict, list, deque)):
        new: Any = copy(x)
        if isinstance(x, dict):
            new.update(zip(old_parts, new_parts, strict=True))
        else:
            new.clear()
            new.extend(new_parts)
    elif all(a is b for a, b in zip(old_parts.values(), new_parts, strict=True)):
        return x
    elif isinstance(x, tuple):
        return tuple.__new__(type(x), new_parts)
    else:
        new = copy(x)
        for name, part in zip(old_parts, new_parts, strict=True):
            object.__setattr__(new, name, part)  # of a frozen dataclass as well
    return new


def instances(tree: Any, kind: Any) -> Iterator[Any]:
    """Everything of the type `kind` in nested containers, depth first."""
    if isinstance(tree, kind):
        yield tree
        return
    for part in tree if type(tree) in (list, tuple) else (parts(tree) or {}).values():
        yield from instances(part, kind)


def replaced(tree: Any, kind: Any, change: Callable[[Any], Any]) -> Any:
    """Nested containers with ``change(x)`` in the place of everything `x` of the type `kind`."""
    if isinstance(tree, kind):
        return change(tree)
    held = parts(tree)
    return tree if held is None else with_parts(tree, [replaced(x, kind, change) for x in held.values()])


def leaves(tree: Any, path: str = "", *, modules: bool = True) -> Iterator[tuple[str, Any]]:
    """The leaves of `tree`, depth first, with the path to each; None holds none. Unless `modules`, a module is a leaf.

    >>> list(leaves({"w": [1.0, 2.0], "b": None, "c": 3.0}))
    [("['w'][0]", 1.0), ("['w'][1]", 2.0), ("['c']", 3.0)]
    """
    held = children(tree)
    if held is not None:
        for key, x in held.items():
            yield from leaves(x, f"{path}[{key!r}]", modules=modules)
    elif modules and is_module(tree):
        for name, p in tree.named_parameters():
            if p.requires_grad:
                yield f"{path}[{name!r}]", p  # where it stands in the dict that the module stands for
    elif tree is not None:
        yield path, tree


def values(tree: Any) -> list[Any]:
    """The leaves without their paths.

    >>> values({"w": [1.0, 2.0], "b": None, "c": 3.0})
    [1.0, 2.0, 3.0]
    """
    if isinstance(tree, (dict, list, tuple)):
        return [y for x in (tree.values() if isinstance(tree, dict) else tree) for y in values(x)]
    if is_module(tree):
        return [p for p in tree.parameters() if p.requires_grad]
    return [] if tree is None else [tree]


def rebuild(tree: Any, values: Iterator[Any], *, modules: bool = True) -> Any:
    """`tree` with its leaves, in order, taken from `values` instead.

    >>> rebuild({"w": [1.0, 2.0], "b": None}, iter("xy"))
    {'w': ['x', 'y'], 'b': None}
    """
    held = children(tree)
    if held is not None:
        return with_parts(tree, [rebuild(x, values, modules=modules) for x in held.values()])
    if modules and is_module(tree):
        return {name: next(values) for name, p in tree.named_parameters() if p.requires_grad}
    return None if tree is None else next(values)


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `f` applied to every leaf."""
    return rebuild(tree, iter([f(x) for x in values(tree)]))


def matched(tree: Any, like: Any, caller: str, what: str) -> list[Any]:
    """The leaves of `tree`, which must have the structure and the shapes of `like`; ValueError says where not."""
    actual, expected = dict(leaves(tree)), dict(leaves(like))
    if actual.keys() != expected.keys():
        missing = ", ".join(path or "the leaf itself" for path in expected if path not in actual)
        unexpected = ", ".join(path or "a single leaf" for path in actual if path not in expected)
        raise ValueError(
            f"{caller}: {what} must have the structure of what it belongs to; "
            f"missing: {missing or 'nothing'}; unexpected: {unexpected or 'nothing'}."
        )
    for path, x in expected.items():
        if shape(actual[path]) != shape(x):
            raise ValueError(
                f"{caller}: {what}{path} is {shape(actual[path])} and belongs to an array of shape {shape(x)}; "
                f"they must be equal."
            )
    return [actual[path] for path in expected]


def shape(x: Any) -> tuple[int, ...]:
    """The shape of a leaf."""
    return x.data.shape if isinstance(x, Vertex) else np.shape(x)
