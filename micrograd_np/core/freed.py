"""What is kept of a graph that a backward pass has freed: its structure, for pictures.

The structure holds no array and no tensor, takes about 200 bytes a vertex (of settings that differ from application to
application, `SETTINGS` are kept of a graph, and the others are "…"), and is bounded: of the graphs whose results are
alive, the latest keep their structure, up to `MOST` vertices together (half of that, once there are more), and at least
one graph.
"""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np

from .reads import Blank
from .vertex import Constant, Node, Vertex

MOST = 20_000
SETTINGS = 64
_FORGOTTEN = Blank((), np.dtype(bool))
_lock = threading.Lock()


def weak_inputs(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of a record, held weakly: nodes and numbers as they are, all else by weak reference."""
    edges = []
    for x in inputs:
        kind = type(x)
        try:
            weak = _WEAK[kind]
        except KeyError:
            weak = _WEAK[kind] = ref if issubclass(kind, Vertex) else None
        edges.append(x if weak is None else weak(x))
    return tuple(edges)


class Named(ref[Any]):
    """A weak reference to a tensor with a name, which it remembers."""

    __slots__ = ("name",)

    name: str


def _weak(constant: Constant) -> Any:
    held = constant.held
    array = constant.array if type(held) is ref else held
    if isinstance(array, np.ndarray):
        return held if type(held) is ref and array.ndim else array.item() if not array.ndim else ref(array)
    named = Named(held)
    named.name = held._name
    return named


_WEAK: dict[type, Any] = {Constant: _weak}
"""By the type of an edge, how it becomes weak; None for what is kept as it is."""


def without_arrays(op: Any, static: Mapping[str, Any], shared: dict[Any, Any]) -> Mapping[str, Any]:
    """The settings of an application without arrays; equal ones are one mapping, which is in `shared`."""
    if static is op.defaults:
        return static
    if op.reads_all:  # its settings are whole functions, and whatever they hold
        return shared.setdefault((), {})
    kept = static if len(shared) < SETTINGS else shared.setdefault(op, dict.fromkeys(static, _FORGOTTEN))
    try:
        return shared.setdefault((op, *static.items()), kept)
    except TypeError:  # an index: slices have no hash, nor have arrays
        try:
            return shared.setdefault((op, *map(_hashable, static.values())), kept)
        except TypeError:
            return {name: _blanked(value) for name, value in kept.items()}


def _hashable(value: Any) -> Any:
    if type(value) is slice:
        return slice, value.start, value.stop, value.step
    return tuple(map(_hashable, value)) if type(value) is tuple else value


def _blanked(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return Blank(value.shape, value.dtype)
    return type(value)(map(_blanked, value)) if type(value) in (tuple, list) else value


_roots: deque[tuple[ref[Node], int]] = deque()
"""The results whose graphs may still have their structure, oldest first, each with the number of its vertices."""
_total = 0


def keep_structure(root: Node, count: int) -> None:
    """Keep the structure under `root`, which has `count` vertices; the oldest ones go where there are too many."""
    global _total  # noqa: PLW0603
    try:
        if _roots[-1][0]() is None:  # the loss of the step before, as a rule
            _total -= _roots.pop()[1]
    except IndexError:  # the first, or another thread was quicker
        pass
    _roots.append((ref(root), count))
    _total += count
    if _total > MOST:
        _total = _shortened()


def _shortened() -> int:
    """Forget the oldest structures until `MOST` / 2 vertices are left, or one graph; how many are left."""
    with _lock:
        alive = [(root, n) for root, n in list(_roots) if root() is not None]
        left = sum(n for _, n in alive)
        while left > MOST // 2 and len(alive) > 1:
            root, n = alive.pop(0)
            left -= n
            _forget(root())
        _roots.clear()
        _roots.extend(alive)
        return left


def _forget(root: Node | None) -> None:
    waiting = [] if root is None else [root]
    while waiting:
        z = waiting.pop()
        if z.arrays is None:
            inputs, z.inputs = z.inputs, ()
            waiting += [x for x in inputs if type(x) is Node]
