"""Pickles and deep copies of tensors with the graph under them, however deep.

By itself, pickle would descend from a result to its inputs, to their inputs, and run out of stack. Here a `_Run` of
all leaves and nodes under a tensor, inputs first, is written before the tensor: whatever a node refers to has been
written before it, so a reference is enough. What is shared stays shared within one pickle or copy: `copy.deepcopy`
takes tensors apart in the same way.
"""

import threading
from collections.abc import Iterator
from typing import Any
from weakref import ref

from micrograd_np.core.primitive import _NO_STATIC
from micrograd_np.core.vertex import Node, Vertex, edge, grad_of, retains_grad, tensor_of
from micrograd_np.core.writes import clock

from .backward import is_freed, is_stale, topological


class _Written(threading.local):
    """Nodes whose inputs have been written already, by id."""

    def __init__(self) -> None:
        self.ids: set[int] = set()


_written = _Written()


class _Run(list[Any]):
    """Leaves and nodes that are written before the one that needs them; what loads them has no other use for them."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Run, (), None, self._announced()

    def _announced(self) -> Iterator[Any]:
        new = []
        try:
            for z in self:
                if id(z) not in _written.ids:
                    new.append(id(z))
                    _written.ids.add(id(z))
                yield z
        finally:
            _written.ids.difference_update(new)


def reduce_ex(self: Vertex, protocol: Any) -> tuple[Any, ...]:
    """How pickle takes a tensor apart: the arguments of `_tensor`, and a state that may refer back to the tensor."""
    node = self.node
    run = None
    if node is not None and id(node) not in _written.ids:
        run = _Run(topological(node))
    name = self._name if node is None else None
    arguments = (run, type(self), self.data, node, self.requires_grad, name, node is not None and retains_grad(self))
    return _tensor, arguments, (None, _state(self))


def reduce_node(self: Node) -> tuple[Any, ...]:
    """How pickle takes a node apart: inputs without a gradient are dropped, but for arrays that rules read."""
    inputs = () if is_freed(self) else tuple(None if isinstance(x, ref) else x for x in self.inputs)
    arrays = None if self.arrays is None else list(self.arrays)
    stale = is_stale(self)
    static = dict(self.static)
    arguments = (self.op, inputs, arrays, self.data, static, self.name, stale, self.shape, self.dtype)
    notes = {key: note for key, note in (self.notes or {}).items() if key not in {"retain_grad", "held"}}
    return _node, arguments, (None, {"notes": {**notes, "stale": True} if stale else notes}) if notes else None


def _tensor(
    _: Any, kind: type[Vertex], data: Any, node: Any, requires_grad: bool, name: str | None, retains: bool = False
) -> Vertex:
    z: Vertex = tensor_of(data, node, kind)
    z.requires_grad, z._name = requires_grad, name
    if retains:
        node.notes = {**(node.notes or {}), "retain_grad": ref(z)}
    return z


def _node(
    op: Any, inputs: Any, arrays: Any, data: Any, static: Any,
    name: str | None, stale: bool, shape: tuple[int, ...], dtype: Any,
) -> Node:  # fmt: skip
    node = object.__new__(Node)
    node.op, node.inputs, node.arrays, node.data, node.static = op, inputs, arrays, data, static or _NO_STATIC
    node.shape, node.dtype = shape, dtype
    notes = {"name": name, "stale": stale or None}  # stale: memory that its rules read had been written
    node.notes = {key: note for key, note in notes.items() if note is not None} or None
    node.order = clock()  # as if computed now, after its inputs
    return node


def _vertex(
    _: Any, kind: type[Vertex], data: Any, op: Any, inputs: Any, static: Any,
    saved_versions: int, version: int, requires_grad: Any, name: Any,
) -> Vertex:  # fmt: skip
    """A tensor from a pickle of the time when a tensor was its own record, and counted the writes to it."""
    node = None
    if op is not None:
        versions = version + sum(_versions.get(id(x), (None, 0))[1] for x in inputs)
        arrays = None if saved_versions == -1 else [x.data if isinstance(x, Vertex) else x for x in inputs]
        edges = tuple((x.node or x) if isinstance(x, Vertex) and x.requires_grad else edge(x, x) for x in inputs)
        stale = saved_versions not in (-1, versions)
        node = _node(op, edges, arrays, data, static, name, stale, data.shape, data.dtype)
    z = _tensor(None, kind, data, node, requires_grad, None if node is not None else name)
    if version:
        key = id(z)
        _versions[key] = ref(z, lambda _: _versions.pop(key, None)), version
    return z


_versions: dict[int, tuple[Any, int]] = {}
"""The number of writes to tensors from old pickles, by their identity as long as they are alive."""


def _state(self: Vertex) -> dict[str, Any]:
    """What a tensor has besides the arguments of `_tensor`: a gradient, notes, and what derived classes add."""
    grad = grad_of(self)
    state = {} if grad is None else {"_grad": grad}  # as it is, even if the data has another shape now
    if self.node is None and self.notes is not None:
        state["notes"] = self.notes
    for kind in type(self).__mro__:
        if kind is Vertex:
            break
        state |= {slot: getattr(self, slot) for slot in kind.__dict__.get("__slots__", ()) if hasattr(self, slot)}
    return {**state, **getattr(self, "__dict__", {})}


def restore(self: Vertex, state: Any) -> None:
    """Set the state of a tensor or node, which pickle does last: see `_state`."""
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
