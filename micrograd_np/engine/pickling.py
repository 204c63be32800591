"""Pickles and deep copies of tensors with the graph under them, however deep.

Left to itself, pickle would descend from a result to its inputs, to their inputs, and run out of stack. Here a vertex
is preceded by a `_Run` of everything under it, inputs first: when its turn comes, what it refers to has been written,
and a reference is all there is to write. What is shared stays shared, among all that goes into one pickle or copy.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from weakref import ref

from micrograd_np.core.primitive import _NO_STATIC
from micrograd_np.core.vertex import Node, Vertex, edge, grad_of, tensor_of
from micrograd_np.core.writes import clock

from .backward import is_gone, is_stale, topological

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Ready(threading.local):
    """Vertices whose inputs have been written already."""

    def __init__(self) -> None:
        self.now: set[int] = set()


_ready = _Ready()


class _Run:
    """Vertices to be written before the one that needs them."""

    def __init__(self, vertices: list[Any] | None = None) -> None:
        self.vertices = vertices or []

    def append(self, _: Any) -> None:
        """Nothing: they have been made, and that was the point."""

    def extend(self, _: Any) -> None:
        """Nothing."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Run, (), None, self._announced()

    def _announced(self) -> Iterator[Any]:
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
    """How pickle takes a tensor apart: what makes it, and what is set later because it may lead back here."""
    node = self.node
    run = None
    if node is not None and id(node) not in _ready.now:
        run = _Run([z for z in topological(node) if isinstance(z, Node)])
    named = self._name if node is None else None
    made = (run, type(self), self.data, node, self.requires_grad, named, _keeps_grad(self))
    return _tensor, made, (None, _rest(self))


def reduce_node(self: Node) -> tuple[Any, ...]:
    """How pickle takes a node apart: inputs that take no gradient are forgotten, but for arrays that rules read."""
    inputs = () if is_gone(self) else tuple(None if isinstance(x, ref) else x for x in self.inputs)
    arrays = None if self.arrays is None else list(self.arrays)
    made = (self.op, inputs, arrays, self.data, dict(self.static), self.name, is_stale(self), self.shape, self.dtype)
    notes = _own(self)
    return _node, made, (None, {"notes": {**notes, "stale": True} if is_stale(self) else notes}) if notes else None


def _own(node: Node) -> dict[str, Any]:
    """The notes that a copy has too."""
    return {key: note for key, note in (node.notes or {}).items() if key not in {"retain_grad", "held"}}


def _keeps_grad(self: Vertex) -> bool:
    """Whether a backward pass is to keep the gradient that arrives at this result."""
    holder = (self.node.notes or {}).get("retain_grad") if self.node is not None else None
    return holder is not None and holder() is self


def _tensor(
    _: Any, kind: type[Vertex], data: Any, node: Any, requires: bool, name: str | None, keeps_grad: bool = False
) -> Vertex:
    z: Vertex = tensor_of(data, node, kind)
    z.requires_grad, z._name = requires, name
    if keeps_grad:
        node.notes = {**(node.notes or {}), "retain_grad": ref(z)}
    return z


def _node(
    op: Any,
    inputs: Any,
    arrays: Any,
    data: Any,
    static: Any,
    name: str | None,
    stale: bool,
    shape: tuple[int, ...],
    dtype: Any,
) -> Node:
    node = object.__new__(Node)
    node.op, node.inputs, node.arrays, node.data, node.static = op, inputs, arrays, data, static or _NO_STATIC
    node.shape, node.dtype = shape, dtype
    node.notes = {"name": name} if name is not None else None
    node.order = clock()  # as if computed now, after its inputs
    if stale:  # memory was written that its rules read, and so it stays
        node.notes = {**(node.notes or {}), "stale": True}
    return node


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
    """A tensor out of a pickle of a time when a tensor was its own record, and counted the writes to it."""
    node = None
    if op is not None:
        now = version + sum(_versions.get(id(x), (None, 0))[1] for x in inputs)
        arrays = None if stamp == -1 else [x.data if isinstance(x, Vertex) else x for x in inputs]
        node = _node(
            op,
            tuple((x.node or x) if isinstance(x, Vertex) and x.requires_grad else edge(x, x) for x in inputs),
            arrays,
            data,
            static,
            name,
            stamp not in (-1, now),
            data.shape,
            data.dtype,
        )
    z = _tensor(None, kind, data, node, requires, None if node is not None else name)
    if version:
        key = id(z)
        _versions[key] = ref(z, lambda _: _versions.pop(key, None)), version
    return z


_versions: dict[int, tuple[Any, int]] = {}
"""How often tensors out of old pickles had been written to, by their identity as long as they are alive."""


def _rest(self: Vertex) -> dict[str, Any]:
    grad = grad_of(self)
    found = {} if grad is None else {"_grad": grad}  # as it is, whatever has become of the data
    notes = self.notes if self.node is None else None
    if notes is not None:
        found["notes"] = notes
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
        if id(z) not in memo:
            twin: Any = _copied_node(z, memo) if isinstance(z, Node) else _copied_leaf(z, memo)
            memo[id(z)] = twin
            memo.setdefault(id(memo), []).append(z)  # what memo knows by its id must not die
            fresh.append((z, twin))
    if self.node is not None:
        memo[id(self)] = _tensor(
            None, type(self), deepcopy(self.data, memo), memo[id(self.node)], True, None, _keeps_grad(self)
        )
        fresh.append((self, memo[id(self)]))
    for z, twin in fresh:  # a gradient may lead back here
        for slot, value in _rest(z).items() if isinstance(z, Vertex) else ():
            setattr(twin, slot, deepcopy(value, memo))
    return memo[id(self)]


def _copied_leaf(z: Any, memo: dict[int, Any]) -> Vertex:
    return _tensor(None, type(z), deepcopy(z.data, memo), None, z.requires_grad, z._name)


def _copied_node(z: Node, memo: dict[int, Any]) -> Node:
    inputs = tuple(
        memo[id(x)] if isinstance(x, (Node, Vertex)) else None if isinstance(x, ref) else deepcopy(x, memo)
        for x in (() if is_gone(z) else z.inputs)
    )
    arrays = None if z.arrays is None else [deepcopy(a, memo) for a in z.arrays]
    static = deepcopy(dict(z.static), memo)
    node = _node(z.op, inputs, arrays, deepcopy(z.data, memo), static, z.name, is_stale(z), z.shape, z.dtype)
    notes = {key: deepcopy(note, memo) for key, note in _own(z).items()}
    node.notes = {**(node.notes or {}), **notes} or None
    return node


def restore(self: Vertex, state: Any) -> None:
    """What pickle sets last: a gradient as it is, notes, and what derived classes add."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        if name == "grad":  # of an older pickle
            self._grad = value
        elif name == "notes" and self.node is not None and value.get("retain_grad") is True:
            self.notes = {**(self.node.notes or {}), **value, "retain_grad": ref(self)}
        else:
            setattr(self, name, value)


Vertex.__setstate__ = restore  # type: ignore[attr-defined]
Node.__reduce__ = reduce_node  # type: ignore[assignment, method-assign]
