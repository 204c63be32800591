"""What survives of a graph that a backward pass has used up: its structure, for pictures.

It holds no array and no tensor, takes about 200 bytes a vertex (a slice of its own takes more), and is bounded: of the
graphs that somebody still holds by their results, the latest keep their structure, as many as have `MOST` vertices
together (when they have more, half of that), and at least one.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .reads import Blank
from .vertex import Constant, Node, Vertex

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 20_000
_turn = threading.Lock()


def weakened(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The edges of a record without what they hold: nodes and numbers as they are, all else by weak reference."""
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


def lean(op: Any, static: Mapping[str, Any], known: dict[Any, Any]) -> Mapping[str, Any]:
    """The settings of an application without arrays; the same mapping for equal ones, which `known` remembers."""
    if static is op.defaults:
        return static
    if op.reads_all:  # its settings are whole functions, and whatever they hold
        return known.setdefault((), {})
    try:
        return known.setdefault((op, *static.items()), static)
    except TypeError:  # an index, perhaps with arrays
        return {name: _shell(value) for name, value in static.items()}


def _shell(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return Blank(value.shape, value.dtype)
    return type(value)(map(_shell, value)) if type(value) in (tuple, list) else value


_roots: deque[tuple[ref[Node], int]] = deque()
"""The results whose graphs may still have their structure, oldest first, each with the number of its vertices."""
_all = 0


def survive(root: Node, count: int) -> None:
    """Let the structure under `root`, which has `count` vertices, survive, and the oldest ones go that are too many."""
    global _all  # noqa: PLW0603
    try:
        if _roots[-1][0]() is None:  # the loss of the step before, as a rule
            _all -= _roots.pop()[1]
    except IndexError:  # the first, or another thread was quicker
        pass
    _roots.append((ref(root), count))
    _all += count
    if _all > MOST:
        _all = _shortened()


def _shortened() -> int:
    """Count out what is no more, and forget the oldest structures until half of `MOST` is left, or one graph."""
    with _turn:
        known = [(root, n) for root, n in list(_roots) if root() is not None]
        left = sum(n for _, n in known)
        while left > MOST // 2 and len(known) > 1:
            root, n = known.pop(0)
            left -= n
            _forget(root())
        _roots.clear()
        _roots.extend(known)
        return left


def _forget(root: Node | None) -> None:
    waiting = [] if root is None else [root]
    while waiting:
        z = waiting.pop()
        if z.arrays is None:
            inputs, z.inputs = z.inputs, ()
            waiting += [x for x in inputs if type(x) is Node]
