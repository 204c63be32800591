"""Nested lists, tuples and dicts of arrays, as one flat list of leaves and back.

A module stands for the dict of its parameters by name: whoever differentiates by a module gets such a dict.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.vertex import Vertex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def is_module(x: Any) -> bool:
    """Whether `x` owns parameters (known by what it can do: modules live on a floor above)."""
    return type(x) is not np.ndarray and hasattr(x, "named_parameters") and not isinstance(x, type)


def leaves(tree: Any, path: str = "", *, modules: bool = True) -> Iterator[tuple[str, Any]]:
    """The leaves of `tree`, depth first, with the path to each; None holds none. Unless `modules`, a module is a leaf.

    >>> list(leaves({"w": [1.0, 2.0], "b": None, "c": 3.0}))
    [("['w'][0]", 1.0), ("['w'][1]", 2.0), ("['c']", 3.0)]
    """
    if tree is None:
        return
    if isinstance(tree, dict):
        for key, x in tree.items():
            yield from leaves(x, f"{path}[{key!r}]", modules=modules)
    elif isinstance(tree, (list, tuple)):
        for i, x in enumerate(tree):
            yield from leaves(x, f"{path}[{i}]", modules=modules)
    elif modules and is_module(tree):
        for name, p in tree.named_parameters():
            if p.requires_grad:
                yield f"{path}[{name!r}]", p  # where it stands in the dict that the module stands for
    else:
        yield path, tree


def values(tree: Any) -> list[Any]:
    """The leaves alone, for when nobody asks for their paths.

    >>> values({"w": [1.0, 2.0], "b": None, "c": 3.0})
    [1.0, 2.0, 3.0]
    """
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [y for x in tree.values() for y in values(x)]
    if isinstance(tree, (list, tuple)):
        return [y for x in tree for y in values(x)]
    if is_module(tree):
        return [p for p in tree.parameters() if p.requires_grad]
    return [tree]


def rebuild(tree: Any, values: Iterator[Any], *, modules: bool = True) -> Any:
    """`tree` with its leaves, in order, taken from `values` instead.

    >>> rebuild({"w": [1.0, 2.0], "b": None}, iter("xy"))
    {'w': ['x', 'y'], 'b': None}
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        new = copy(tree)  # keeps the kind of dict, and the order
        for key, x in tree.items():
            new[key] = rebuild(x, values, modules=modules)
        return new
    if isinstance(tree, tuple):
        parts = [rebuild(x, values, modules=modules) for x in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, list):
        return type(tree)(rebuild(x, values, modules=modules) for x in tree)
    if modules and is_module(tree):
        return {name: next(values) for name, p in tree.named_parameters() if p.requires_grad}
    return next(values)


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `f` applied to every leaf."""
    return rebuild(tree, iter([f(x) for x in values(tree)]))


def matched(tree: Any, like: Any, caller: str, what: str) -> list[Any]:
    """The leaves of `tree`, which must have the structure and the shapes of `like`; ValueError says where not."""
    found, wanted = dict(leaves(tree)), dict(leaves(like))
    if found.keys() != wanted.keys():
        lacking = ", ".join(path or "the leaf itself" for path in wanted if path not in found)
        extra = ", ".join(path or "a single leaf" for path in found if path not in wanted)
        raise ValueError(
            f"{caller}: {what} must have the structure of what it belongs to; "
            f"missing: {lacking or 'nothing'}; unexpected: {extra or 'nothing'}."
        )
    for path, x in wanted.items():
        if shape(found[path]) != shape(x):
            raise ValueError(
                f"{caller}: {what}{path} is {shape(found[path])} and belongs to an array of shape {shape(x)}; "
                f"they must be equal."
            )
    return [found[path] for path in wanted]


def shape(x: Any) -> tuple[int, ...]:
    """The shape of a leaf."""
    return x.data.shape if isinstance(x, Vertex) else np.shape(x)
