"""Pickles and deep copies of tensors with the graph under them, however deep.

Left to itself, pickle would descend from a result to its inputs, to their inputs, and run out of stack. Here a vertex
is preceded by a `_Run` of everything under it, inputs first: when its turn comes, what it refers to has been written,
and a reference is all there is to write. What is shared stays shared, among all that goes into one pickle or copy.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from .backward import topological
from .primitive import _NO_STATIC, Vertex, _clock

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Ready(threading.local):
    """Vertices whose inputs have been written already."""

    def __init__(self) -> None:
        self.now: set[int] = set()


_ready = _Ready()


class _Run:
    """Vertices to be written before the one that needs them."""

    def __init__(self, vertices: list[Vertex] | None = None) -> None:
        self.vertices = vertices or []

    def append(self, _: Any) -> None:
        """Nothing: they have been made, and that was the point."""

    def extend(self, _: Any) -> None:
        """Nothing."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Run, (), None, self._announced()

    def _announced(self) -> Iterator[Vertex]:
        mine = []
        try:
            for z in self.vertices:
                if id(z) not in _ready.now:
                    mine.append(id(z))
                    _ready.now.add(id(z))
                yield z
        finally:
            _ready.now.difference_update(mine)


def reduce_ex(self: Vertex, protocol: Any) -> tuple[Any, ...]:
    """How pickle takes a vertex apart: what makes it, and what is set later because it may lead back here."""
    run = None
    if self.inputs and id(self) not in _ready.now:
        under = topological(self)
        under.pop()  # itself, recorded last
        run = _Run(under)
    made = (run, type(self), self.data, self.op, self.inputs, dict(self.static), self.stamp)
    return _vertex, (*made, self.version, self.requires_grad, self.name), (None, _rest(self))


def _vertex(
    _: Any,
    kind: type[Vertex],
    data: Any,
    op: Any,
    inputs: Any,
    static: Any,
    stamp: int,
    version: int,
    requires: Any,
    name: Any,
) -> Vertex:
    z = object.__new__(kind)
    z.data, z.op, z.inputs, z.stamp, z.version = data, op, inputs, stamp, version
    z.arrays = tuple(x.data if isinstance(x, Vertex) else x for x in inputs)
    z.static = static or _NO_STATIC
    z.requires_grad, z.name = requires, name
    z.grad = z.notes = None
    z.order = 0 if op is None else _clock()  # as if computed now, after its inputs
    return z


def _rest(self: Vertex) -> dict[str, Any]:
    found = {slot: getattr(self, slot) for slot in ("grad", "notes") if getattr(self, slot) is not None}
    for kind in type(self).__mro__:
        if kind is Vertex:
            break
        for slot in kind.__dict__.get("__slots__", ()):
            if hasattr(self, slot):
                found[slot] = getattr(self, slot)
    return {**found, **getattr(self, "__dict__", {})}


def deep_copy(self: Vertex, memo: dict[int, Any]) -> Vertex:
    """A copy of this and of everything under it, in memory of its own; what is in `memo` has been copied already."""
    fresh = []
    for z in topological(self):
        if id(z) in memo:
            continue
        inputs = tuple(memo[id(x)] if isinstance(x, Vertex) else deepcopy(x, memo) for x in z.inputs)
        twin = _vertex(
            None, type(z), deepcopy(z.data, memo), z.op, inputs, deepcopy(dict(z.static), memo),
            z.stamp, z.version, z.requires_grad, z.name,
        )  # fmt: skip
        memo[id(z)] = twin
        memo.setdefault(id(memo), []).append(z)  # what memo knows by its id must not die
        fresh.append((z, twin))
    for z, twin in fresh:  # a gradient may lead back here
        for slot, value in _rest(z).items():
            setattr(twin, slot, deepcopy(value, memo))
    return memo[id(self)]
